import type { ServerResponse } from 'node:http';
import type { WebSocket } from 'ws';
import { stringify as stringifyYaml } from 'yaml';
import type { Status, StatusError } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import type { WatchEvent } from '../../client/client.ts';
import { encodeProtobuf } from '../../api/protobuf/envelope.ts';
import { encodeWatchFrame } from '../../api/protobuf/watch-frame.ts';
import { objectBytes } from '../registry/object-bytes.ts';
import { envelopedMessage } from '../registry/object-message.ts';
import type { WatchSink } from '../registry/watch-sink.ts';
import type { ServedResource } from '../registry/served-resource.ts';
import type { FlushSchedule } from './flush-schedule.ts';
import type { Negotiated } from './negotiation.ts';
import { partialObjectMetadata, tableOf, type IncludeObject } from './table.ts';

/** Bytes that may wait for a client before it is taken for dead or too slow and dropped; it can watch again from where it was. */
const MAX_BACKLOG = 16 * 1024 * 1024;

type EventType = WatchEvent<KubeObject>['type'] | 'ERROR';

interface FramedEvent {
  readonly type: EventType;
  readonly object: KubeObject | Status;
}

/** Turns events into what goes out. */
export interface FrameFormat {
  /** Adds the bytes of one event, in pieces. */
  add(event: FramedEvent, pieces: Buffer[]): void;
  /** Set where the same events make the same bytes for all watchers whose format has this key; a table leaves out what it has told before, so it has none. */
  readonly key?: string;
}

export interface FrameOptions {
  readonly includeObject: IncludeObject;
  readonly now: () => number;
}

const END = Buffer.from('}\n');
const heads = new Map<EventType, Buffer>();

/** `{"type":"ADDED","object":…}` with its newline. */
const json: FrameFormat = {
  key: 'json',
  add({ type, object }, pieces) {
    let head = heads.get(type);
    if (!head) heads.set(type, (head = Buffer.from(`{"type":"${type}","object":`)));
    pieces.push(head, type === 'ERROR' ? Buffer.from(JSON.stringify(object)) : objectBytes(object as KubeObject), END);
  },
};

const protobuf: FrameFormat = {
  key: 'protobuf',
  add({ type, object }, pieces) {
    pieces.push(encodeWatchFrame(type, envelopedMessage(object as KubeObject)));
  },
};

export function frameFormat(served: ServedResource, { media, as }: Negotiated, { includeObject, now }: FrameOptions): FrameFormat {
  let first = true;
  const transform = ({ type, object }: FramedEvent): object => {
    if (type === 'ERROR' || !as) return object;
    if (as !== 'Table') return partialObjectMetadata(object as KubeObject);
    const { resourceVersion } = (object as KubeObject).metadata;
    if (type === 'BOOKMARK') return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion }, columnDefinitions: null, rows: [{ cells: [], object: partialObjectMetadata(object as KubeObject) }] };
    const table = tableOf(served, [object as KubeObject], { resourceVersion }, { includeObject, nowMs: now(), withoutColumns: !first });
    first = false;
    return table;
  };
  const key = as === 'Table' ? {} : { key: `${media};as=${as ?? ''}` };
  switch (media) {
    case 'application/yaml':
      return { ...key, add: (event, pieces) => void pieces.push(Buffer.from(`---\n${stringifyYaml({ type: event.type, object: transform(event) }, { aliasDuplicateObjects: false })}`)) };
    case 'application/vnd.kubernetes.protobuf':
      return as ? { ...key, add: (event, pieces) => void pieces.push(encodeWatchFrame(event.type, encodeProtobuf(transform(event) as KubeObject))) } : protobuf;
    case 'application/json':
      return as ? { ...key, add: (event, pieces) => void pieces.push(Buffer.from(`${JSON.stringify({ type: event.type, object: transform(event) })}\n`)) } : json;
  }
}

/** Where frames go: a chunked answer, or the messages of a WebSocket. */
export interface FrameOutput {
  write(events: readonly FramedEvent[], format: FrameFormat): void;
  /** Bytes not yet taken by the client. */
  backlog(): number;
  end(): void;
  /** Breaks the connection off. */
  destroy(): void;
}

/** Gathers events and writes them at once when the schedule says so; drops a client that falls behind. */
export class FrameSink implements WatchSink {
  readonly #output: FrameOutput;
  readonly #format: FrameFormat;
  readonly #schedule: FlushSchedule;
  #waiting: FramedEvent[] = [];
  #ended = false;

  constructor(output: FrameOutput, format: FrameFormat, schedule: FlushSchedule) {
    this.#output = output;
    this.#format = format;
    this.#schedule = schedule;
  }

  events(batch: readonly WatchEvent<KubeObject>[]): void {
    if (this.#waiting.length === 0) this.#schedule.add(() => this.#flush());
    for (const event of batch) this.#waiting.push(event);
  }

  end(fault?: StatusError): void {
    if (fault) this.#waiting.push({ type: 'ERROR', object: fault.status });
    this.#ended = true;
    this.#flush();
    this.#output.end();
  }

  #flush(): void {
    const events = this.#waiting;
    this.#waiting = [];
    if (events.length > 0) this.#output.write(events, this.#format);
    if (!this.#ended && this.#output.backlog() > MAX_BACKLOG) this.#output.destroy();
  }
}

/** The chunk that was made last: in one turn most watchers of a resource are told the same, so that it is made once for all of them. */
let last: { readonly key: string; readonly events: readonly FramedEvent[]; readonly chunk: Buffer } | undefined;

/** Longer ones are not kept. Where a server has fallen behind chunks are long, and it must not fall behind further for making each of them anew. */
const KEPT = 2 * 2 ** 20;

/** Events as one chunk of an answer in HTTP's chunked encoding. */
function chunkOf(events: readonly FramedEvent[], format: FrameFormat): Buffer {
  const { key } = format;
  if (last && last.key === key && isSameEvents(last.events, events)) return last.chunk;
  const pieces: Buffer[] = [];
  for (const event of events) format.add(event, pieces);
  let size = 0;
  for (const piece of pieces) size += piece.length;
  const chunk = Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), ...pieces, CHUNK_END]);
  if (key !== undefined) last = chunk.length <= KEPT ? { key, events, chunk } : undefined;
  return chunk;
}

const CHUNK_END = Buffer.from('\r\n');

function isSameEvents(left: readonly FramedEvent[], right: readonly FramedEvent[]): boolean {
  return left.length === right.length && left.every(({ type, object }, i) => object === right[i]!.object && type === right[i]!.type);
}

export function chunkedOutput(response: ServerResponse): FrameOutput {
  return {
    write(events, format) {
      if (response.destroyed) return;
      // Past the response, which would frame the same bytes anew for each watcher.
      if (response.headersSent && response.chunkedEncoding && response.socket && response.writableLength === response.socket.writableLength) {
        response.socket.write(chunkOf(events, format));
        return;
      }
      const pieces: Buffer[] = [];
      for (const event of events) format.add(event, pieces);
      response.write(Buffer.concat(pieces));
    },
    backlog: () => response.writableLength,
    end: () => void response.end(),
    destroy: () => void response.destroy(),
  };
}

export function webSocketOutput(socket: WebSocket): FrameOutput {
  return {
    write(events, format) {
      for (const event of events) {
        if (socket.readyState !== socket.OPEN) return;
        const pieces: Buffer[] = [];
        format.add(event, pieces);
        socket.send(Buffer.concat(pieces), { binary: false });
      }
    },
    backlog: () => socket.bufferedAmount,
    end: () => socket.close(1000),
    destroy: () => socket.terminate(),
  };
}
