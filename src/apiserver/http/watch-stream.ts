import type { ServerResponse } from 'node:http';
import type { WebSocket } from 'ws';
import { stringify as stringifyYaml } from 'yaml';
import type { Status, StatusError } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { afterTurn } from '../../base/turn.ts';
import type { WatchEvent } from '../../client/client.ts';
import { encodeProtobuf } from '../../api/protobuf/envelope.ts';
import { encodeWatchFrame } from '../../api/protobuf/watch-frame.ts';
import { objectBytes } from '../registry/object-bytes.ts';
import { envelopedMessage } from '../registry/object-message.ts';
import type { WatchSink } from '../registry/resource-watch.ts';
import type { ServedResource } from '../registry/served-resource.ts';
import type { Negotiated } from './negotiation.ts';
import { partialObjectMetadata, tableOf, type IncludeObject } from './table.ts';

/** Bytes that may wait for a client before it is taken for dead or too slow and dropped; it can watch again from where it was. */
const MAX_BACKLOG = 16 * 1024 * 1024;

type EventType = WatchEvent<KubeObject>['type'] | 'ERROR';

const frames = new WeakMap<object, Map<EventType, Buffer>>();

/** `{"type":"ADDED","object":…}` with its newline, made once for each state of an object and shared by all watchers. */
function jsonFrame(type: EventType, object: KubeObject): Buffer {
  let known = frames.get(object);
  if (!known) frames.set(object, (known = new Map()));
  let frame = known.get(type);
  if (!frame) known.set(type, (frame = Buffer.concat([Buffer.from(`{"type":"${type}","object":`), objectBytes(object), END])));
  return frame;
}

const END = Buffer.from('}\n');

const messageFrames = new WeakMap<object, Map<EventType, Buffer>>();

/** The same in protobuf. */
function protobufFrame(type: EventType, object: KubeObject): Buffer {
  let known = messageFrames.get(object);
  if (!known) messageFrames.set(object, (known = new Map()));
  let frame = known.get(type);
  if (!frame) known.set(type, (frame = encodeWatchFrame(type, envelopedMessage(object))));
  return frame;
}

/** Turns an event into what goes out. Stateful where a table leaves out what it has told. */
export type FrameMaker = (type: EventType, object: KubeObject | Status) => Buffer;

export interface FrameOptions {
  readonly includeObject: IncludeObject;
  readonly now: () => number;
}

export function frameMaker(served: ServedResource, { media, as }: Negotiated, { includeObject, now }: FrameOptions): FrameMaker {
  let first = true;
  const transform = (type: EventType, object: KubeObject): object => {
    if (type === 'ERROR' || !as) return object;
    if (as !== 'Table') return partialObjectMetadata(object);
    const { resourceVersion } = object.metadata;
    if (type === 'BOOKMARK') return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion }, columnDefinitions: null, rows: [{ cells: [], object: partialObjectMetadata(object) }] };
    const table = tableOf(served, [object], { resourceVersion }, { includeObject, nowMs: now(), withoutColumns: !first });
    first = false;
    return table;
  };
  if (media === 'application/yaml') return (type, object) => Buffer.from(`---\n${stringifyYaml({ type, object: transform(type, object as KubeObject) }, { aliasDuplicateObjects: false })}`);
  if (media === 'application/vnd.kubernetes.protobuf') {
    if (!as) return (type, object) => protobufFrame(type, object as KubeObject);
    return (type, object) => encodeWatchFrame(type, encodeProtobuf(transform(type, object as KubeObject) as KubeObject));
  }
  if (!as) return (type, object) => (type === 'ERROR' ? Buffer.from(`${JSON.stringify({ type, object })}\n`) : jsonFrame(type, object as KubeObject));
  return (type, object) => Buffer.from(`${JSON.stringify({ type, object: transform(type, object as KubeObject) })}\n`);
}

/** Where frames go: a chunked answer, or the messages of a WebSocket. */
export interface FrameOutput {
  write(frames: readonly Buffer[]): void;
  /** Bytes not yet taken by the client. */
  backlog(): number;
  end(): void;
  /** Breaks the connection off. */
  destroy(): void;
}

/** Gathers the events of a turn and writes them at once; drops a client that falls behind. */
export class FrameSink implements WatchSink {
  readonly #output: FrameOutput;
  readonly #frame: FrameMaker;
  #waiting: Buffer[] = [];
  #ended = false;

  constructor(output: FrameOutput, frame: FrameMaker) {
    this.#output = output;
    this.#frame = frame;
  }

  events(batch: readonly WatchEvent<KubeObject>[]): void {
    if (this.#waiting.length === 0) afterTurn(() => this.#flush());
    for (const { type, object } of batch) this.#waiting.push(this.#frame(type, object));
  }

  end(fault?: StatusError): void {
    if (fault) this.#waiting.push(this.#frame('ERROR', fault.status));
    this.#ended = true;
    this.#flush();
    this.#output.end();
  }

  #flush(): void {
    const frames = this.#waiting;
    this.#waiting = [];
    if (frames.length > 0) this.#output.write(frames);
    if (!this.#ended && this.#output.backlog() > MAX_BACKLOG) this.#output.destroy();
  }
}

export function chunkedOutput(response: ServerResponse): FrameOutput {
  return {
    write(frames) {
      if (!response.destroyed) response.write(frames.length === 1 ? frames[0] : Buffer.concat(frames));
    },
    backlog: () => response.writableLength,
    end: () => void response.end(),
    destroy: () => void response.destroy(),
  };
}

export function webSocketOutput(socket: WebSocket): FrameOutput {
  return {
    write(frames) {
      if (socket.readyState === socket.OPEN) for (const frame of frames) socket.send(frame, { binary: false });
    },
    backlog: () => socket.bufferedAmount,
    end: () => socket.close(1000),
    destroy: () => socket.terminate(),
  };
}
