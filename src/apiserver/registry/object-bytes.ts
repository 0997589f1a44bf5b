import type { KubeObject } from '../../api/object.ts';

/** Bytes that a generation holds. Two generations keep all that a busy moment needs, and less than the objects themselves take in a large cluster. */
const GENERATION = 8 * 2 ** 20;

/** What was made or asked for lately, and what was before that: most states of an object are read for some seconds after the write, and then never again. */
let young = new WeakMap<object, Buffer>();
let old = new WeakMap<object, Buffer>();
let room = GENERATION;

/**
 * The JSON of an object as an answer has it, with a newline at the end. Made once as long as it is in use: the same bytes serve storage, responses, lists and
 * watch frames. `kind` and `apiVersion` come first, so that the head can be cut off where a list leaves them out (`itemBytes`).
 */
export function objectLine(object: KubeObject): Buffer {
  let bytes = young.get(object);
  if (bytes) return bytes;
  bytes = old.get(object);
  if (!bytes) {
    bytes = Buffer.from(`${JSON.stringify(headFirst(object))}\n`);
  }
  room -= bytes.length;
  if (room < 0) {
    old = young;
    young = new WeakMap();
    room = GENERATION;
  }
  young.set(object, bytes);
  return bytes;
}

/** As stores make them, objects have `kind` and `apiVersion` in front. */
function headFirst(object: KubeObject): KubeObject {
  let at = 0;
  for (const key in object) {
    if (key !== (at === 0 ? 'kind' : 'apiVersion')) break;
    if (at++ === 1) return object;
  }
  const { kind, apiVersion, ...rest } = object;
  return { kind, apiVersion, ...rest };
}

/** The same without the newline. */
export function objectBytes(object: KubeObject): Buffer {
  const line = objectLine(object);
  return line.subarray(0, line.length - 1);
}

const BRACE = Buffer.from('{');

/** The object as an item of a typed list, whose items carry neither `kind` nor `apiVersion`: two pieces to be written one after the other. */
export function itemBytes(object: KubeObject): readonly [Buffer, Buffer] {
  const head = `{"kind":${JSON.stringify(object.kind)},"apiVersion":${JSON.stringify(object.apiVersion)},`;
  return [BRACE, objectBytes(object).subarray(Buffer.byteLength(head))];
}
