import { describe, expect, it } from 'vitest';
import { StatusError } from '../../api/errors.ts';
import { typeSchema } from '../../api/schema/schema.ts';
import { applyJsonPatch } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import { patchObject } from './patch-object.ts';
import { applyStrategicMergePatch } from './strategic-merge-patch.ts';

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}
const codeOf = (run: () => unknown): number => {
  try {
    run();
  } catch (error) {
    if (error instanceof StatusError) return error.code;
    throw error;
  }
  return 200;
};

describe('JSON patch', () => {
  it('refuses copies that double an object until no memory is left, and values that are nested without end', () => {
    const double = [{ op: 'add', path: '/a', value: 'x'.repeat(1000) }, ...Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '', path: `/c${i}` }))];
    expect(codeOf(() => applyJsonPatch({}, double))).toBe(422);
    expect(codeOf(() => applyJsonPatch({}, Array.from({ length: 60 }, (_, i) => ({ op: 'add', path: `${'/a'.repeat(10 * i)}/a`, value: JSON.parse(`${'{"a":'.repeat(9)}{}${'}'.repeat(9)}`) as unknown }))))).toBe(422);
  });
  const object = freeze({ a: { b: [1, 2, 3] }, c: { d: 1 }, 'x/y': 0 });
  it.each([
    [[{ op: 'add', path: '/a/b/-', value: 4 }], { ...object, a: { b: [1, 2, 3, 4] } }],
    [[{ op: 'add', path: '/a/b/0', value: 0 }, { op: 'remove', path: '/a/b/1' }], { ...object, a: { b: [0, 2, 3] } }],
    [[{ op: 'test', path: '/c/d', value: 1 }, { op: 'replace', path: '/c/d', value: 2 }], { ...object, c: { d: 2 } }],
    [[{ op: 'move', from: '/c/d', path: '/a/d' }], { ...object, a: { b: [1, 2, 3], d: 1 }, c: {} }],
    [[{ op: 'copy', from: '/a/b', path: '/c/b' }, { op: 'add', path: '/c/b/-', value: 9 }], { ...object, c: { d: 1, b: [1, 2, 3, 9] } }],
    [[{ op: 'replace', path: '/x~1y', value: 1 }], { ...object, 'x/y': 1 }],
    [[{ op: 'replace', path: '', value: { z: 1 } }], { z: 1 }],
    [[{ op: 'test', path: '/nope', value: null }], object],
  ])('%j', (patch, expected) => expect(applyJsonPatch(object, patch)).toEqual(expected));

  it('puts a member that is not there where it should replace one, as kube-apiserver does', () => {
    expect(applyJsonPatch({ metadata: {} }, [{ op: 'replace', path: '/metadata/finalizers', value: ['a/b'] }])).toEqual({ metadata: { finalizers: ['a/b'] } });
  });

  it('shares what it does not touch', () => {
    const result = applyJsonPatch(object, [{ op: 'replace', path: '/c/d', value: 2 }]) as typeof object;
    expect(result.a).toBe(object.a);
  });

  it.each([
    [[{ op: 'test', path: '/c/d', value: 2 }], 422], [[{ op: 'remove', path: '/nope' }], 422], [[{ op: 'replace', path: '/a/nope/x', value: 1 }], 422], [[{ op: 'replace', path: '/a/b/9', value: 1 }], 422], [[5], 400],
    [[{ op: 'add', path: '/nope/b', value: 1 }], 422], [[{ op: 'add', path: '/a/b/9', value: 1 }], 422], [[{ op: 'frob', path: '/a' }], 422], [{ a: 1 }, 400],
    [Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/c/d', value: 1 })), 413],
  ])('refuses %#', (patch, code) => expect(codeOf(() => applyJsonPatch(object, patch))).toBe(code));
});

