import { expect, test } from 'vitest';
import { runtimeInventory, type ContainerRecord } from './runtime-inventory.ts';

const record = (id: string, network?: string): ContainerRecord => ({
  id, spec: { value: Buffer.from(JSON.stringify({ linux: { namespaces: [{ type: 'pid' }, ...(network === undefined ? [] : [{ type: 'network', path: network }])] } })) },
});

test('containers, sandboxes and the networks that they are in', () => {
  const { ids, networkNamespaces } = runtimeInventory([record('sandbox', '/netns/one'), record('container', '/proc/5/ns/net'), record('host'), { id: 'bare', spec: null }], [{ id: 'sandbox' }]);
  expect([...ids]).toEqual(['sandbox', 'container', 'host', 'bare']);
  expect([...networkNamespaces!]).toEqual(['/netns/one', '/proc/5/ns/net']);
});

test('of a sandbox without a container nobody knows the network: then of none it is said that it is unknown', () => {
  const { ids, networkNamespaces } = runtimeInventory([record('sandbox', '/netns/one')], [{ id: 'sandbox' }, { id: 'half' }]);
  expect(ids.has('half')).toBe(true);
  expect(networkNamespaces).toBe(undefined);
});
