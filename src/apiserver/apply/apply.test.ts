import { describe, expect, it } from 'vitest';
import { StatusError, type Status } from '../../api/errors.ts';
import { without } from '../../api/kinds/fill.ts';
import type { KubeObject } from '../../api/object.ts';
import { decode } from '../../api/schema/decode.ts';
import { typeSchema } from '../../api/schema/schema.ts';
import { apply, type Applied } from './apply.ts';
import { difference, emptySet, intersection, members, pathText, union, type FieldSet } from './field-set.ts';
import { capUpdaters, identity, managerOf, updateManagedFields, type Managed, type ManagedWrite } from './managed-fields.ts';
import { compare } from './compare.ts';
import { merge } from './merge.ts';

const DEPLOYMENT = typeSchema('io.k8s.api.apps.v1.Deployment');
const POD = typeSchema('io.k8s.api.core.v1.Pod');
const CONFIG_MAP = typeSchema('io.k8s.api.core.v1.ConfigMap');

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}
const leaf = {};
const write = (manager: string, time = '2026-01-01T00:00:00Z', subresource?: string): ManagedWrite => ({ schema: DEPLOYMENT, manager, apiVersion: 'apps/v1', time, ...(subresource && { subresource }) });
const canonical = (spec: object, metadata: object = {}): KubeObject => freeze(decode<KubeObject>(DEPLOYMENT, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'n', ...metadata }, spec }).object);
const stored = (object: KubeObject): KubeObject => freeze(decode<KubeObject>(DEPLOYMENT, { ...object, metadata: { ...object.metadata, uid: 'u' } }).object);
const set = (...paths: string[][]): FieldSet => {
  const root: any = {};
  for (const path of paths) {
    let node = root;
    path.forEach((element, i) => (node = node[element] ??= i === path.length - 1 ? leaf : {}));
  }
  return root as FieldSet;
};
const entryOf = (object: KubeObject, manager: string): any => object.metadata.managedFields?.find((e) => e.manager === manager);

function doApply(live: KubeObject | undefined, manager: string, spec: object, options: { force?: boolean; time?: string; metadata?: object } = {}): Applied {
  return apply({
    ...write(manager, options.time), kind: 'Deployment', live, force: options.force ?? false,
    applied: freeze({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'n', ...options.metadata }, spec }),
  });
}
function fault(run: () => unknown): Status {
  try {
    run();
  } catch (error) {
    if (error instanceof StatusError) return error.status;
    throw error;
  }
  throw new Error('nothing was thrown');
}
const template = (...containers: object[]): object => ({ template: { spec: { containers } } });

describe('field sets', () => {
  const a = { 'f:spec': { '.': leaf, 'f:a': leaf, 'f:b': { 'f:c': leaf } } } as FieldSet;
  const b = { 'f:spec': { 'f:a': leaf, 'f:b': leaf }, 'f:x': leaf } as FieldSet;
  it('unites, subtracts and intersects', () => {
    expect(union(a, b)).toEqual({ 'f:spec': { '.': leaf, 'f:a': leaf, 'f:b': { '.': leaf, 'f:c': leaf } }, 'f:x': leaf });
    expect(difference(a, b)).toEqual({ 'f:spec': { '.': leaf, 'f:b': { 'f:c': leaf } } });
    expect(difference(b, a)).toEqual({ 'f:spec': { 'f:b': leaf }, 'f:x': leaf });
    expect(intersection(a, b)).toEqual({ 'f:spec': { 'f:a': leaf } });
    expect(difference(a, emptySet)).toBe(a);
    expect(union(a, { 'f:spec': { 'f:a': leaf } } as FieldSet)).toBe(a);
    expect(difference(a, a)).toEqual({});
    expect([...members(a)].map(pathText)).toEqual(['.spec', '.spec.a', '.spec.b.c']);
  });
});

describe('merge', () => {
  const list = (names: string): object => ({ spec: { containers: [...names].map((name) => ({ name })) } });
  it.each([
    ['ab', 'ab', 'ab'], ['asb', 'xba', 'sxba'], ['abc', 'c', 'abc'], ['abc', 'x', 'abcx'], ['abc', 'bxc', 'abxc'], ['', 'ab', 'ab'], ['ab', '', 'ab'], ['abcd', 'db', 'acdb'],
  ])('%s with %s over it is %s', (live, config, expected) => expect(merge(POD, list(live), list(config))).toEqual(list(expected)));

  it('shares what stays', () => {
    const live = freeze(list('ab'));
    expect(merge(POD, live, list('a'))).toBe(live);
  });
});

