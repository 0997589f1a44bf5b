import { expect, it } from 'vitest';
import { decode } from '../schema/decode.ts';
import { kinds, typeSchema } from '../schema/schema.ts';
import type { Type } from '../schema/schema.ts';
import { decodeProtobuf, encodeProtobuf, type Typed } from './envelope.ts';
import { hasProtobuf } from './message.ts';

/** Objects that fit a type, from a seed: some fields are left out, some values are zero. */
class Maker {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  #below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  make(type: Type, depth: number): unknown {
    switch (type.kind) {
      case 'string': return ['', 'a', 'ü–☃', 'x'.repeat(200)][this.#below(4)];
      case 'bytes': return ['', 'AA==', 'AAEC'][this.#below(3)];
      case 'bool': return this.#below(2) === 1;
      case 'int32': return [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 300][this.#below(6)];
      case 'int64': return [0, 1, -1, Number.MAX_SAFE_INTEGER, -(2 ** 40), 2 ** 33][this.#below(6)];
      case 'double': return [0, 1.5, -1e300][this.#below(3)];
      case 'time': return '2026-01-02T03:04:05Z';
      case 'microTime': return '1969-12-31T23:59:59.000001Z';
      case 'duration': return ['0s', '1h0m0.5s'][this.#below(2)];
      case 'quantity': return ['0', '1500m', '1Gi'][this.#below(3)];
      case 'intOrString': return [0, 80, -1, '', '25%'][this.#below(5)];
      case 'any': return [{ a: [1, { b: null }], c: 'd' }, {}][this.#below(2)];
      case 'list': return Array.from({ length: this.#below(3) }, () => this.make(type.item, depth - 1));
      case 'map': return Object.fromEntries(Array.from({ length: this.#below(3) }, (_, i) => [['z', 'a', '__proto__x'][i], this.make(type.value, depth - 1)]));
      case 'struct': {
        if (type.oneOf) return this.make(type.oneOf[this.#below(depth > 0 ? 2 : 1)]!, depth - 1);
        const object: Record<string, unknown> = {};
        // Only the outermost object has apiVersion and kind: the envelope carries them.
        for (const field of type.fields.values()) if (depth > 0 && field.name !== 'apiVersion' && !(field.name === 'kind' && type.hasTypeMeta) && this.#below(3) > 0) object[field.name] = this.make(field.type, depth - 1);
        return object;
      }
    }
  }
}

const apiVersionOf = ({ group, version }: { group: string; version: string }): string => (group && group !== 'meta.k8s.io' ? `${group}/${version}` : version);
const all = kinds().filter(({ type, kind }) => hasProtobuf(typeSchema(type)) && kind !== 'WatchEvent');

it.each(all)('$group/$version $kind survives decoding and protobuf', (entry) => {
  const type = typeSchema(entry.type);
  for (let seed = 1; seed <= 12; seed++) {
    const made = { ...(new Maker(seed).make(type, 6) as object), apiVersion: apiVersionOf(entry), kind: entry.kind };
    const object = decode<Typed>(type, made).object;
    expect(decode(type, object).object).toBe(object);
    const bytes = encodeProtobuf(object);
    expect(decodeProtobuf(bytes)).toEqual(object);
    expect(encodeProtobuf(decodeProtobuf(bytes))).toEqual(bytes);
  }
});
