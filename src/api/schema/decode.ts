import { canonicalQuantity, QuantityError } from '../quantity.ts';
import type { DuplicateKeys } from './json-text.ts';
import { typeSchema } from './schema.ts';
import type { Field, ScalarType, StructType, Type } from './schema.ts';
import { formatDuration, normalizeMicroTime, normalizeTime, parseDuration, ValueTextError } from './time-text.ts';

export interface DecodeOptions {
  /** What to do about unknown and duplicate fields. Default `Ignore`. */
  readonly validation?: 'Strict' | 'Warn' | 'Ignore';
  /** Of parseJsonStrictly, to report duplicates. */
  readonly duplicates?: DuplicateKeys;
  /** A fault of the text that the value was read from, told before those of the value. */
  readonly fault?: string;
  /** What was decoded before, and the value made of: parts that are still the same are taken as they are. */
  readonly known?: unknown;
}

export interface Decoded<T> {
  /** In canonical form: see `decode`. */
  readonly object: T;
  /** With `Warn`: `unknown field "spec.foo"`, `duplicate field "spec.paused"`, each once, 100 at most. */
  readonly warnings: readonly string[];
}

/** The value does not fit its type, or `Strict` found faults. The message is worded as upstream's, without its frame. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/**
 * Brings a JSON value into the form that upstream's decoding and encoding would give it, sharing all that was so already:
 * fields that the type does not have are dropped, nulls and empty values that Go would leave out too; fields that Go always writes are there
 * (empty structs, required strings and numbers; required lists and maps are `[]` and `{}` where Go writes null);
 * times, quantities and durations are canonical.
 * Throws a DecodeError where a value is of the wrong type: `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`.
 * Upstream: sigs.k8s.io/json, apimachinery pkg/runtime/serializer/json.
 */
export function decode<T>(type: string | StructType, value: unknown, options: DecodeOptions = {}): Decoded<T> {
  const decoder = new Decoder(options);
  const struct = typeof type === 'string' ? typeSchema(type) : type;
  const object = (value !== undefined && value === options.known ? value : decoder.struct(struct, value, options.known)) as T;
  const faults = options.fault && decoder.collects ? [options.fault, ...decoder.faults] : decoder.faults;
  if (options.validation === 'Strict' && faults.length) throw new DecodeError(`strict decoding error: ${faults.join(', ')}`);
  return { object, warnings: faults };
}

/** What a place in the value is called: a struct's field, a map's key, an item's index. */
type Step = string | number | { readonly key: string };

const FAULT_LIMIT = 100;
const noFaults: readonly string[] = [];

class Decoder {
  readonly #collect: boolean;
  readonly #duplicates: DuplicateKeys | undefined;
  readonly #path: Step[] = [];
  #owner: StructType | undefined;
  #faults: Set<string> | undefined;

  constructor(options: DecodeOptions) {
    this.#collect = options.validation === 'Strict' || options.validation === 'Warn';
    this.#duplicates = this.#collect ? options.duplicates : undefined;
  }

  get collects(): boolean {
    return this.#collect;
  }

  get faults(): readonly string[] {
    return this.#faults ? [...this.#faults] : noFaults;
  }

  struct(type: StructType, value: unknown, known: unknown): unknown {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.#wrong(value, type);
    const owner = this.#owner;
    this.#owner = type;
    const source = value as Record<string, unknown>;
    const { fields } = type;
    const plan = planOf(type);
    const duplicates = this.#duplicates?.get(value);
    let result = source;
    let present = 0;
    for (const key in source) {
      const field = fields.get(key);
      if (!field) {
        if (this.#collect) this.#report('unknown', key);
        if (result === source) result = { ...source };
        delete result[key];
        continue;
      }
      if (duplicates?.includes(key)) this.#report('duplicate', key);
      const before = source[key];
      const after = this.#field(field, before, memberOf(known, key));
      if (after !== undefined && plan.has(key)) present++;
      if (after === before && after !== undefined) continue;
      if (result === source) result = { ...source };
      if (after === undefined) delete result[key];
      else result[key] = after;
    }
    if (present < plan.size) {
      for (const [key, zero] of plan) {
        if (result[key] !== undefined) continue;
        if (result === source) result = { ...source };
        result[key] = zero;
      }
    }
    this.#owner = owner;
    return result;
  }

