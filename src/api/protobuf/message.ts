import type { Field, Inlined, ScalarType, StructType, Type } from '../schema/schema.ts';
import { formatDuration, parseDuration } from '../schema/time-text.ts';
import { ProtobufError, Reader, ReverseWriter } from '../../base/grpc/wire.ts';

/**
 * Messages of the field table's types. As upstream's encoder: fields in the order of their numbers; every field that is not a pointer, a list or
 * a map is written, even when zero; maps by key. Upstream: the generated.pb.go of every API package.
 */

/** Where a struct's fields are found by number when read. */
interface Plan {
  readonly byNumber: ReadonlyMap<number, Field | Inlined>;
  /** Highest number first: the writer goes backwards. */
  readonly descending: readonly (Field | Inlined)[];
}

const plans = new WeakMap<StructType, Plan>();

function planOf(type: StructType): Plan {
  let plan = plans.get(type);
  if (!plan) {
    const missing = type.parts.find((part) => part.number === 0);
    if (missing) throw new ProtobufError(`${type.name} has no protobuf form`);
    plan = { byNumber: new Map(type.parts.map((part) => [part.number, part])), descending: [...type.parts].sort((a, b) => b.number - a.number) };
    plans.set(type, plan);
  }
  return plan;
}

/** Whether a type can be written as protobuf: Table and its like cannot. */
export function hasProtobuf(type: StructType): boolean {
  return type.parts.every((part) => part.number !== 0);
}

/** An object in canonical form as a message, without apiVersion and kind: those are the envelope's. */
export function encodeMessage(type: StructType, object: unknown): Buffer {
  const writer = new ReverseWriter();
  writeStruct(writer, type, object as Readonly<Record<string, unknown>>);
  return writer.finish();
}

const nothing: Readonly<Record<string, unknown>> = Object.freeze({});

export function writeStruct(writer: ReverseWriter, type: StructType, object: Readonly<Record<string, unknown>>): void {
  if (type.oneOf) return writeUnion(writer, type.oneOf, object);
  for (const part of planOf(type).descending) {
    if ('inlined' in part) {
      const before = writer.length;
      writeStruct(writer, part.inlined, object);
      writer.close(part.number, before);
    } else {
      writeField(writer, part, object[part.name]);
    }
  }
}

function writeField(writer: ReverseWriter, field: Field, value: unknown): void {
  const { type, number } = field;
  switch (type.kind) {
    case 'list':
      if (value === undefined) return;
      if (field.listMessage) {
        const before = writer.length;
        writeList(writer, type.item, 1, value as readonly unknown[]);
        return writer.close(number, before);
      }
      return writeList(writer, type.item, number, value as readonly unknown[]);
    case 'map': return value === undefined ? undefined : writeMap(writer, type.value, number, value as Readonly<Record<string, unknown>>);
    case 'bytes': return value === undefined ? undefined : writeValue(writer, type, number, value);
    default:
      if (value === undefined && field.pointer) return;
      writeValue(writer, type, number, value);
  }
}

function writeList(writer: ReverseWriter, item: Type, number: number, values: readonly unknown[]): void {
  for (let i = values.length - 1; i >= 0; i--) writeValue(writer, item, number, values[i]);
}

function writeMap(writer: ReverseWriter, value: Type, number: number, map: Readonly<Record<string, unknown>>): void {
  const keys = Object.keys(map);
  if (keys.length > 1) keys.sort();
  for (let i = keys.length - 1; i >= 0; i--) {
    const before = writer.length;
    writeValue(writer, value, 2, map[keys[i]!]);
    writer.text(keys[i]!);
    writer.tag(1, 2);
    writer.close(number, before);
  }
}

/** Undefined stands for the zero of the type. */
function writeValue(writer: ReverseWriter, type: Type, number: number, value: unknown): void {
  switch (type.kind) {
    case 'string':
      writer.text((value as string | undefined) ?? '');
      return writer.tag(number, 2);
    case 'bool':
      writer.varint(value ? 1 : 0);
      return writer.tag(number, 0);
    case 'int32': case 'int64':
      writer.varint((value as number | undefined) ?? 0);
      return writer.tag(number, 0);
    case 'double':
      writer.double((value as number | undefined) ?? 0);
      return writer.tag(number, 1);
    case 'bytes': {
      const bytes = Buffer.from(value as string, 'base64');
      writer.bytes(bytes);
      writer.varint(bytes.length);
      return writer.tag(number, 2);
    }
    default: {
      const before = writer.length;
      writeContents(writer, type, value);
      writer.close(number, before);
    }
  }
}