describe('compare', () => {
  it('tells sets and atomic parts', () => {
    const before = { metadata: { finalizers: ['a/b', 'c/d'] }, spec: { nodeSelector: { a: '1' }, tolerations: [{ key: 'a' }] } };
    const after = { metadata: { finalizers: ['c/d', 'e/f'] }, spec: { nodeSelector: { a: '1', b: '2' }, tolerations: [{ key: 'b' }], hostname: 'h' } };
    expect(compare(POD, before, after)).toEqual({
      added: { 'f:metadata': { 'f:finalizers': { 'v:"e/f"': leaf } }, 'f:spec': { 'f:hostname': leaf } },
      modified: { 'f:spec': { 'f:nodeSelector': leaf, 'f:tolerations': leaf } },
      removed: { 'f:metadata': { 'f:finalizers': { 'v:"a/b"': leaf } } },
    });
  });
});

describe('updateManagedFields', () => {
  const spec = { replicas: 1, selector: { matchLabels: { app: 'a' } }, template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }] } } };
  const created = updateManagedFields(undefined, canonical(spec, { labels: { app: 'a' } }), write('kubectl-create'));

  it('books a new object to its maker, as upstream writes it', () => {
    expect(created.metadata.managedFields).toEqual([{
      manager: 'kubectl-create', operation: 'Update', apiVersion: 'apps/v1', time: '2026-01-01T00:00:00Z', fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { '.': leaf, 'f:app': leaf } },
        'f:spec': {
          'f:replicas': leaf, 'f:selector': leaf,
          'f:template': {
            'f:metadata': { 'f:labels': { '.': leaf, 'f:app': leaf } },
            'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': leaf, 'f:image': leaf, 'f:name': leaf, 'f:ports': { '.': leaf, 'k:{"containerPort":80,"protocol":"TCP"}': { '.': leaf, 'f:containerPort': leaf } }, 'f:resources': leaf } } },
          },
        },
      },
    }]);
  });

  it('leaves everything as it was where nothing changes', () => {
    const live = stored(created);
    const next = { ...live, metadata: { ...live.metadata, managedFields: structuredClone(live.metadata.managedFields)! } };
    expect(updateManagedFields(live, next, write('kubectl-edit')).metadata.managedFields).toBe(live.metadata.managedFields);
  });

  it('moves what another changes, and drops what is gone', () => {
    const live = stored(created);
    const next = { ...live, spec: { ...without((live as any).spec, 'replicas'), paused: true }, metadata: { ...live.metadata, labels: { app: 'b' } } } as KubeObject;
    const after = updateManagedFields(live, next, write('kubectl-edit', '2026-01-02T00:00:00Z'));
    expect(entryOf(after, 'kubectl-edit')).toMatchObject({ time: '2026-01-02T00:00:00Z', fieldsV1: { 'f:metadata': { 'f:labels': { 'f:app': leaf } }, 'f:spec': { 'f:paused': leaf } } });
    const old = entryOf(after, 'kubectl-create');
    expect(old.time).toBe('2026-01-01T00:00:00Z');
    expect(old.fieldsV1['f:spec']).not.toHaveProperty('f:replicas');
    expect(old.fieldsV1['f:metadata']).toEqual({ 'f:labels': leaf });
  });

  it('keeps doors apart: status, scale', () => {
    const live = stored(created);
    const next = { ...live, spec: { ...(live as any).spec, replicas: 5 }, status: { replicas: 3 } } as KubeObject;
    const after = updateManagedFields(live, next, write('controller', '2026-01-02T00:00:00Z', 'status'));
    expect(entryOf(after, 'controller')).toMatchObject({ subresource: 'status', fieldsV1: { 'f:status': { 'f:replicas': leaf } } });
    expect(entryOf(after, 'controller').fieldsV1).not.toHaveProperty('f:spec');
    const scaled = updateManagedFields(live, next, write('hpa', '2026-01-02T00:00:00Z', 'scale'));
    expect(entryOf(scaled, 'hpa')).toMatchObject({ subresource: 'scale', operation: 'Update', apiVersion: 'apps/v1' });
    expect(entryOf(updateManagedFields(live, next, write('m')), 'm').fieldsV1).toEqual({ 'f:spec': { 'f:replicas': leaf } });
  });

  it('clears on request, and does not begin to track old objects', () => {
    const live = stored(created);
    const cleared = updateManagedFields(live, { ...live, metadata: { ...live.metadata, managedFields: [{}] } }, write('kubectl'));
    expect(cleared.metadata).not.toHaveProperty('managedFields');
    const untracked = stored(canonical(spec));
    expect(updateManagedFields(untracked, { ...untracked, spec: { replicas: 9 } } as KubeObject, write('x')).metadata).not.toHaveProperty('managedFields');
  });

  it('folds old updates together', () => {
    const managed = new Map<string, Managed>();
    for (let i = 0; i < 12; i++) {
      const entry = { manager: `m${i}`, operation: 'Update', apiVersion: 'v1', time: `2026-01-01T00:00:${String(i).padStart(2, '0')}Z`, fieldsType: 'FieldsV1' };
      managed.set(identity(entry), { entry, set: set([`f:${i}`]) });
    }
    capUpdaters(managed);
    expect(managed.size).toBe(10);
    expect([...managed.values()].find((m) => m.entry.manager === 'ancient-changes')?.set).toEqual({ 'f:0': leaf, 'f:1': leaf, 'f:2': leaf });
  });

  it('names managers after their programs', () => expect(managerOf('kubectl/v1.32.0 (linux/amd64)')).toBe('kubectl'));
});

