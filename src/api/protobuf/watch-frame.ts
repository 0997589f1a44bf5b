import { ProtobufError, Reader, ReverseWriter } from '../../base/grpc/wire.ts';

/**
 * One event of a watch in protobuf, `application/vnd.kubernetes.protobuf;stream=watch`: four bytes of length, big-endian, then a message
 * WatchEvent { type 1, object 2 { raw 1 } } without an envelope; the object in it has its own (`encodeProtobuf`).
 * Upstream: apimachinery pkg/util/framer, pkg/runtime/serializer/protobuf RawSerializer.
 */
export function encodeWatchFrame(type: string, object: Uint8Array): Buffer {
  const writer = new ReverseWriter();
  writer.bytes(object);
  writer.close(1, writer.length - object.length);
  writer.close(2, 0);
  writer.text(type);
  writer.tag(1, 2);
  const { length } = writer;
  const head = Buffer.allocUnsafe(4);
  head.writeUInt32BE(length);
  writer.bytes(head);
  return writer.finish();
}

/** Reads the frames that have come in whole, and what is left of the bytes. */
export function decodeWatchFrames(bytes: Buffer): { readonly events: readonly { readonly type: string; readonly object: Buffer }[]; readonly rest: Buffer } {
  const events: { type: string; object: Buffer }[] = [];
  let at = 0;
  while (bytes.length - at >= 4) {
    const size = bytes.readUInt32BE(at);
    if (bytes.length - at - 4 < size) break;
    events.push(readEvent(new Reader(bytes, at + 4, at + 4 + size)));
    at += 4 + size;
  }
  return { events, rest: bytes.subarray(at) };
}

function readEvent(reader: Reader): { type: string; object: Buffer } {
  let type = '';
  let object: Buffer | undefined;
  while (!reader.done) {
    const tag = reader.unsigned();
    if (tag === 10) {
      type = reader.text();
    } else if (tag === 18) {
      for (const raw = reader.message(); !raw.done;) {
        const inner = raw.unsigned();
        if (inner === 10) object = raw.bytes();
        else raw.skip(inner & 7);
      }
    } else {
      reader.skip(tag & 7);
    }
  }
  if (!object) throw new ProtobufError('a watch event without an object');
  return { type, object };
}
