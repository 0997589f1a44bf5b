import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { StatusError } from '../../../api/errors.ts';
import { kindDefinition } from '../../../api/kinds/registry.ts';
import type { KubeObject } from '../../../api/object.ts';
import { resourceOf } from '../../../api/resources.ts';
import { seededRandom } from '../../../base/random.ts';
import { customRuleValidation } from '../../custom/custom-rule-validation.ts';
import { servedBuiltIn } from '../built-in-resources.ts';
import { metadataForCreate } from '../fill-metadata.ts';
import { WriteStrategy } from '../write-strategy.ts';

// What kube-apiserver v1.36 says of objects with one thing wrong in each: the object's place in objects.yaml, the path of what was changed, how, and
// its causes as `field: message`, in any order. `<3>` stands for the third phrase from 0.
type Refusal = readonly [object: number, path: string, change: string, ...causes: string[]];

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const objects = parseAllDocuments(read('objects.yaml')).map((document) => document.toJS() as KubeObject);
const { phrases, refusals } = JSON.parse(read('refusals.json')) as { readonly phrases: readonly string[]; readonly refusals: readonly Refusal[] };

type Tree = Record<string, unknown>;

const CHANGES: Readonly<Record<string, (value: unknown) => unknown>> = {
  bad: () => 'A_b!/', slashes: () => 'a/b/c', dots: () => '../..', other: () => 'other', spaced: (value) => ` ${String(value)} `, upper: (value) => String(value).toUpperCase(), flip: (value) => !value,
  neg: (value) => (typeof value === 'number' ? -1 : `-${String(value)}`), zero: (value) => (typeof value === 'number' ? 0 : '0'), big: (value) => (typeof value === 'number' ? 99999999 : '9999Gi'),
  one: () => 1, int: () => 3601, milli: () => '1m', dup: (value) => [...(value as readonly unknown[]), (value as readonly unknown[])[0]],
  empty: (value) => (typeof value === 'string' ? '' : Array.isArray(value) ? [] : {}),
};

/** The object with one change: `-` takes the member away. Names of members may hold dots. */
function changed(object: KubeObject, path: string, change: string): KubeObject {
  const copy = structuredClone(object) as unknown as Tree;
  let parent: Tree | unknown[] = copy;
  let rest = path;
  for (;;) {
    const keys: readonly string[] = Object.keys(parent);
    const key = keys.filter((one) => rest === one || rest.startsWith(`${one}.`)).sort((a, b) => b.length - a.length)[0]!;
    const value: unknown = (parent as Tree)[key];
    if (rest !== key) {
      parent = value as Tree;
      rest = rest.slice(key.length + 1);
    } else {
      if (change !== '-') (parent as Tree)[key] = CHANGES[change]!(value);
      else if (Array.isArray(parent)) parent.splice(Number(key), 1);
      else delete parent[key];
      return copy as unknown as KubeObject;
    }
  }
}

const rules = customRuleValidation({ compiling: (work: () => unknown) => work(), evaluating: (work: () => unknown) => work() } as never);

/** What the server would say of a new object, admission of pods and the like left out: `field: message`. */
function faultsOf(object: KubeObject): readonly string[] {
  const entry = resourceOf(object)!;
  const served = servedBuiltIn(entry, kindDefinition(entry.group, entry.version, entry.resource)!);
  const strategy = new WriteStrategy(served);
  const decoded = served.schema.decode(object).object;
  const metadata = metadataForCreate(decoded, entry.namespaced ? decoded.metadata.namespace ?? 'default' : '', 0, seededRandom(1));
  const made = strategy.prepareForCreate(strategy.withDefaults({ ...decoded, apiVersion: object.apiVersion, kind: object.kind, metadata } as KubeObject), { nowMs: 0, user: { name: 'u', groups: [] } });
  const errors = strategy.createErrors(made);
  if (errors.length > 0 || object.kind !== 'CustomResourceDefinition') return errors.map(({ field, message }) => `${field}: ${message}`);
  try {
    void rules.validate!({ resource: entry, subresource: '', object: made, name: made.metadata.name } as never);
    return [];
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return (error.status.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`);
  }
}

test.each(objects.map((object) => [object.kind, object] as const))('%s is right as it is', (_, object) => {
  expect(faultsOf(object)).toEqual([]);
});

test.each([...Map.groupBy(refusals, ([object]) => object)].map(([object, list]) => [objects[object]!.kind, list.length, list] as const))('%s is refused in %i ways, in the words of kube-apiserver', (_, _count, list) => {
  for (const [object, path, change, ...causes] of list) {
    const told = causes.map((cause) => cause.replace(/<(\d+)>$/, (_all, phrase: string) => phrases[Number(phrase)]!));
    expect([...faultsOf(changed(objects[object]!, path, change))].sort(), `${path} ${change}`).toEqual(told.sort());
  }
});
