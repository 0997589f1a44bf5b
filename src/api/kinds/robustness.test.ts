import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { KindDefinition } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { findResource } from '../resources.ts';
import { decode } from '../schema/decode.ts';
import { kindDefinitions } from './registry.ts';

type Json = null | string | number | boolean | Json[] | { [key: string]: Json };

interface Field {
  readonly t?: string;
}

const table = JSON.parse(readFileSync(new URL('../schema/fields.json', import.meta.url), 'utf8')) as {
  readonly types: Readonly<Record<string, Readonly<Record<string, Field | string>>>>;
  readonly enums: Readonly<Record<string, readonly string[]>>;
};

const scalars: Readonly<Record<string, Json>> = {
  int32: 1, int64: 1, double: 1, bool: true, bytes: 'eA==', string: 'x',
  'io.k8s.apimachinery.pkg.api.resource.Quantity': '1', 'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 1,
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.struct{}': {},
};

/** A value of this type of the field table with every field set; types within themselves are cut off. */
function sample(type: string, within: readonly string[] = []): Json {
  if (type.endsWith('[]')) return [sample(type.slice(0, -2), within)];
  const map = /^map<(.*)>$/.exec(type);
  if (map) return { x: sample(map[1]!, within) };
  const [base = '', choice] = type.split('#');
  if (choice) return table.enums[choice]?.[0] ?? 'x';
  const fields = table.types[base];
  if (base in scalars) return scalars[base]!;
  if (!fields) return base.endsWith('Time') ? '2026-01-01T00:00:00Z' : 'x';
  if (within.includes(base)) return {};
  const object: { [key: string]: Json } = {};
  for (const [name, field] of Object.entries(fields)) {
    if (name.startsWith('<inline> ')) Object.assign(object, sample(name.slice('<inline> '.length), [...within, base]));
    else if (typeof field !== 'string' && field.t) object[name] = sample(field.t, [...within, base]);
  }
  return object;
}

/** The value without one of its members, for each member at any depth. */
function* lacking(value: Json): Generator<readonly [string, Json]> {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    const inner = (value as { [key: string]: Json })[key]!;
    if (!Array.isArray(value)) {
      yield [key, Object.fromEntries(Object.entries(value).filter(([other]) => other !== key))];
    }
    for (const [path, changed] of lacking(inner)) yield [`${key}.${path}`, Array.isArray(value) ? [changed] : { ...value, [key]: changed }];
  }
}

/** Calls all that an API server calls with an object. */
function exercise(definition: KindDefinition, object: KubeObject): void {
  const context = { nowMs: 0, user: { name: 'somebody', groups: [] } };
  const defaulted = definition.defaults?.(object) ?? object;
  const made = definition.prepareForCreate?.(defaulted, context) ?? defaulted;
  definition.validate?.(made);
  definition.validateCreate?.(made);
  definition.validateUpdate?.(made, defaulted);
  definition.prepareForUpdate?.(made, defaulted, context);
  definition.prepareForStatusUpdate?.(defaulted, made, context);
  definition.validateStatusUpdate?.(defaulted, made);
  definition.warnings?.(made);
}

test.each(kindDefinitions.map((definition) => [`${definition.resource.resource}.${definition.resource.group}/${definition.resource.version}`, definition] as const))(
  '%s: whichever member a writer leaves out, the answer is a list of faults and not a crash',
  (_, definition) => {
    const { group, version, resource } = definition.resource;
    const { type } = findResource(group, version, resource)!;
    const whole = sample(type) as { [key: string]: Json };
    const metadata = { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '1970-01-01T00:00:00Z', ...(definition.resource.namespaced && { namespace: 'default' }) };
    const crashes = new Map<string, string>();
    for (const [path, changed] of lacking(whole)) {
      if (path.startsWith('metadata')) continue;
      try {
        exercise(definition, decode<KubeObject>(type, { ...(changed as object), metadata }).object);
      } catch (error) {
        crashes.set(`${path}: ${(error as Error).message}`, String((error as Error).stack?.split('\n')[1]));
      }
    }
    expect(Object.fromEntries(crashes)).toEqual({});
  },
);
