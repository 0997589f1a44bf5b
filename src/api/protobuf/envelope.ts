import { parseApiVersion } from '../resources.ts';
import { decode } from '../schema/decode.ts';
import { kindType, typeSchema } from '../schema/schema.ts';
import type { StructType } from '../schema/schema.ts';
import { decodeMessage, encodeMessage, hasProtobuf } from './message.ts';
import { ProtobufError, Reader, ReverseWriter } from '../../base/grpc/wire.ts';

/**
 * The media type `application/vnd.kubernetes.protobuf`: four magic bytes, then a message Unknown { typeMeta 1 { apiVersion 1, kind 2 }, raw 2,
 * contentEncoding 3, contentType 4 } around the object's own message. Upstream: apimachinery pkg/runtime/serializer/protobuf.
 */
export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

export interface Typed {
  readonly apiVersion: string;
  readonly kind: string;
}

/** The type of an object by its apiVersion and kind, if it has a protobuf form. */
export function protobufType({ apiVersion, kind }: Typed): StructType | undefined {
  const { group, version } = parseApiVersion(apiVersion);
  const type = kindType(group, version, kind);
  return type && hasProtobuf(type) ? type : undefined;
}

/** The object with its envelope. Throws a ProtobufError where the kind has no protobuf form (custom resources, Table). */
export function encodeProtobuf(object: Typed): Buffer {
  return wrap(object, messageOf(object));
}

/** The object's own message, to be remembered and put into envelopes, lists and watch events. */
export function messageOf(object: Typed): Buffer {
  const type = protobufType(object);
  if (!type) throw new ProtobufError(`${object.apiVersion}, Kind=${object.kind} has no protobuf form`);
  return encodeMessage(type, object);
}

/** Puts a message into the envelope. */
export function wrap({ apiVersion, kind }: Typed, message: Uint8Array): Buffer {
  const writer = new ReverseWriter();
  writer.text('');
  writer.tag(4, 2);
  writer.text('');
  writer.tag(3, 2);
  writer.bytes(message);
  writer.close(2, writer.length - message.length);
  const before = writer.length;
  writer.text(kind);
  writer.tag(2, 2);
  writer.text(apiVersion);
  writer.tag(1, 2);
  writer.close(1, before);
  writer.bytes(MAGIC);
  return writer.finish();
}

/** A list with its envelope, of the items' messages: nothing is encoded twice. */
export function encodeList(list: Typed & { readonly metadata: unknown }, items: readonly Uint8Array[]): Buffer {
  const writer = new ReverseWriter();
  for (let i = items.length - 1; i >= 0; i--) {
    writer.bytes(items[i]!);
    writer.close(2, writer.length - items[i]!.length);
  }
  const metadata = encodeMessage(typeSchema('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta'), list.metadata);
  writer.bytes(metadata);
  writer.close(1, writer.length - metadata.length);
  return wrap(list, writer.finish());
}

/** Reads an object with its envelope into canonical JSON form. Throws a ProtobufError or a DecodeError. */
export function decodeProtobuf(bytes: Buffer): Typed {
  if (bytes.length < 4 || !bytes.subarray(0, 4).equals(MAGIC)) throw new ProtobufError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  const reader = new Reader(bytes, 4);
  let [apiVersion, kind] = ['', ''];
  let raw: Buffer = Buffer.alloc(0);
  while (!reader.done) {
    const tag = reader.unsigned();
    if (tag === 10) {
      for (const meta = reader.message(); !meta.done;) {
        const inner = meta.unsigned();
        if (inner === 10) apiVersion = meta.text();
        else if (inner === 18) kind = meta.text();
        else meta.skip(inner & 7);
      }
    } else if (tag === 18) {
      raw = reader.bytes();
    } else {
      reader.skip(tag & 7);
    }
  }
  const type = protobufType({ apiVersion, kind });
  if (!type) throw new ProtobufError(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  return decode<Typed>(type, { apiVersion, kind, ...decodeMessage(type, raw) }).object;
}
