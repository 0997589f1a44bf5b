import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip as gzipCallback } from 'node:zlib';
import { stringify as stringifyYaml } from 'yaml';
import { internalError, StatusError, type Status } from '../../api/errors.ts';
import { without } from '../../api/kinds/fill.ts';
import type { KubeObject, ObjectList } from '../../api/object.ts';
import { encodeList, encodeProtobuf } from '../../api/protobuf/envelope.ts';
import { itemBytes, objectBytes, objectLine } from '../registry/object-bytes.ts';
import { envelopedMessage, objectMessage } from '../registry/object-message.ts';
import type { Answer } from './answer.ts';
import type { MediaType, Negotiated } from './negotiation.ts';

const gzip = promisify(gzipCallback);

/** Smaller answers are not worth compressing. Upstream: apiserver pkg/endpoints/handlers/responsewriters. */
const GZIP_ABOVE = 128 * 1024;

/** What an answer is written on. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: Answer;
}

/** Sends bytes as the whole answer, compressed where they are many and the client takes it, which takes a while. HEAD gets the headers alone. */
export function sendBytes({ request, response }: Exchange, code: number, contentType: string, bytes: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<void> | undefined {
  const all = headers['Cache-Control'] === undefined ? ['Cache-Control', 'no-cache, private', 'Content-Type', contentType] : ['Content-Type', contentType];
  for (const name in headers) all.push(name, headers[name]!);
  const withBody = request.method !== 'HEAD';
  if (bytes.length <= GZIP_ABOVE || !/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) {
    response.send(code, all, bytes, withBody);
    return undefined;
  }
  all.push('Content-Encoding', 'gzip', 'Vary', 'Accept-Encoding');
  return gzip(bytes, { level: constants.Z_BEST_SPEED }).then((compressed) => response.send(code, all, compressed, withBody));
}

export function sendText(exchange: Exchange, code: number, text: string): Promise<void> | undefined {
  return sendBytes(exchange, code, 'text/plain; charset=utf-8', Buffer.from(text), { 'X-Content-Type-Options': 'nosniff' });
}

/** As Go's mux answers for a path that it does not know. */
export function sendNotFoundPage(exchange: Exchange): Promise<void> | undefined {
  return sendText(exchange, 404, '404 page not found\n');
}

/** Sends an object or any other JSON value in the form that was negotiated. */
export function sendObject(exchange: Exchange, code: number, value: object, { media, pretty }: Negotiated): Promise<void> | undefined {
  return sendBytes(exchange, code, contentTypeOf(media), encode(value, media, pretty));
}

/** As Go's writer: keys in order, lists not indented, and what YAML 1.1 would read as something else than text in quotes. */
export const YAML_FORM = { version: '1.1', sortMapEntries: true, indentSeq: false, aliasDuplicateObjects: false, lineWidth: 0 } as const;

export function contentTypeOf(media: MediaType): string {
  return media;
}

export function encode(value: object, media: MediaType, pretty: boolean): Buffer {
  switch (media) {
    case 'application/yaml': return Buffer.from(stringifyYaml(value, YAML_FORM));
    case 'application/vnd.kubernetes.protobuf': return isStored(value) ? envelopedMessage(value) : encodeProtobuf(value as KubeObject);
    case 'application/json':
      if (pretty) return Buffer.from(JSON.stringify(value, null, 2));
      return isStored(value) ? objectLine(value) : Buffer.from(`${JSON.stringify(value)}\n`);
  }
}

const isStored = (value: object): value is KubeObject => typeof (value as Partial<KubeObject>).metadata?.resourceVersion === 'string' && !('items' in value);

/** A list as JSON, joined from the bytes that its items have already. */
export function listBytes(list: ObjectList<KubeObject>, custom: boolean): Buffer {
  const pieces: Buffer[] = [Buffer.from(`{"kind":${JSON.stringify(list.kind)},"apiVersion":${JSON.stringify(list.apiVersion)},"metadata":${JSON.stringify(list.metadata)},"items":[`)];
  list.items.forEach((item, index) => {
    if (index > 0) pieces.push(COMMA);
    if (custom) pieces.push(objectBytes(item));
    else pieces.push(...itemBytes(item));
  });
  pieces.push(END);
  return Buffer.concat(pieces);
}

const COMMA = Buffer.from(',');
const END = Buffer.from(']}\n');

/** A list as protobuf, of the messages that its items have already. */
export function listMessage(list: ObjectList<KubeObject>): Buffer {
  return encodeList(list, list.items.map(objectMessage));
}

/** A list in the form that goes out where its bytes are not simply joined: items of typed lists carry no kind. */
export function plainList(list: ObjectList<KubeObject>, custom: boolean): object {
  const { kind, apiVersion, metadata, items } = list;
  return { kind, apiVersion, metadata, items: custom ? items : items.map((item) => without(item, 'kind', 'apiVersion')) };
}

/** What went wrong, as a Status. Faults that are not API faults become 500. */
export function statusOf(error: unknown): Status {
  return (error instanceof StatusError ? error : internalError(error)).status;
}

export function sendStatus(exchange: Exchange, status: Status, negotiated: Negotiated): Promise<void> | undefined {
  const { response } = exchange;
  const code = status.code ?? 500;
  if (status.details?.retryAfterSeconds !== undefined) response.give('Retry-After', String(status.details.retryAfterSeconds));
  return sendObject(exchange, code, status, negotiated);
}
