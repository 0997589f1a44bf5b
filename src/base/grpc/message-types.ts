import { ProtobufError, Reader, ReverseWriter } from './wire.ts';

/** Of each message its fields, `name=number:type` with spaces between; a type is a scalar's, a message's or an enum's name, `T[]` or `map<string,T>`. */
export type MessageTable = Readonly<Record<string, string>>;

type Scalar = 'string' | 'bytes' | 'bool' | 'int32' | 'int64' | 'uint32' | 'uint64' | 'double';
type Value = Scalar | MessagePlan | EnumPlan;

interface Field {
  readonly name: string;
  readonly number: number;
  readonly value: Value;
  readonly shape: 'single' | 'list' | 'map';
}

interface MessagePlan {
  readonly kind: 'message';
  readonly fields: readonly Field[];
  readonly byNumber: ReadonlyMap<number, Field>;
}

interface EnumPlan {
  readonly kind: 'enum';
  readonly numbers: ReadonlyMap<string, number>;
  readonly names: ReadonlyMap<number, string>;
}

const SCALARS: ReadonlySet<string> = new Set<Scalar>(['string', 'bytes', 'bool', 'int32', 'int64', 'uint32', 'uint64', 'double']);
const DELIMITED = 2;

/**
 * The messages of one protobuf package. Objects are plain: 64-bit numbers are numbers, enums their names, bytes Buffers. What is read has every field: those
 * that were not sent are zero, empty, or, where they are messages, null. What is written are the fields that are there.
 */
export class MessageTypes {
  readonly #messages: MessageTable;
  readonly #enums: MessageTable;
  readonly #plans = new Map<string, MessagePlan | EnumPlan>();

  /** `enums`: of each its values, `NAME=number` with spaces between, the default first. */
  constructor(messages: MessageTable, enums: MessageTable = {}) {
    this.#messages = messages;
    this.#enums = enums;
  }

  encode(type: string, object: object): Buffer {
    const writer = new ReverseWriter();
    writeMessage(writer, this.#plan(type) as MessagePlan, object as Readonly<Record<string, unknown>>);
    return writer.finish();
  }

  /** Throws ProtobufError where the bytes are no such message. */
  decode(type: string, bytes: Buffer): object {
    return readMessage(new Reader(bytes), this.#plan(type) as MessagePlan);
  }

  #plan(type: string): MessagePlan | EnumPlan {
    const known = this.#plans.get(type);
    if (known) return known;
    const values = this.#enums[type];
    return values === undefined ? this.#messagePlan(type) : this.#enumPlan(type, values);
  }

  #enumPlan(type: string, values: string): EnumPlan {
    const pairs = words(values).map((pair) => pair.split('=') as [string, string]).map(([name, number]) => [name, Number(number)] as const);
    const plan: EnumPlan = { kind: 'enum', numbers: new Map(pairs), names: new Map(pairs.map(([name, number]) => [number, name])) };
    this.#plans.set(type, plan);
    return plan;
  }

  #messagePlan(type: string): MessagePlan {
    const text = this.#messages[type];
    if (text === undefined) throw new ProtobufError(`no message is called ${type}`);
    const fields: Field[] = [];
    const byNumber = new Map<number, Field>();
    const plan: MessagePlan = { kind: 'message', fields, byNumber };
    // Before its fields: a message may hold others of its own kind.
    this.#plans.set(type, plan);
    for (const word of words(text)) {
      const field = this.#field(word);
      fields.push(field);
      byNumber.set(field.number, field);
    }
    return plan;
  }

  #field(text: string): Field {
    const [, name, number, type] = /^(\w+)=(\d+):(.+)$/.exec(text) ?? [];
    if (!type) throw new ProtobufError(`no field of a message: ${text}`);
    const [, inMap] = /^map<string,(.+)>$/.exec(type) ?? [];
    const shape = inMap ? 'map' : type.endsWith('[]') ? 'list' : 'single';
    const bare = inMap ?? (shape === 'list' ? type.slice(0, -2) : type);
    return { name: name!, number: Number(number), shape, value: SCALARS.has(bare) ? bare as Scalar : this.#plan(bare) };
  }
}

const words = (text: string): string[] => text.split(' ').filter(Boolean);

const isPacked = (value: Value): boolean => typeof value === 'string' ? value !== 'string' && value !== 'bytes' : value.kind === 'enum';