function writeContents(writer: ReverseWriter, type: Type, value: unknown): void {
  switch (type.kind) {
    case 'struct': return writeStruct(writer, type, (value as Readonly<Record<string, unknown>> | undefined) ?? nothing);
    // A list inside a map is a message of its own: ExtraValue { items 1 }.
    case 'list': return writeList(writer, type.item, 1, value as readonly unknown[]);
    case 'quantity':
      writer.text((value as string | undefined) ?? '0');
      return writer.tag(1, 2);
    case 'time': case 'microTime': return value === undefined ? undefined : writeTime(writer, value as string);
    case 'duration':
      writer.varint(value === undefined ? 0 : parseDuration(value as string));
      return writer.tag(1, 0);
    case 'intOrString': {
      writer.text(typeof value === 'string' ? value : '');
      writer.tag(3, 2);
      writer.varint(typeof value === 'number' ? value : 0);
      writer.tag(2, 0);
      writer.varint(typeof value === 'string' ? 1 : 0);
      return writer.tag(1, 0);
    }
    case 'any': {
      if (value === undefined) return;
      writer.text(JSON.stringify(value));
      return writer.tag(1, 2);
    }
    default: throw new ProtobufError(`${type.kind} is not a message`);
  }
}

function writeTime(writer: ReverseWriter, text: string): void {
  const fraction = /\.(\d+)/.exec(text);
  writer.varint(fraction ? Number(fraction[1]!.padEnd(9, '0')) : 0);
  writer.tag(2, 0);
  writer.varint(Math.floor(Date.parse(text) / 1000));
  writer.tag(1, 0);
}

/**
 * JSONSchemaPropsOrBool { allows 1, schema 2 }, JSONSchemaPropsOrArray { schema 1, schemas 2 }, JSONSchemaPropsOrStringArray { schema 1, property 2 }.
 * Upstream: apiextensions v1/generated.proto.
 */
function writeUnion(writer: ReverseWriter, [props, other]: readonly Type[], value: unknown): void {
  if (other!.kind === 'bool') {
    if (typeof value !== 'boolean') writeValue(writer, props!, 2, value);
    writer.varint(value === false ? 0 : 1);
    writer.tag(1, 0);
  } else if (Array.isArray(value)) {
    writeList(writer, (other as Extract<Type, { kind: 'list' }>).item, 2, value);
  } else {
    writeValue(writer, props!, 1, value);
  }
}

/** Reads a message. Fields that are zero and that JSON leaves out are left out. Throws a ProtobufError. */
export function decodeMessage(type: StructType, bytes: Buffer): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  readStruct(new Reader(bytes), type, object);
  return object;
}

function readStruct(reader: Reader, type: StructType, into: Record<string, unknown>): void {
  const { byNumber } = planOf(type);
  while (!reader.done) {
    const tag = reader.unsigned();
    const part = byNumber.get(Math.floor(tag / 8));
    if (!part) {
      reader.skip(tag & 7);
    } else if ('inlined' in part) {
      readStruct(reader.message(), part.inlined, into);
    } else {
      readField(reader, part, tag & 7, into);
    }
  }
}

function readField(reader: Reader, field: Field, wire: number, into: Record<string, unknown>): void {
  const { type, name } = field;
  if (type.kind === 'list') {
    const list = (into[name] ??= []) as unknown[];
    if (field.listMessage) readList(reader.message(), type.item, list);
    else if (wire === 2 && (type.item.kind === 'int32' || type.item.kind === 'int64' || type.item.kind === 'bool')) {
      for (const packed = reader.message(); !packed.done;) list.push(readValue(packed, type.item));
    } else list.push(readValue(reader, type.item) ?? null);
    return;
  }
  if (type.kind === 'map') {
    const map = (into[name] ??= {}) as Record<string, unknown>;
    const entry = reader.message();
    let key = '';
    let value: unknown;
    while (!entry.done) {
      const tag = entry.unsigned();
      if (tag === 10) key = entry.text();
      else if (Math.floor(tag / 8) === 2) value = readValue(entry, type.value);
      else entry.skip(tag & 7);
    }
    const entryValue = value ?? zeroOf(type.value);
    if (key === '__proto__') Object.defineProperty(map, key, { value: entryValue, enumerable: true, configurable: true, writable: true });
    else map[key] = entryValue;
    return;
  }
  const value = readValue(reader, type);
  if (value === undefined) return;
  if (field.omitEmpty && !field.pointer && (value === '' || value === 0 || value === false)) return;
  into[name] = value;
}

