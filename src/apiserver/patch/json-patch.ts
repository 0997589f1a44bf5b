import { applyPatch, type Operation } from 'rfc6902';
import { badRequest, statusError, type StatusError } from '../../api/errors.ts';
import { isTooDeep } from '../../api/schema/depth.ts';

const LIMIT = 10_000;
/** What all copies of a patch may add, in bytes: without a limit a few operations double an object until no memory is left. Upstream: JSONPatchMaxCopyBytes. */
const COPIED_LIMIT = 3 * 1024 * 1024;
const kinds = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);
const members = new Set(['op', 'path', 'from', 'value']);

/** The patch cannot be carried out on this object. Upstream words it so for every cause. */
function refused(): StatusError {
  return statusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

/**
 * Applies a JSON patch (RFC 6902) and answers a new object that shares what the patch did not touch.
 * Throws 400 where the patch is no list of operations, 413 above 10,000 of them, 422 where an operation fails, a test does not hold, or copies add more than 3 MiB.
 * Upstream: apiserver pkg/endpoints/handlers/patch.go, jsonPatcher.
 */
export function applyJsonPatch(object: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) {
    if (patch === null) return object;
    throw badRequest(`error decoding patch: json: cannot unmarshal ${typeof patch} into Go value of type []handlers.jsonPatchOp`);
  }
  if (patch.length > LIMIT) {
    throw statusError(413, 'RequestEntityTooLarge', `Request entity is too large: The allowed maximum operations in a JSON patch is ${LIMIT}, got ${patch.length}`);
  }
  const owned = new Set<object>();
  const document = { root: object };
  let copied = 0;
  const misfit: unknown = patch.find((operation) => operation !== null && (typeof operation !== 'object' || Array.isArray(operation)));
  if (misfit !== undefined) throw badRequest(`error decoding patch: json: cannot unmarshal ${Array.isArray(misfit) ? 'array' : typeof misfit} into Go value of type handlers.jsonPatchOp`);
  for (const operation of patch as readonly Record<string, unknown>[]) {
    const { op: given, path, from } = operation ?? {};
    // Upstream's library puts a member that is not there where it should replace one.
    const op = given === 'replace' && typeof path === 'string' && isAbsentMember(document.root, path) ? 'add' : given;
    if (typeof op !== 'string' || !kinds.has(op) || typeof path !== 'string') throw refused();
    if ((op === 'move' || op === 'copy') && typeof from !== 'string') throw refused();
    if (op === 'copy' && (copied += JSON.stringify(valueAt(document.root, from as string))?.length ?? 0) > COPIED_LIMIT) throw refused();
    if (op === 'test') {
      // A test for null holds where there is nothing, upstream's library says.
      if ((operation['value'] ?? null) === null && (valueAt(document.root, path) ?? null) === null) continue;
    } else {
      unshare(document, path, owned);
      if (op === 'move') unshare(document, from as string, owned);
    }
    // The library cannot replace a document as a whole: it gets one level more.
    const inner = { ...operation, op, path: `/root${path}`, ...(typeof from === 'string' && { from: `/root${from}` }) };
    if (applyPatch(document, [inner as Operation])[0] !== null) throw refused();
  }
  if (isTooDeep(document.root)) throw refused();
  return document.root;
}

/** Unknown members of operations, for field validation: `json patch unknown field "[0].foo"`. */
export function unknownMembers(patch: unknown): string[] {
  if (!Array.isArray(patch)) return [];
  return patch.flatMap((operation, i) => (typeof operation === 'object' && operation !== null ? Object.keys(operation) : [])
    .filter((key) => !members.has(key)).map((key) => `json patch unknown field ${JSON.stringify(`[${i}].${key}`)}`));
}

const tokensOf = (pointer: string): string[] => pointer.split('/').slice(1).map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));

/** Whether the pointer names a member that an object does not have. */
function isAbsentMember(root: unknown, pointer: string): boolean {
  const end = pointer.lastIndexOf('/');
  if (end < 0) return false;
  const parent = valueAt(root, pointer.slice(0, end));
  return typeof parent === 'object' && parent !== null && !Array.isArray(parent) && !Object.hasOwn(parent, tokensOf(pointer).at(-1)!);
}

function valueAt(root: unknown, pointer: string): unknown {
  return tokensOf(pointer).reduce<unknown>((value, token) => (typeof value === 'object' && value !== null && Object.hasOwn(value, token) ? (value as Record<string, unknown>)[token] : undefined), root);
}

/** Copies every container on the way to `pointer` that is not ours yet, so that the library, which works in place, changes nothing shared. */
function unshare(document: { root: unknown }, pointer: string, owned: Set<object>): void {
  let parent = document as Record<string, unknown>;
  let key = 'root';
  for (const token of tokensOf(pointer)) {
    let value = parent[key];
    if (typeof value !== 'object' || value === null) return;
    if (!owned.has(value)) {
      value = Array.isArray(value) ? value.slice() : { ...value };
      owned.add(value as object);
      parent[key] = value;
    }
    parent = value as Record<string, unknown>;
    key = token;
    if (!Object.hasOwn(parent, key)) return;
  }
}
