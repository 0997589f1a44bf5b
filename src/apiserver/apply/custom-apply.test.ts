import { expect, it } from 'vitest';
import { structuralType } from '../../api/schema/structural-type.ts';
import { apply } from './apply.ts';

const schema = structuralType({ version: 'v1', kind: 'CronTab' }, {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        ports: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['port', 'protocol'], items: { type: 'object', properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' }, name: { type: 'string' } } } },
        tags: { type: 'array', items: { type: 'string' } },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: { type: 'string' } },
      },
    },
  },
});

const request = { schema, manager: 'me', apiVersion: 'stable.example.com/v1', time: '2026-01-01T00:00:00Z', kind: 'CronTab', force: false };
const config = (spec: object): object => ({ apiVersion: 'stable.example.com/v1', kind: 'CronTab', metadata: { name: 'c' }, spec });

it('applies custom resources by the schema of their CRD', () => {
  const { object } = apply({ ...request, live: undefined, applied: config({ ports: [{ port: 80, name: 'web' }], tags: ['a'], free: { x: { y: [1], z: 2 } }, whole: { a: '1' } }) });
  expect(object.metadata.managedFields![0]!.fieldsV1).toEqual({
    'f:spec': {
      'f:free': { 'f:x': { '.': {}, 'f:y': {}, 'f:z': {} } }, 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } }, 'f:tags': {}, 'f:whole': {},
    },
  });
  const next = apply({ ...request, live: object, applied: config({ ports: [{ port: 80, protocol: 'TCP', name: 'w' }], free: { x: { z: 3 } } }) }).object as unknown as { spec: unknown };
  expect(next.spec).toEqual({ ports: [{ port: 80, protocol: 'TCP', name: 'w' }], free: { x: { z: 3 } } });
});

it('leaves what consists of parts as it is where null is applied, and takes null for what is a whole', () => {
  const live = apply({ ...request, manager: 'other', live: undefined, applied: config({ ports: [{ port: 80 }], tags: ['a'], free: { x: 1 } }) }).object;
  const { object } = apply({ ...request, force: true, live, applied: config({ ports: null, tags: null, free: null }) }) as unknown as { object: { spec: unknown } };
  expect(object.spec).toEqual({ ports: [{ port: 80 }], tags: null, free: { x: 1 } });
});

it('refuses what the schema does not have', () => {
  expect(() => apply({ ...request, live: undefined, applied: config({ odd: 1 }) })).toThrow('.spec.odd: field not declared in schema');
});