const zeroOf = (type: Type): unknown =>
  type.kind === 'string' || type.kind === 'bytes' ? '' : type.kind === 'bool' ? false : type.kind === 'quantity' ? '0' : type.kind === 'list' ? [] : type.kind === 'struct' || type.kind === 'map' ? {} : type.kind === 'any' ? null : 0;

function readList(reader: Reader, item: Type, into: unknown[]): void {
  while (!reader.done) {
    const tag = reader.unsigned();
    if (Math.floor(tag / 8) === 1) into.push(readValue(reader, item));
    else reader.skip(tag & 7);
  }
}

function readValue(reader: Reader, type: Type): unknown {
  switch (type.kind) {
    case 'string': return reader.text();
    case 'bool': return reader.unsigned() !== 0;
    case 'int32': return reader.signed() | 0;
    case 'int64': return reader.signed();
    case 'double': return reader.double();
    case 'bytes': return reader.bytes().toString('base64');
    case 'struct': {
      if (type.oneOf) return readUnion(reader.message(), type.oneOf);
      const object: Record<string, unknown> = {};
      readStruct(reader.message(), type, object);
      return object;
    }
    case 'list': {
      const list: unknown[] = [];
      readList(reader.message(), type.item, list);
      return list;
    }
    case 'map': throw new ProtobufError('a map is no value of a list or a map');
    case 'any': return readRaw(reader.message());
    default: return readScalarMessage(reader.message(), type);
  }
}

/** Fields of a small message by number: numbers and texts. */
function readNumbered(reader: Reader): ReadonlyMap<number, number | string> {
  const values = new Map<number, number | string>();
  while (!reader.done) {
    const tag = reader.unsigned();
    const wire = tag & 7;
    if (wire === 0) values.set(Math.floor(tag / 8), reader.signed());
    else if (wire === 2) values.set(Math.floor(tag / 8), reader.text());
    else reader.skip(wire);
  }
  return values;
}

function readScalarMessage(reader: Reader, type: ScalarType): unknown {
  const empty = reader.done;
  const values = readNumbered(reader);
  switch (type.kind) {
    case 'quantity': return values.get(1) || '0';
    case 'intOrString': return values.get(1) === 1 ? (values.get(3) ?? '') : (values.get(2) ?? 0);
    case 'duration': return formatDuration((values.get(1) as number | undefined) ?? 0);
    default: {
      if (empty) return undefined; // No time at all.
      const seconds = (values.get(1) as number | undefined) ?? 0;
      // Not the other way round: garbage may be text here, which is neither below nor above.
      if (!(seconds >= FIRST_SECOND && seconds <= LAST_SECOND)) throw new ProtobufError('a time must be between the years 1 and 9999');
      const text = new Date(seconds * 1000).toISOString().slice(0, 19);
      if (type.kind === 'time') return `${text}Z`;
      return `${text}.${String(Math.floor(((values.get(2) as number | undefined) ?? 0) / 1000)).padStart(6, '0')}Z`;
    }
  }
}

/** What RFC 3339 can write: the years 1 to 9999, in seconds since 1970. */
const FIRST_SECOND = -62_135_596_800;
const LAST_SECOND = 253_402_300_799;

function readRaw(reader: Reader): unknown {
  const raw = readNumbered(reader).get(1);
  if (typeof raw !== 'string' || raw === '') return undefined;
  try {
    return JSON.parse(raw);
  } catch (error) {
    if (error instanceof SyntaxError) throw new ProtobufError(`a raw value must be JSON: ${error.message}`);
    throw error;
  }
}

function readUnion(reader: Reader, [props, other]: readonly Type[]): unknown {
  let value: unknown;
  const list: unknown[] = [];
  while (!reader.done) {
    const tag = reader.unsigned();
    const number = Math.floor(tag / 8);
    if (other!.kind === 'bool') {
      if (number === 1) value ??= reader.unsigned() !== 0;
      else value = readValue(reader, props!);
    } else if (number === 1) {
      value = readValue(reader, props!);
    } else {
      list.push(readValue(reader, (other as Extract<Type, { kind: 'list' }>).item));
    }
  }
  return value ?? list;
}
