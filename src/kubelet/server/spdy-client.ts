import { once } from 'node:events';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';

const VERSION = 0x8003;
const SYN_STREAM = 1;
const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;
const FIN = 1;
const HEADER_BYTES = 8;
/** The length of a frame has three bytes; smaller frames let streams alternate. */
const LARGEST_DATA = 64 * 1024;

/**
 * The beginning of every SPDY/3 header stream: zlib with a preset dictionary, which is named by its checksum. Our header blocks are stored
 * rather than compressed, so the dictionary itself is not needed.
 */
const ZLIB_START = Buffer.from('78bbe3c6a7c2', 'hex');
/** An empty stored block: it makes the reader hand out what it has, as a sync flush does. */
const FLUSH = Buffer.from([0, 0, 0, 0xff, 0xff]);

export type SpdyFrame =
  | { readonly type: 'data'; readonly stream: number; readonly payload: Buffer; readonly last: boolean }
  | { readonly type: 'reset'; readonly stream: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goaway' };

/** Takes frames from bytes as they come. What a client of remote commands need not know (replies' headers, settings, windows) is left out. */
export class SpdyReader {
  #rest: Buffer = Buffer.alloc(0);

  read(chunk: Buffer): SpdyFrame[] {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const frames: SpdyFrame[] = [];
    while (bytes.length >= HEADER_BYTES) {
      const length = bytes.readUIntBE(5, 3);
      if (bytes.length < HEADER_BYTES + length) break;
      const frame = frameOf(bytes.subarray(0, HEADER_BYTES), bytes.subarray(HEADER_BYTES, HEADER_BYTES + length));
      if (frame) frames.push(frame);
      bytes = bytes.subarray(HEADER_BYTES + length);
    }
    this.#rest = bytes;
    return frames;
  }
}

function frameOf(head: Buffer, payload: Buffer): SpdyFrame | undefined {
  const first = head.readUInt32BE(0);
  const last = (head[4]! & FIN) !== 0;
  if (first < 0x8000_0000) return { type: 'data', stream: first, payload, last };
  const id = payload.length >= 4 ? payload.readUInt32BE(0) & 0x7fff_ffff : 0;
  switch (first & 0xffff) {
    case RST_STREAM: return { type: 'reset', stream: id };
    case PING: return { type: 'ping', id };
    case GOAWAY: return { type: 'goaway' };
    // A reply (or headers) may close the far end's side at once.
    default: return last ? { type: 'data', stream: id, payload: Buffer.alloc(0), last } : undefined;
  }
}

/** Writes the client's side of SPDY/3.1: streams 1, 3, 5 … */
export class SpdyWriter {
  #nextStream = 1;
  #begun = false;

  /** The frame that opens a stream, and the stream's number. Names of headers must be in lower case. */
  open(headers: Readonly<Record<string, string>>): { readonly stream: number; readonly frame: Buffer } {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    const entries = Object.entries(headers);
    const block = Buffer.concat([uint32(entries.length), ...entries.flat().flatMap((text) => [uint32(Buffer.byteLength(text)), Buffer.from(text)])]);
    const stored = Buffer.from([0, block.length & 0xff, block.length >> 8, ~block.length & 0xff, (~block.length >> 8) & 0xff]);
    const compressed = Buffer.concat([...(this.#begun ? [] : [ZLIB_START]), stored, block, FLUSH]);
    this.#begun = true;
    // Associated to none, of the highest priority, in no slot.
    return { stream, frame: control(SYN_STREAM, Buffer.concat([uint32(stream), uint32(0), Buffer.alloc(2), compressed])) };
  }

  data(stream: number, payload: Buffer): Buffer {
    const pieces: Buffer[] = [];
    for (let at = 0; at < payload.length; at += LARGEST_DATA) {
      const piece = payload.subarray(at, at + LARGEST_DATA);
      pieces.push(uint32(stream), uint32(piece.length), piece);
    }
    return Buffer.concat(pieces);
  }

  /** Says that nothing more comes on the stream from this side. */
  end(stream: number): Buffer {
    return Buffer.concat([uint32(stream), uint32(FIN * 2 ** 24)]);
  }

  pong(id: number): Buffer {
    return control(PING, uint32(id));
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A frame of the protocol's own, without flags. */
function control(type: number, payload: Buffer): Buffer {
  return Buffer.concat([uint32(VERSION * 2 ** 16 + type), uint32(payload.length), payload]);
}

/** Asks a runtime's streaming server to speak SPDY/3.1. A failed write is an error of the socket, which can be read on until it closes. Resolves to undefined where it refuses; rejects where it cannot be reached. */
export async function upgradeToSpdy(target: string, protocol: string): Promise<{ readonly socket: Duplex; readonly head: Buffer } | undefined> {
  const asked = request(target, {
    method: 'POST', agent: false, headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol, 'content-length': 0 },
  });
  asked.end();
  const refused = once(asked, 'response').then(([response]) => void (response as { destroy(): void }).destroy());
  const upgraded = once(asked, 'upgrade').then(([, socket, head]) => ({ socket: readOn(socket as Duplex), head: head as Buffer }));
  return Promise.race([refused, upgraded]);
}

/**
 * A runtime that is done closes its connection with input unread, which resets it. What it said before has arrived by then; but Node.js throws that away
 * where a write fails before it was read, and offers no other way to have it otherwise.
 */
function readOn(socket: Duplex): Duplex {
  const { _readableState: readable, _writableState: writable } = socket as unknown as Record<'_readableState' | '_writableState', { autoDestroy: boolean; errored: Error | null }>;
  readable.autoDestroy = false;
  writable.autoDestroy = false;
  socket.on('error', () => {
    readable.errored = null;
  });
  return socket;
}