function writeMessage(writer: ReverseWriter, { fields }: MessagePlan, object: Readonly<Record<string, unknown>>): void {
  for (let i = fields.length - 1; i >= 0; i--) {
    const field = fields[i]!;
    const value = object[field.name];
    if (value === undefined || value === null) continue;
    if (field.shape === 'single') writeField(writer, field.number, field.value, value);
    else if (field.shape === 'list') writeList(writer, field, value as readonly unknown[]);
    else writeMap(writer, field, value as Readonly<Record<string, unknown>>);
  }
}

function writeList(writer: ReverseWriter, { number, value }: Field, items: readonly unknown[]): void {
  if (items.length === 0) return;
  const before = writer.length;
  const packed = isPacked(value);
  for (let i = items.length - 1; i >= 0; i--) {
    if (packed) writeValue(writer, value, items[i]);
    else writeField(writer, number, value, items[i]);
  }
  if (packed) writer.close(number, before);
}

function writeMap(writer: ReverseWriter, { number, value }: Field, map: Readonly<Record<string, unknown>>): void {
  for (const [key, item] of Object.entries(map).reverse()) {
    const before = writer.length;
    writeField(writer, 2, value, item);
    writeField(writer, 1, 'string', key);
    writer.close(number, before);
  }
}

function writeField(writer: ReverseWriter, number: number, type: Value, value: unknown): void {
  const before = writer.length;
  writeValue(writer, type, value);
  if (typeof type === 'object' && type.kind === 'message') writer.close(number, before);
  else writer.tag(number, type === 'string' || type === 'bytes' ? DELIMITED : type === 'double' ? 1 : 0);
}

/** A message's contents stand without their length, texts and bytes with it. */
function writeValue(writer: ReverseWriter, type: Value, value: unknown): void {
  if (typeof type === 'object') {
    if (type.kind === 'message') return writeMessage(writer, type, value as Readonly<Record<string, unknown>>);
    const number = typeof value === 'number' ? value : type.numbers.get(value as string);
    if (number === undefined) throw new ProtobufError(`no value is called ${String(value)}`);
    return writer.varint(number);
  }
  switch (type) {
    case 'string': return writer.text(value as string);
    case 'bytes':
      writer.bytes(value as Uint8Array);
      return writer.varint((value as Uint8Array).length);
    case 'bool': return writer.varint(value ? 1 : 0);
    case 'double': return writer.double(value as number);
    default: return writer.varint(value as number);
  }
}

function readMessage(reader: Reader, { fields, byNumber }: MessagePlan): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const { name, value, shape } of fields) object[name] = shape === 'list' ? [] : shape === 'map' ? {} : zero(value);
  while (!reader.done) {
    const tag = reader.unsigned();
    const wire = tag % 8;
    const field = byNumber.get(Math.floor(tag / 8));
    if (!field) {
      reader.skip(wire);
      continue;
    }
    const { name, value, shape } = field;
    if (shape === 'single') object[name] = readValue(reader, value);
    else if (shape === 'map') readEntry(reader.message(), value, object[name] as Record<string, unknown>);
    else if (wire === DELIMITED && isPacked(value)) for (const packed = reader.message(); !packed.done;) (object[name] as unknown[]).push(readValue(packed, value));
    else (object[name] as unknown[]).push(readValue(reader, value));
  }
  return object;
}

function readEntry(reader: Reader, value: Value, into: Record<string, unknown>): void {
  let key = '';
  let item = zero(value);
  while (!reader.done) {
    const tag = reader.unsigned();
    if (tag >> 3 === 1) key = reader.text();
    else if (tag >> 3 === 2) item = readValue(reader, value);
    else reader.skip(tag % 8);
  }
  Object.defineProperty(into, key, { value: item, enumerable: true, writable: true, configurable: true });
}

function zero(type: Value): unknown {
  if (typeof type === 'object') return type.kind === 'message' ? null : type.names.get(0);
  switch (type) {
    case 'string': return '';
    case 'bytes': return Buffer.alloc(0);
    case 'bool': return false;
    default: return 0;
  }
}

function readValue(reader: Reader, type: Value): unknown {
  if (typeof type === 'object') {
    if (type.kind === 'message') return readMessage(reader.message(), type);
    const number = reader.signed();
    // A value that came later is told by its number.
    return type.names.get(number) ?? number;
  }
  switch (type) {
    case 'string': return reader.text();
    case 'bytes': return reader.bytes();
    case 'bool': return reader.unsigned() !== 0;
    case 'double': return reader.double();
    case 'uint32': case 'uint64': return reader.unsigned();
    default: return reader.signed();
  }
}