it.each([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }], [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }], [{ a: 'b' }, { a: null }, {}], [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }], [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }], [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }], [{ a: 'foo' }, 'bar', 'bar'], [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('merge patch %j + %j', (object, patch, expected) => {
  expect(applyMergePatch(freeze(object), patch)).toEqual(expected);
});

describe('strategic merge patch', () => {
  const POD = typeSchema('io.k8s.api.core.v1.Pod');
  const DEPLOYMENT = typeSchema('io.k8s.api.apps.v1.Deployment');
  const containers = (...list: unknown[]): unknown => ({ spec: { containers: list } });
  const env = (...list: unknown[]): unknown => containers({ name: 'a', env: list });

  it.each([
    ['merges lists by key', containers({ name: 'a', image: '1' }, { name: 'b', image: '2' }), containers({ name: 'b', image: '3' }), containers({ name: 'a', image: '1' }, { name: 'b', image: '3' })],
    // Upstream too puts what the patch brings before what only the server has, where the live list does not say otherwise.
    ['brings in new items', containers({ name: 'a' }), containers({ name: 'b', image: 'x', command: null }), containers({ name: 'b', image: 'x' }, { name: 'a' })],
    ['deletes items', containers({ name: 'a' }, { name: 'b' }), containers({ name: 'a', $patch: 'delete' }), containers({ name: 'b' })],
    ['deletes nothing where there is nothing', containers({ name: 'a' }), containers({ name: 'c', $patch: 'delete' }), containers({ name: 'a' })],
    ['replaces a list', containers({ name: 'a' }, { name: 'b' }), containers({ name: 'c' }, { $patch: 'replace' }), containers({ name: 'c' })],
    ['replaces an object', { metadata: { name: 'n', labels: { a: '1' } } }, { metadata: { labels: { b: '2', $patch: 'replace' } } }, { metadata: { name: 'n', labels: { b: '2' } } }],
    ['empties an object', { metadata: { name: 'n', labels: { a: '1' } } }, { metadata: { labels: { $patch: 'delete' } } }, { metadata: { name: 'n', labels: {} } }],
    ['removes by null', { metadata: { name: 'n', labels: { a: '1', b: '2' } } }, { metadata: { labels: { a: null, c: null } } }, { metadata: { name: 'n', labels: { b: '2' } } }],
    ['merges nested lists', env({ name: 'X', value: '1' }, { name: 'Y', value: '2' }), env({ name: 'Y', value: '3' }), env({ name: 'X', value: '1' }, { name: 'Y', value: '3' })],
    ['replaces atomic lists', containers({ name: 'a', args: ['1', '2'] }), containers({ name: 'a', args: ['3'] }), containers({ name: 'a', args: ['3'] })],
    ['adds primitives', { metadata: { finalizers: ['a/1', 'a/2'] } }, { metadata: { finalizers: ['a/3', 'a/1'] } }, { metadata: { finalizers: ['a/3', 'a/1', 'a/2'] } }],
    ['deletes primitives', { metadata: { finalizers: ['a/1', 'a/2', 'a/3'] } }, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a/2', 'a/9'] } }, { metadata: { finalizers: ['a/1', 'a/3'] } }],
    ['deletes and adds primitives in order', { metadata: { finalizers: ['a/1', 'a/2', 'a/3'] } },
      { metadata: { '$setElementOrder/finalizers': ['a/3', 'a/4', 'a/1'], '$deleteFromPrimitiveList/finalizers': ['a/2'], finalizers: ['a/4'] } }, { metadata: { finalizers: ['a/3', 'a/4', 'a/1'] } }],
    ['orders items', containers({ name: 'a' }, { name: 'b' }, { name: 'c' }), { spec: { '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }] } }, containers({ name: 'b' }, { name: 'c' }, { name: 'a' })],
    ['orders and changes items', containers({ name: 'a' }, { name: 's' }, { name: 'b' }),
      { spec: { '$setElementOrder/containers': [{ name: 'x' }, { name: 'a' }, { name: 'b' }], containers: [{ name: 'x' }, { name: 'b', image: '1' }] } },
      containers({ name: 'x' }, { name: 'a' }, { name: 's' }, { name: 'b', image: '1' })],
    ['orders after deleting', containers({ name: '1' }, { name: '2' }, { name: '4' }), { spec: { '$setElementOrder/containers': [{ name: '2' }, { name: '3' }], containers: [{ name: '3' }, { name: '1', $patch: 'delete' }] } },
      containers({ name: '2' }, { name: '4' }, { name: '3' })],
    ['retains keys', { spec: { volumes: [{ name: 'v', emptyDir: {} }] } }, { spec: { volumes: [{ $retainKeys: ['name', 'hostPath'], name: 'v', hostPath: { path: '/x' } }] } }, { spec: { volumes: [{ name: 'v', hostPath: { path: '/x' } }] } }],
    ['takes new objects without directives', {}, { spec: { volumes: [{ $retainKeys: ['name'], name: 'v' }, { name: 'w', $patch: 'delete' }], '$setElementOrder/volumes': [{ name: 'v' }] } }, { spec: { volumes: [{ name: 'v' }] } }],
    ['replaces what has another shape', { spec: { nodeSelector: { a: '1' } } }, { spec: { nodeSelector: 'x' } }, { spec: { nodeSelector: 'x' } }],
  ])('%s', (_, object, patch, expected) => {
    expect(applyStrategicMergePatch(freeze(object), freeze(patch), POD)).toEqual(expected);
  });

  it('retains keys of a union', () => {
    const live = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
    expect(applyStrategicMergePatch(freeze(live), { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }, DEPLOYMENT)).toEqual({ spec: { strategy: { type: 'Recreate' } } });
  });

  it('answers the same object where the patch changes nothing', () => {
    const live = freeze(containers({ name: 'a', image: '1' }, { name: 'b' }));
    expect(applyStrategicMergePatch(live, containers({ name: 'a', image: '1' }), POD)).toBe(live);
  });

  it.each([
    [{ spec: { containers: [{ image: 'x' }] } }, 500], [{ spec: { $retainKeys: 'containers' } }, 400], [{ spec: { $retainKeys: ['a'], b: 1 } }, 400],
    [{ spec: { $patch: 'frob' } }, 500], [{ spec: { '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'z' }] } }, 500], [[], 400],
  ])('refuses %j', (patch, code) => expect(codeOf(() => applyStrategicMergePatch(freeze(containers({ name: 'a' })), patch, POD))).toBe(code));
});

describe('patchObject', () => {
  const DEPLOYMENT = typeSchema('io.k8s.api.apps.v1.Deployment');
  it('reads the result, and words faults as upstream', () => {
    expect(() => patchObject({}, 'application/strategic-merge-patch+json', { spec: { replicas: 'two' } }, DEPLOYMENT))
      .toThrow(' "" is invalid: patch: Invalid value: "map[spec:map[replicas:two]]": json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32');
    const patch = [{ op: 'add', path: '/spec', value: { odd: 1 }, foo: 2 }];
    expect(patchObject<unknown>({}, 'application/json-patch+json', patch, DEPLOYMENT, 'Warn').warnings).toEqual(['json patch unknown field "[0].foo"', 'unknown field "spec.odd"']);
    expect(codeOf(() => patchObject<unknown>({}, 'application/json-patch+json', patch, DEPLOYMENT, 'Strict'))).toBe(422);
  });
});

it('takes many members away in one go', () => {
  const names = Array.from({ length: 30_000 }, (_, i) => `k${i}`);
  const all = Object.fromEntries(names.map((name) => [name, 'v']));
  const patch = { data: { ...Object.fromEntries(names.map((name) => [name, null])), kept: 'w' } };
  expect(applyStrategicMergePatch(freeze({ data: { ...all, other: 'x' } }), patch, typeSchema('io.k8s.api.core.v1.ConfigMap'))).toEqual({ data: { other: 'x', kept: 'w' } });
});
