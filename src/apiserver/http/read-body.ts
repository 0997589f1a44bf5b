import type { IncomingMessage } from 'node:http';
import { YAMLParseError } from 'yaml';
import { badRequest, statusError, unsupportedMediaType, type StatusError } from '../../api/errors.ts';
import { isTextTooDeep, isTooDeep } from '../../api/schema/depth.ts';
import type { DuplicateKeys } from '../../api/schema/json-text.ts';
import { JsonSyntaxError, parseJson, parseJsonStrictly } from '../../api/schema/json-text.ts';
import { decodeProtobuf } from '../../api/protobuf/envelope.ts';
import { ProtobufError } from '../../base/grpc/wire.ts';
import { DecodeError } from '../../api/schema/decode.ts';
import type { Clock } from '../../base/clock.ts';
import { MEDIA_TYPES } from './negotiation.ts';
import { parseYamlText, type YamlText } from './yaml-text.ts';

/** Upstream: DefaultMaxRequestBodyBytes of the generic API server. */
const LIMIT = 3 * 1024 * 1024;

/** What is read of a body that is too large before it is refused. */
const PATIENCE = 64 * 1024 * 1024;

/** The time that a request may take as a whole, in milliseconds. Upstream: --request-timeout. */
const DEADLINE_MS = 60_000;

const gone = (): StatusError => badRequest('the client closed the connection before the request was complete');

/**
 * The whole body. Rejects with 413 above 3 MiB, once the client has sent all of it: most clients read no answer before, and would tell
 * of a broken pipe instead. Above 64 MiB nobody waits for the rest. With 504 where it is not there after a minute: a request that waits for its body takes seats.
 */
export async function readBody(request: IncomingMessage, clock: Pick<Clock, 'timer'>): Promise<Buffer> {
  // The parser hands on a body that came with its head right after the head, when what the head began waits for the first time.
  await Promise.resolve();
  const size = request.readableLength;
  const isThere = size === 0 ? request.complete : size <= LIMIT && size === Number(request.headers['content-length']);
  if (!isThere) return await gatherBody(request, clock);
  const body = size === 0 ? NOTHING : request.read() as Buffer;
  request.resume();
  return body;
}

const NOTHING = Buffer.alloc(0);

/** The same of a body that comes piece by piece. */
function gatherBody(request: IncomingMessage, clock: Pick<Clock, 'timer'>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = (): void => reject(statusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${LIMIT}`));
    if (Number(request.headers['content-length'] ?? 0) > PATIENCE) return tooLarge();
    if (request.destroyed && !request.complete) return reject(gone());
    const deadline = request.complete ? undefined : clock.timer(DEADLINE_MS, () => {
      request.pause();
      reject(statusError(504, 'Timeout', 'Timeout: request did not complete within the allotted timeout', {}));
    });
    let chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= LIMIT) chunks.push(chunk);
      else if (size <= PATIENCE) chunks = [];
      else {
        request.pause();
        tooLarge();
      }
    });
    request.on('end', () => {
      deadline?.[Symbol.dispose]();
      if (size > LIMIT) tooLarge();
      else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    });
    request.on('error', reject);
    request.on('close', () => {
      deadline?.[Symbol.dispose]();
      if (!request.complete) reject(gone());
    });
  });
}

function refuseDeep<T extends ParsedBody>(parsed: T): T {
  if (isTooDeep(parsed.value)) throw new JsonSyntaxError('exceeded max depth');
  return parsed;
}

export interface ParsedBody extends YamlText {
  readonly duplicates?: DuplicateKeys;
}

/** The media type of the body without its parameters; JSON where none is given. */
export function bodyMediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase() || 'application/json';
}

/**
 * Reads a body as an object of `kind`. Keys that come twice are told where `validation` asks for them, which takes longer: where the client
 * leaves it open they are not looked for. Throws 400 for what does not parse, 415 for other media types.
 */
export function parseBody(body: Buffer, mediaType: string, validation: string | null, kind: string): ParsedBody {
  const parsed = parseObject(body, mediaType, validation, kind);
  const { value } = parsed;
  if (value === null) return { ...parsed, value: {} };
  if (typeof value === 'object' && !Array.isArray(value)) return parsed;
  const found = Array.isArray(value) ? 'array' : value === true || value === false ? 'bool' : typeof value;
  throw unrecognized(kind, `json: cannot unmarshal ${found} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`, body);
}

/** Upstream: apiserver pkg/endpoints/handlers/rest.go, transformDecodeError. */
function unrecognized(kind: string, why: string, body: Buffer): StatusError {
  const isObject = body[0] === 0x7b; // {
  const shown = body.length === 0 ? '<empty>' : `${body.subarray(0, 30).toString(isObject ? 'utf8' : 'hex')}${body.length > 30 ? ' ...' : ''}`;
  const what = kind === DELETE_OPTIONS ? '' : `the object provided is unrecognized (must be of type ${kind}): `;
  return badRequest(`${what}couldn't get version/kind; json parse error: ${why}${kind === DELETE_OPTIONS ? '' : ` (${shown})`}`);
}

const DELETE_OPTIONS = 'DeleteOptions';

/** The same of the body of a patch, which may be any value. Throws 400 for what does not parse. */
export function parsePatch(body: Buffer, mediaType: string, validation: string | null): ParsedBody {
  const strictly = looksClosely(validation);
  try {
    if (mediaType === 'application/apply-patch+yaml') {
      const parsed = refuseDeep(parseYamlText(body.toString(), strictly));
      const { value } = parsed;
      if (typeof value === 'object' && !Array.isArray(value)) return parsed;
      const found = Array.isArray(value) ? 'array' : value === true || value === false ? 'bool' : typeof value;
      throw badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`);
    }
    if (isTextTooDeep(body)) throw new JsonSyntaxError('exceeded max depth');
    return strictly ? parseJsonStrictly(body.toString()) : { value: parseJson(body.toString()) };
  } catch (error) {
    if (error instanceof YAMLParseError) throw badRequest(`error decoding YAML: error converting YAML to JSON: yaml: ${error.message.replace(/ at line (\d+), column \d+:[^]*$/, ' (line $1)')}`);
    if (error instanceof JsonSyntaxError) throw badRequest(`${mediaType === 'application/strategic-merge-patch+json' ? '' : 'error decoding patch: '}${error.message}`);
    throw error;
  }
}

const looksClosely = (validation: string | null): boolean => validation === 'Strict' || validation === 'Warn';

function parseObject(body: Buffer, mediaType: string, validation: string | null, kind: string): ParsedBody {
  const strictly = looksClosely(validation);
  try {
    switch (mediaType) {
      case 'application/json':
        if (isTextTooDeep(body)) throw new JsonSyntaxError('exceeded max depth');
        return strictly ? parseJsonStrictly(body.toString()) : { value: parseJson(body.toString()) };
      case 'application/yaml': return refuseDeep(parseYamlText(body.toString(), strictly));
      case 'application/vnd.kubernetes.protobuf': return refuseDeep({ value: decodeProtobuf(body) });
      default: throw unsupportedMediaType(MEDIA_TYPES);
    }
  } catch (error) {
    if (error instanceof JsonSyntaxError || error instanceof YAMLParseError) throw unrecognized(kind, error.message, body);
    if (error instanceof ProtobufError || error instanceof DecodeError) throw badRequest(error.message);
    throw error;
  }
}