  /** Undefined where the field is as good as absent. */
  #field(field: Field, value: unknown, known: unknown): unknown {
    if (value === null || value === undefined) return undefined;
    if (value === known) return value; // Was not left out when it was decoded, and is not now.
    this.#path.push(field.name);
    const result = this.#value(field.type, value, known);
    this.#path.pop();
    return field.omitEmpty && !field.pointer && isEmpty(result, field.type) ? undefined : result;
  }

  #value(type: Type, value: unknown, known: unknown): unknown {
    if (value === known && value !== undefined) return value;
    switch (type.kind) {
      case 'struct': return type.oneOf ? this.#union(type.oneOf, value) : this.struct(type, value, known);
      case 'list': return this.#list(type.item, value, type, known);
      case 'map': return this.#map(type.value, value, type, known);
      case 'any': return value;
      default: return this.#scalar(type, value);
    }
  }

  #list(item: Type, value: unknown, type: Type, known: unknown): unknown {
    if (!Array.isArray(value)) return this.#wrong(value, type);
    let result: unknown[] = value;
    for (let i = 0; i < value.length; i++) {
      this.#path.push(i);
      const after = value[i] === null ? zeroOf(item) : this.#value(item, value[i], memberOf(known, i));
      this.#path.pop();
      if (after === value[i]) continue;
      if (result === value) result = value.slice();
      result[i] = after;
    }
    return result;
  }

  #map(item: Type, value: unknown, type: Type, known: unknown): unknown {
    if (typeof value !== 'object' || Array.isArray(value)) return this.#wrong(value, type);
    const source = value as Record<string, unknown>;
    if (this.#duplicates?.has(source)) for (const key of this.#duplicates.get(source)!) this.#report('duplicate', key);
    let result = source;
    for (const key in source) {
      const before = source[key];
      let after: unknown;
      if (item.kind === 'string' && typeof before === 'string') continue;
      if (before === undefined) {
        if (result === source) result = { ...source };
        delete result[key];
        continue;
      }
      if (before === null) {
        after = zeroOf(item);
      } else {
        this.#path.push({ key });
        after = this.#value(item, before, memberOf(known, key));
        this.#path.pop();
      }
      if (after === before) continue;
      if (result === source) result = { ...source };
      result[key] = after;
    }
    return result;
  }

  #union(shapes: readonly Type[], value: unknown): unknown {
    const shape = Array.isArray(value) ? shapes.find((s) => s.kind === 'list') : typeof value === 'boolean' ? shapes.find((s) => s.kind === 'bool') : shapes[0]!;
    return shape ? this.#value(shape, value, undefined) : this.#wrong(value, shapes[0]!);
  }

  #scalar(type: ScalarType, value: unknown): unknown {
    switch (type.kind) {
      case 'string': return typeof value === 'string' ? value : this.#wrong(value, type);
      case 'bool': return typeof value === 'boolean' ? value : this.#wrong(value, type);
      case 'int32': return Number.isInteger(value) && (value as number) >= -(2 ** 31) && (value as number) < 2 ** 31 ? value : this.#wrong(value, type);
      case 'int64': return Number.isInteger(value) && Math.abs(value as number) <= 2 ** 63 ? value : this.#wrong(value, type);
      case 'double': return typeof value === 'number' ? value : this.#wrong(value, type);
      case 'intOrString':
        if (typeof value === 'string') return value;
        return Number.isInteger(value) && Math.abs(value as number) <= 2 ** 31 ? value : this.#wrong(value, { kind: 'int32' });
      case 'bytes': return typeof value === 'string' ? base64(value) : this.#wrong(value, type);
      case 'quantity': return this.#read(() => canonicalQuantity(typeof value === 'string' || typeof value === 'number' ? value : ' '));
      case 'time': return typeof value === 'string' ? this.#read(() => normalizeTime(value)) : this.#wrong(value, { kind: 'string' });
      case 'microTime': return typeof value === 'string' ? this.#read(() => normalizeMicroTime(value)) : this.#wrong(value, { kind: 'string' });
      case 'duration': return typeof value === 'string' ? this.#read(() => formatDuration(parseDuration(value))) : this.#wrong(value, { kind: 'string' });
    }
  }

  #read(read: () => string): string {
    try {
      return read();
    } catch (error) {
      if (error instanceof QuantityError || error instanceof ValueTextError) throw new DecodeError(error.message);
      throw error;
    }
  }

  #wrong(value: unknown, type: Type): never {
    // Go's path has the fields alone, and the struct is the innermost one that has the field.
    const fields = this.#path.filter((step) => typeof step === 'string');
    const where = fields.length ? `Go struct field ${this.#owner!.shortName}.${fields.join('.')}` : 'Go value';
    throw new DecodeError(`json: cannot unmarshal ${jsonKind(value, type)} into ${where} of type ${goType(type, this.#owner)}`);
  }

  #report(what: 'unknown' | 'duplicate', key: string): void {
    this.#faults ??= new Set();
    if (this.#faults.size >= FAULT_LIMIT) return;
    let path = '';
    for (const step of [...this.#path, key]) {
      path += typeof step === 'number' ? `[${step}]` : `${path ? '.' : ''}${typeof step === 'string' ? step : step.key}`;
    }
    this.#faults.add(`${what} field ${JSON.stringify(path)}`);
  }
}