describe('apply', () => {
  const base = { replicas: 3, selector: { matchLabels: { app: 'a' } }, ...template({ name: 'c', image: 'i:1' }) };

  it('makes an object and books exactly what was named', () => {
    const { object, changed } = doApply(undefined, 'me', base);
    expect(changed).toBe(true);
    expect(object.metadata.managedFields).toEqual([{
      manager: 'me', operation: 'Apply', apiVersion: 'apps/v1', time: '2026-01-01T00:00:00Z', fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:replicas': leaf, 'f:selector': leaf, 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': leaf, 'f:image': leaf, 'f:name': leaf } } } } } },
    }]);
  });

  it('is a no-op the second time, and leaves the time alone', () => {
    const live = stored(doApply(undefined, 'me', base).object);
    const again = doApply(live, 'me', base, { time: '2027-01-01T00:00:00Z' });
    expect(again.changed).toBe(false);
    expect(again.object.metadata.managedFields).toEqual(live.metadata.managedFields);
  });

  it('tells one conflict and many', () => {
    const live = stored(updateManagedFields(undefined, canonical(base), write('kubectl-client-side-apply')));
    const one = fault(() => doApply(live, 'me', { replicas: 5 }));
    expect(one).toMatchObject({ code: 409, reason: 'Conflict', message: 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas' });
    expect(one.details?.causes).toEqual([{ reason: 'FieldManagerConflict', message: 'conflict with "kubectl-client-side-apply" using apps/v1', field: '.spec.replicas' }]);
    const applied = stored(doApply(live, 'other', { paused: true }).object);
    expect(fault(() => doApply(applied, 'me', { replicas: 5, paused: false, ...template({ name: 'c', image: 'i:2' }) })).message).toBe([
      'Apply failed with 3 conflicts: conflicts with "kubectl-client-side-apply" using apps/v1:', '- .spec.replicas', '- .spec.template.spec.containers[name="c"].image', 'conflicts with "other":', '- .spec.paused',
    ].join('\n'));
  });

  it('takes over by force', () => {
    const live = stored(updateManagedFields(undefined, canonical(base), write('old')));
    const { object } = doApply(live, 'me', { replicas: 5 }, { force: true });
    expect((object as any).spec.replicas).toBe(5);
    expect(entryOf(object, 'me').fieldsV1).toEqual({ 'f:spec': { 'f:replicas': leaf } });
    expect(entryOf(object, 'old').fieldsV1['f:spec']).not.toHaveProperty('f:replicas');
  });

  it('shares what two set alike, and keeps it when one lets go', () => {
    let live = stored(doApply(undefined, 'one', base).object);
    live = stored(doApply(live, 'two', { replicas: 3 }).object);
    expect(entryOf(live, 'one').fieldsV1['f:spec']).toHaveProperty('f:replicas');
    live = stored(doApply(live, 'one', without(base, 'replicas')).object);
    expect((live as any).spec.replicas).toBe(3);
    live = stored(doApply(live, 'two', {}).object);
    expect((live as any).spec.replicas).toBeUndefined();
    expect(entryOf(live, 'two').fieldsV1).toEqual({ 'f:spec': leaf });
  });

  it('removes what its manager no longer names', () => {
    const two = { ...base, ...template({ name: 'c', image: 'i:1', env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }] }, { name: 's', image: 'x' }) };
    const live = stored(doApply(undefined, 'me', two, { metadata: { labels: { a: '1', b: '2' } } }).object);
    const { object } = doApply(live, 'me', { ...base, ...template({ name: 'c', image: 'i:1', env: [{ name: 'B', value: '2' }] }) }, { metadata: { labels: { b: '2' } } });
    expect((object as any).spec.template.spec.containers).toMatchObject([{ name: 'c', image: 'i:1', env: [{ name: 'B', value: '2' }] }]);
    expect((object as any).spec.template.spec.containers).toHaveLength(1);
    expect(object.metadata.labels).toEqual({ b: '2' });
  });

  it('keeps an item that another has a part in', () => {
    let live = stored(doApply(undefined, 'one', { ...base, ...template({ name: 'c', image: 'i:1' }, { name: 's', image: 'x' }) }).object);
    live = stored(doApply(live, 'two', template({ name: 's', env: [{ name: 'A', value: '1' }] })).object);
    const { object } = doApply(live, 'one', base);
    expect((object as any).spec.template.spec.containers).toMatchObject([{ name: 'c', image: 'i:1' }, { name: 's', env: [{ name: 'A', value: '1' }] }]);
    expect((object as any).spec.template.spec.containers[1]).not.toHaveProperty('image');
  });

  it('replaces atomic parts as a whole', () => {
    const live = stored(doApply(undefined, 'me', { ...base, ...template({ name: 'c', args: ['1', '2'] }) }).object);
    const { object } = doApply(live, 'me', { ...base, selector: { matchLabels: { app: 'b' } }, ...template({ name: 'c', args: ['3'] }) });
    expect((object as any).spec.template.spec.containers[0].args).toEqual(['3']);
    expect((object as any).spec.selector).toEqual({ matchLabels: { app: 'b' } });
  });

  it('books what was there before to before-first-apply', () => {
    const live = stored(canonical(base));
    expect(fault(() => doApply(live, 'me', { replicas: 4 })).message).toBe('Apply failed with 1 conflict: conflict with "before-first-apply" using apps/v1: .spec.replicas');
    expect(entryOf(doApply(live, 'me', { paused: true }).object, 'before-first-apply').fieldsV1['f:spec']).toHaveProperty('f:replicas');
  });

  it('lets kubectl go over from client-side apply', () => {
    const last = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'n' }, spec: base };
    const annotated = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(last) };
    const live = stored(updateManagedFields(undefined, canonical(base, { annotations: annotated }), write('kubectl-client-side-apply')));
    const { object } = doApply(live, 'kubectl', { ...base, replicas: 7 });
    expect((object as any).spec.replicas).toBe(7);
    expect(JSON.parse(object.metadata.annotations!['kubectl.kubernetes.io/last-applied-configuration']!).spec.replicas).toBe(7);
    const scaled = stored(updateManagedFields(live, { ...live, spec: { ...(live as any).spec, replicas: 9 } } as KubeObject, write('kubectl-scale')));
    expect(fault(() => doApply(scaled, 'kubectl', { ...base, replicas: 7 })).message).toContain('conflict with "kubectl-scale" using apps/v1: .spec.replicas');
  });

  it('owns nothing of status by the main door', () => {
    const { object } = apply({ ...write('me'), kind: 'Deployment', live: undefined, force: false, applied: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { replicas: 1 }, status: { replicas: 1 } } });
    expect(entryOf(object, 'me').fieldsV1).toEqual({ 'f:spec': { 'f:replicas': leaf } });
  });

  it.each([
    [{ spec: { nope: 1 } }, 500, 'failed to create typed patch object (n/d; apps/v1, Kind=Deployment): .spec.nope: field not declared in schema'],
    [{ spec: { replicas: 'x' } }, 500, 'failed to create typed patch object (n/d; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got &value.valueUnstructured{Value:"x"}'],
    [{ spec: template({ image: 'x' }) }, 500, 'element 0: associative list with keys has an element that omits key field "name" (and doesn\'t have default value)'],
    [{ spec: template({ name: 'a' }, { name: 'a' }) }, 500, '.spec.template.spec.containers: duplicate entries for key [name="a"]'],
    [{ kind: 'Pod' }, 400, 'invalid object type: apps/v1, Kind=Pod'],
    [{ metadata: { name: 'd', managedFields: [] } }, 400, 'metadata.managedFields must be nil'],
  ])('refuses %j', (part, code, message) => {
    const status = fault(() => apply({ ...write('me'), kind: 'Deployment', live: undefined, force: false, applied: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'n' }, ...part } }));
    expect(status.code).toBe(code);
    expect(status.message).toContain(message);
  });

  it('works on maps without a schema of their own', () => {
    const config = (data: object): unknown => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data });
    const request = { schema: CONFIG_MAP, manager: 'me', apiVersion: 'v1', time: '2026-01-01T00:00:00Z', kind: 'ConfigMap', force: false };
    const live = freeze({ ...apply({ ...request, live: undefined, applied: config({ a: '1', b: '2' }) }).object });
    expect(entryOf(live, 'me').fieldsV1).toEqual({ 'f:data': { 'f:a': leaf, 'f:b': leaf } });
    expect((apply({ ...request, live, applied: config({ b: '3' }) }).object as any).data).toEqual({ b: '3' });
  });
});
