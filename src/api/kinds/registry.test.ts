import { expect, test } from 'vitest';
import { builtInResources } from '../resources.ts';
import type { KubeObject } from '../object.ts';
import { kindDefinition, kindDefinitions } from './registry.ts';

test('every served resource has a definition, and every definition is of a served resource', () => {
  const missing = builtInResources.filter((resource) => !kindDefinition(resource.group, resource.version, resource.resource));
  expect(missing.map((resource) => resource.resource)).toEqual([]);
  expect(kindDefinitions).toHaveLength(builtInResources.length);
});

test.each(kindDefinitions.map((definition) => [`${definition.resource.resource}.${definition.resource.group}/${definition.resource.version}`, definition] as const))(
  '%s bears an object that says next to nothing',
  (_, definition) => {
    const context = { nowMs: 0, user: { name: 'somebody', groups: ['system:authenticated'] } };
    const metadata = { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '1970-01-01T00:00:00Z', ...(definition.resource.namespaced && { namespace: 'default' }) };
    const { kind } = definition.resource;
    // Where a spec is required by the field table, decoding has refused what lacks it.
    const bare = { apiVersion: 'v1', kind, metadata, spec: {}, ...(kind.endsWith('Binding') && { roleRef: {} }) } as unknown as KubeObject;
    const defaulted = definition.defaults?.(bare) ?? bare;
    const made = definition.prepareForCreate?.(defaulted, context) ?? defaulted;
    const errors = [...(definition.validate?.(made) ?? []), ...(definition.validateCreate?.(made) ?? [])];
    for (const error of errors) expect(error.message).not.toContain('undefined');
    expect(definition.defaults?.(defaulted) ?? defaulted, 'defaults are stable').toEqual(defaulted);
    const again = definition.prepareForUpdate?.(made, made, context) ?? made;
    expect(definition.validateUpdate?.(again, made) ?? [], 'an unchanged object may be written').toEqual([]);
    definition.warnings?.(made);
  },
);
