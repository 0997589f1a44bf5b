import type { KubeObject } from '../../api/object.ts';
import { encodeProtobuf, messageOf } from '../../api/protobuf/envelope.ts';

const messages = new WeakMap<object, Buffer>();
const enveloped = new WeakMap<object, Buffer>();

/** The protobuf message of an object, made once for each state of it; serves lists. Throws a ProtobufError for kinds without one. */
export function objectMessage(object: KubeObject): Buffer {
  let bytes = messages.get(object);
  if (!bytes) messages.set(object, (bytes = messageOf(object)));
  return bytes;
}

/** The same in its envelope, for answers and the events of watches. */
export function envelopedMessage(object: KubeObject): Buffer {
  let bytes = enveloped.get(object);
  if (!bytes) enveloped.set(object, (bytes = encodeProtobuf(object)));
  return bytes;
}