function memberOf(value: unknown, key: string | number): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string | number, unknown>>)[key] : undefined;
}

function jsonKind(value: unknown, type: Type): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number' && (type.kind === 'int32' || type.kind === 'int64')) return `number ${value}`;
  return typeof value;
}

function goType(type: Type, owner: StructType | undefined): string {
  switch (type.kind) {
    case 'struct': return `${type.package}.${type.shortName}`;
    case 'list': return `[]${goType(type.item, owner)}`;
    case 'map': return type.value.kind === 'quantity' ? 'v1.ResourceList' : `map[string]${goType(type.value, owner)}`;
    case 'string': return type.enumName ? `${owner?.package ?? 'v1'}.${type.enumName}` : 'string';
    case 'bytes': return '[]uint8';
    case 'double': return 'float64';
    default: return type.kind;
  }
}

/** Standard base64 with padding; line ends are taken out as Go does. */
function base64(text: string): string {
  const clean = text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]/g, '') : text;
  const body = /^[A-Za-z0-9+/]*/.exec(clean)![0].length;
  const padding = clean.length - body;
  if (clean.length % 4 === 0 && padding <= 2 && '=='.startsWith(clean.slice(body))) return clean;
  throw new DecodeError(`illegal base64 data at input byte ${body}`);
}

/**
 * What `omitempty` leaves out. Structs, quantities and durations are never empty. (Neither is an int-or-string, to Go: it writes 0. But defaulting takes 0 for
 * absent, so here it is.)
 */
function isEmpty(value: unknown, type: Type): boolean {
  switch (type.kind) {
    case 'list': return (value as unknown[]).length === 0;
    case 'map': {
      for (const _ in value as object) return false;
      return true;
    }
    case 'string': case 'bytes': return value === '';
    case 'bool': return value === false;
    case 'int32': case 'int64': case 'double': return value === 0;
    case 'intOrString': return value === 0 || value === '';
    default: return false;
  }
}

/** What Go writes for an object of this type of which nothing was set: `{ metadata: {}, spec: { template: … }, status: {} }`. Frozen. */
export function emptyObject(type: StructType): Readonly<Record<string, unknown>> {
  return zeroOf(type) as Readonly<Record<string, unknown>>;
}

const zeros = new WeakMap<Type, unknown>();

/** What Go makes of an absent value of a type; undefined where our form has none. */
function zeroOf(type: Type): unknown {
  switch (type.kind) {
    case 'string': case 'bytes': return '';
    case 'bool': return false;
    case 'int32': case 'int64': case 'double': case 'intOrString': return 0;
    case 'quantity': return '0';
    case 'duration': return '0s';
    case 'list': return emptyList;
    case 'map': return emptyMap;
    case 'struct': {
      let zero = zeros.get(type);
      if (!zero) zeros.set(type, (zero = Object.freeze(Object.fromEntries(planOf(type)))));
      return zero;
    }
    default: return null;
  }
}
const emptyList: readonly unknown[] = Object.freeze([]);
const emptyMap = Object.freeze({});

const plans = new WeakMap<StructType, ReadonlyMap<string, unknown>>();

/** The fields that Go always writes, with what it writes when they were never set. */
function planOf(type: StructType): ReadonlyMap<string, unknown> {
  const known = plans.get(type);
  if (known) return known;
  const plan = new Map<string, unknown>();
  plans.set(type, plan);
  for (const field of type.fields.values()) {
    if (field.pointer) continue;
    const { kind } = field.type;
    const always = kind === 'quantity' || (kind === 'struct' && !field.type.oneOf) || !(field.omitEmpty || kind === 'any' || kind === 'time' || kind === 'microTime') || kind === 'duration';
    if (always) plan.set(field.name, zeroOf(field.type));
  }
  return plan;
}
