import type { KubeObject } from '../../api/object.ts';

const known = new WeakMap<object, Buffer>();

/**
 * The JSON of an object as an answer has it, with a newline at the end. Made once: the same bytes serve storage, responses, lists and watch frames.
 * `kind` and `apiVersion` come first, so that the head can be cut off where a list leaves them out (`itemBytes`).
 */
export function objectLine(object: KubeObject): Buffer {
  let bytes = known.get(object);
  if (!bytes) {
    const { kind, apiVersion, ...rest } = object;
    bytes = Buffer.from(`${JSON.stringify({ kind, apiVersion, ...rest })}\n`);
    known.set(object, bytes);
  }
  return bytes;
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
