import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Clock } from '../../base/clock.ts';
import { afterTurn } from '../../base/turn.ts';
import { SpdyReader, SpdyWriter, upgradeToSpdy, type SpdyFrame } from './spdy-client.ts';

const PROTOCOL = 'v5.channel.k8s.io';
/** What the same streams are called where SPDY carries them. */
const SPDY_PROTOCOL = 'v4.channel.k8s.io';
/** The first byte of a message that closes the channel of the second byte. */
const CLOSE = 255;
/** So much may wait for a slow client before the runtime is held back, in bytes. */
const LARGEST_BACKLOG = 1 << 20;

/** So often a command that has closed its outputs, but of which the runtime does not say that it has ended, is helped to that, in milliseconds. */
const UNJAM_MS = 100;
/** After so many times it may well be alive and reading its input: then it gets more of it. */
const UNJAM_TIMES_ALONE = 5;

/** What is asked of a command's streams; the status always has its own. */
export interface CommandStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** What the kubelet's server lends to the streams of a command. */
export interface StreamHelp {
  readonly clock: Pick<Clock, 'timer'>;
  /** Makes room where a dead command's input keeps the runtime waiting; absent: it never does. */
  readonly unjamInput?: () => void;
}

/** The channels of a command in the order of opening: number in WebSocket messages, name in SPDY. */
export function channelsOf({ stdin, stdout, stderr, tty }: CommandStreams): readonly (readonly [channel: number, name: string])[] {
  return [
    [3, 'error'], ...(stdin ? [[0, 'stdin'] as const] : []), ...(stdout ? [[1, 'stdout'] as const] : []), ...(stderr && !tty ? [[2, 'stderr'] as const] : []),
    ...(tty ? [[4, 'resize'] as const] : []),
  ];
}

export function offersChannels({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && (headers['sec-websocket-protocol'] ?? '').split(',').some((name) => name.trim() === PROTOCOL);
}

/**
 * Serves a command's streams over `v5.channel.k8s.io` where the runtime speaks SPDY/3.1: over WebSocket, runtimes know but version 4, which
 * cannot tell that the input is at its end. Resolves to false, with nothing done, where the runtime refuses SPDY.
 * Upstream: apiserver/pkg/util/proxy/streamtranslator.go.
 */
export async function translateChannels(request: IncomingMessage, client: Duplex, head: Buffer, target: string, streams: CommandStreams, help: StreamHelp): Promise<boolean> {
  const runtime = await upgradeToSpdy(target, SPDY_PROTOCOL);
  if (!runtime) return false;
  if (client.destroyed) {
    runtime.socket.destroy();
    return true;
  }
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, handleProtocols: () => PROTOCOL });
  server.handleUpgrade(request, client, head, (socket) => join(socket, runtime.socket, runtime.head, streams, help));
  return true;
}

/**
 * Carries messages and frames until either side is done. Both directions hold their source back by not reading it; SPDY's windows are not
 * kept, for the runtime's server (moby/spdystream) neither keeps nor grants any.
 */
function join(socket: WebSocket, runtime: Duplex, head: Buffer, streams: CommandStreams, { clock, unjamInput }: StreamHelp): void {
  const writer = new SpdyWriter();
  const reader = new SpdyReader();
  const channelOfStream = new Map<number, number>();
  const streamOfChannel = new Map<number, number>();
  let statusStream = 0;
  /** The runtime takes nothing any more. */
  let deaf = false;
  /** Streams that the runtime has not ended yet. */
  const open = new Set<number>();
  for (const [channel, name] of channelsOf(streams)) {
    const { stream, frame } = writer.open({ streamtype: name });
    channelOfStream.set(stream, channel);
    streamOfChannel.set(channel, stream);
    if (channel === 3) statusStream = stream;
    if (channel === 1 || channel === 2 || channel === 3) open.add(stream);
    runtime.write(frame);
  }

  const send = (channel: number, payload: Buffer): void => {
    socket.send(Buffer.concat([Buffer.from([channel]), payload]), () => {
      if (runtime.isPaused() && socket.bufferedAmount < LARGEST_BACKLOG) runtime.resume();
    });
    if (socket.bufferedAmount >= LARGEST_BACKLOG) runtime.pause();
  };
  let unjamming: Disposable | undefined;
  /** The outputs have ended, and nothing tells how the command did. Its input may be what keeps the runtime from it; more of it would meet a closed door. */
  const unjam = (times = 0): void => {
    if (times === 0) socket.pause();
    if (times === UNJAM_TIMES_ALONE) socket.resume();
    unjamming = clock.timer(UNJAM_MS * Math.min(times + 1, 20), () => {
      unjamInput?.();
      unjam(times + 1);
    });
  };
  const finish = (): void => {
    runtime.destroy();
    socket.close(1000);
  };
  const onFrame = (frame: SpdyFrame): void => {
    if (frame.type === 'goaway') return finish();
    if (frame.type === 'ping') return void runtime.write(writer.pong(frame.id));
    const channel = channelOfStream.get(frame.stream);
    if (channel === undefined) return;
    if (frame.type === 'data' && frame.payload.length > 0) send(channel, frame.payload);
    if (frame.type === 'data' && !frame.last) return;
    open.delete(frame.stream);
    if (open.size === 0) finish();
    else if (streams.stdin && open.size === 1 && open.has(statusStream) && !unjamming) unjam();
  };
  const over = (): void => {
    unjamming?.[Symbol.dispose]();
    unjamming ??= { [Symbol.dispose]() { /* Nothing is begun any more. */ } };
  };
  const onBytes = (bytes: Buffer): void => reader.read(bytes).forEach(onFrame);

  socket.on('message', (message: Buffer) => {
    const ends = message[0] === CLOSE;
    const stream = streamOfChannel.get(ends ? (message[1] ?? -1) : (message[0] ?? -1));
    if (stream === undefined || deaf || runtime.destroyed) return;
    const bytes = ends ? writer.end(stream) : writer.data(stream, message.subarray(1));
    if (bytes.length === 0) return;
    // What the runtime has said is read before it is written to: it may have said that it is done.
    if (runtime.writableCorked === 0) {
      runtime.cork();
      afterTurn(() => runtime.uncork());
    }
    if (runtime.write(bytes) || socket.isPaused) return;
    socket.pause();
    runtime.once('drain', () => socket.resume());
  });
  socket.on('close', () => {
    over();
    runtime.destroy();
  });
  socket.on('error', () => runtime.destroy());
  runtime.on('data', onBytes);
  runtime.on('end', () => runtime.destroy());
  // It may have said all before: what it said is read on until it closes.
  runtime.on('error', () => {
    deaf = true;
    socket.resume();
  });
  runtime.on('close', () => {
    over();
    // A pending pause would keep the closing handshake from being read.
    socket.resume();
    if (deaf && open.size > 0) socket.terminate();
    else socket.close(1000);
  });
  if (head.length > 0) onBytes(head);
}
