import { expect, test } from 'vitest';
import type { CustomResourceDefinition } from '../../api/generated/apiextensions-v1.ts';
import type { Lease } from '../../api/generated/coordination-v1.ts';
import { customResourceDefinitions, leases } from '../../api/generated/resources.ts';
import type { KubeObject, New, ResourceType } from '../../api/object.ts';
import { createAuthority } from '../../base/certificates.ts';
import type { Client } from '../../client/client.ts';
import { startTestApiServer } from '../../testing/api-server.ts';

interface Boat extends KubeObject {
  readonly metadata: KubeObject['metadata'] & { readonly namespace: string };
  readonly spec?: { readonly seats?: number; readonly name?: string; readonly tags?: readonly string[] };
  readonly status?: { readonly afloat?: boolean; readonly seats?: number };
}

const boats: ResourceType<Boat> = { group: 'example.com', version: 'v1', resource: 'boats', kind: 'Boat', namespaced: true };
const name = 'boats.example.com';

const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object', required: ['name'],
      'x-kubernetes-validations': [{ rule: 'self.seats >= oldSelf.seats', message: 'a boat does not shrink' }],
      properties: {
        name: { type: 'string', minLength: 2 }, seats: { type: 'integer', default: 2, minimum: 1 }, tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
      },
    },
    status: { type: 'object', properties: { afloat: { type: 'boolean' }, seats: { type: 'integer' } } },
  },
};

const version = (versionName: string, more: object = {}) => ({ name: versionName, served: true, storage: false, schema: { openAPIV3Schema: schema }, subresources: { status: {} }, ...more });

function definition(versions: readonly object[] = [version('v1', { storage: true })]): New<CustomResourceDefinition> {
  return { metadata: { name }, spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'boats', singular: 'boat', kind: 'Boat', shortNames: ['bt'] }, versions } } as unknown as New<CustomResourceDefinition>;
}

const boat = (boatName: string, spec: object) => ({ metadata: { name: boatName, namespace: 'default' }, spec }) as unknown as New<Boat>;
const key = (boatName: string) => ({ namespace: 'default', name: boatName });

async function established(admin: Client): Promise<CustomResourceDefinition> {
  for (;;) {
    const present = await admin.get(customResourceDefinitions, { name });
    if (present.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) return present;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a custom resource is served as soon as it is defined, pruned, defaulted and validated', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  await expect(admin.list(boats)).rejects.toMatchObject({ code: 404 });
  await admin.create(customResourceDefinitions, definition());
  const created = await admin.create(boats, boat('a', { name: 'Ark', odd: 1 }));
  expect(created).toMatchObject({ apiVersion: 'example.com/v1', kind: 'Boat', metadata: { generation: 1 }, spec: { name: 'Ark', seats: 2 } });
  expect(created.spec).not.toHaveProperty('odd');
  expect(created.metadata.managedFields?.[0]).toMatchObject({ manager: 'test', apiVersion: 'example.com/v1' });
  expect((await established(admin)).status).toMatchObject({ acceptedNames: { plural: 'boats', listKind: 'BoatList' }, storedVersions: ['v1'] });
  await expect(admin.create(boats, boat('b', { seats: 'x', tags: ['p', 'p'] }))).rejects.toMatchObject({
    code: 422, status: { details: { causes: [
      { field: 'spec.name', reason: 'FieldValueRequired' }, { field: 'spec.seats', message: 'Invalid value: "string": spec.seats in body must be of type integer: "string"' }, { field: 'spec.tags[1]', reason: 'FieldValueDuplicate' },
      { field: '<nil>', message: expect.stringContaining('some validation rules were not checked') },
    ] } },
  });
  // What is merely of a wrong value does not keep the rules from being asked.
  await expect(admin.update(boats, { ...created, spec: { name: 'A', seats: 1 } })).rejects.toMatchObject({
    status: { details: { causes: [{ field: 'spec.name', message: expect.stringContaining('at least 2 chars long') }, { field: 'spec', message: 'Invalid value: a boat does not shrink' }] } },
  });
  await expect(admin.create(boats, { ...boat('b', { name: 'Ark' }), typo: 1 } as never, { fieldValidation: 'Strict' })).rejects.toMatchObject({ message: expect.stringContaining('strict decoding error: unknown field "typo"') });
  await expect(admin.patch(boats, key('a'), { type: 'application/merge-patch+json', body: { spec: { seats: 1 } } })).rejects.toMatchObject({ message: 'Boat.example.com "a" is invalid: spec: Invalid value: a boat does not shrink' });
  const reported = await admin.updateStatus(boats, { ...created, spec: { name: 'Other' }, status: { afloat: true } });
  expect(reported).toMatchObject({ metadata: { generation: 1 }, spec: { name: 'Ark' }, status: { afloat: true } });
});

test('a schema that became stricter is not held against fields that did not change', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  await admin.create(customResourceDefinitions, definition());
  await admin.create(boats, boat('old', { name: 'Ark', seats: 1 }));
  const present = await established(admin);
  const stricter = structuredClone(definition().spec) as any;
  stricter.versions[0].schema.openAPIV3Schema.properties.spec.properties.seats.minimum = 2;
  await admin.update(customResourceDefinitions, { ...present, spec: stricter });
  await admin.patch(boats, key('old'), { type: 'application/merge-patch+json', body: { spec: { name: 'Argo' } } });
  await expect(admin.create(boats, boat('new', { name: 'Ark', seats: 1 }))).rejects.toMatchObject({ message: expect.stringContaining('spec.seats in body should be greater than or equal to 2') });
});

test('defaults that a definition comes to have show in objects that were stored before', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  await admin.create(customResourceDefinitions, definition());
  const before = await admin.create(boats, boat('old', { name: 'Ark' }));
  expect(await admin.get(boats, key('old'))).toBe(await admin.get(boats, key('old')));
  const present = await established(admin);
  const richer = structuredClone(definition().spec) as any;
  richer.versions[0].schema.openAPIV3Schema.properties.spec.properties.flag = { type: 'string', default: 'white' };
  await admin.update(customResourceDefinitions, { ...present, spec: richer });
  const after = await admin.get(boats, key('old'));
  expect(after).toMatchObject({ metadata: { resourceVersion: before.metadata.resourceVersion }, spec: { name: 'Ark', flag: 'white' } });
  expect((await admin.list(boats)).items).toEqual([after]);
});

test('versions show the same objects; a version that is no longer served ends its watches', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  const second = { ...boats, version: 'v2' };
  await admin.create(customResourceDefinitions, definition([version('v1', { storage: true }), version('v2')]));
  await admin.create(boats, boat('a', { name: 'Ark' }));
  expect(await admin.get(second, key('a'))).toMatchObject({ apiVersion: 'example.com/v2', spec: { name: 'Ark' } });
  const watch = await admin.watch(second, { namespace: 'default' });
  const present = await established(admin);
  const versions = [version('v1', { storage: true }), version('v2', { served: false })];
  await admin.update(customResourceDefinitions, { ...present, spec: { ...present.spec!, versions } as never });
  const seen: string[] = [];
  for await (const { type, object } of watch) seen.push(`${type} ${object.apiVersion}`);
  expect(seen).toEqual(['ADDED example.com/v2']);
  await expect(admin.get(second, key('a'))).rejects.toMatchObject({ code: 404 });
});

test('an object is written under the new version as soon as that is the stored one', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  const second = { ...boats, version: 'v2' };
  await admin.create(customResourceDefinitions, definition([version('v1', { storage: true }), version('v2')]));
  await admin.create(boats, boat('a', { name: 'Ark' }));
  const present = await established(admin);
  await admin.update(customResourceDefinitions, { ...present, spec: { ...present.spec!, versions: [version('v1'), version('v2', { storage: true })] } as never });
  const rename = (resource: typeof boats, to: string) => admin.patch(resource, key('a'), { type: 'application/json-patch+json', body: [{ op: 'replace', path: '/spec/name', value: to }] });
  expect(await rename(second, 'Argo')).toMatchObject({ apiVersion: 'example.com/v2', spec: { name: 'Argo' } });
  expect(await rename(boats, 'Ark')).toMatchObject({ apiVersion: 'example.com/v1', spec: { name: 'Ark' } });
  expect((await admin.list(second)).items).toMatchObject([{ apiVersion: 'example.com/v2', spec: { name: 'Ark' } }]);
});

test('deleting the definition deletes its objects first, finalizers and all', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  await admin.create(customResourceDefinitions, definition());
  await admin.create(boats, boat('free', { name: 'Ark' }));
  await admin.create(boats, { ...boat('held', { name: 'Ark' }), metadata: { ...key('held'), finalizers: ['example.com/hold'] } });
  await established(admin);
  await admin.delete(customResourceDefinitions, { name });
  await expect(admin.create(boats, boat('late', { name: 'Ark' }))).rejects.toMatchObject({ code: 405 });
  await expect.poll(async () => (await admin.list(boats)).items.map(({ metadata }) => metadata.name)).toEqual(['held']);
  expect((await admin.get(customResourceDefinitions, { name })).status?.conditions).toContainEqual(expect.objectContaining({ type: 'Terminating', status: 'True', reason: 'InstanceDeletionInProgress' }));
  await admin.patch(boats, key('held'), { type: 'application/merge-patch+json', body: { metadata: { finalizers: null } } });
  await expect.poll(() => admin.get(customResourceDefinitions, { name }).then(() => 'there', (error: { reason: string }) => error.reason)).toBe('NotFound');
  await expect(admin.list(boats)).rejects.toMatchObject({ code: 404 });
});

test('a rule that does not compile is a fault of the definition', async () => {
  await using api = await startTestApiServer();
  const broken = structuredClone(definition()) as any;
  broken.spec.versions[0].schema.openAPIV3Schema['x-kubernetes-validations'] = [{ rule: 'self.spec +' }];
  await expect(api.admin.create(customResourceDefinitions, broken)).rejects.toMatchObject({ code: 422, message: expect.stringContaining('x-kubernetes-validations[0].rule') });
});

test('a name that another definition has is not to be had until it is free', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  await admin.create(customResourceDefinitions, definition());
  const ships = (names: object) => ({
    metadata: { name: 'ships.example.com' }, spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'ships', singular: 'ship', kind: 'Ship', ...names }, versions: [version('v1', { storage: true })] },
  }) as unknown as New<CustomResourceDefinition>;
  const ship = { ...boats, resource: 'ships', kind: 'Ship' };
  const named = async (): Promise<CustomResourceDefinition['status']> => (await admin.get(customResourceDefinitions, { name: 'ships.example.com' })).status;
  await admin.create(customResourceDefinitions, ships({ shortNames: ['bt', 'sh'] }));
  await expect.poll(named).toMatchObject({
    acceptedNames: { plural: 'ships', kind: 'Ship' },
    conditions: [
      { type: 'NamesAccepted', status: 'False', reason: 'ShortNamesConflict', message: '"bt" is already in use' }, { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
    ],
  });
  await expect(admin.list(ship)).rejects.toMatchObject({ code: 404 });
  await admin.delete(customResourceDefinitions, { name });
  await expect.poll(named).toMatchObject({ acceptedNames: { shortNames: ['bt', 'sh'] }, conditions: [{ type: 'NamesAccepted', status: 'True' }, { type: 'Established', status: 'True' }] });
  expect((await admin.list(ship)).items).toEqual([]);
  // What is established keeps the names that it has when it asks for one that is taken.
  await admin.create(customResourceDefinitions, definition());
  const present = await admin.get(customResourceDefinitions, { name: 'ships.example.com' });
  await admin.update(customResourceDefinitions, { ...present, spec: { ...present.spec, names: { ...present.spec.names, singular: 'boat' } } });
  await expect.poll(named).toMatchObject({ acceptedNames: { singular: 'ship' }, conditions: [{ reason: 'SingularConflict', message: '"boat" is already in use' }, { type: 'Established', status: 'True' }] });
  expect((await admin.list(ship)).items).toEqual([]);
});

test('a definition of a resource of the server’s own changes nothing', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  const own = { metadata: { name: 'leases.coordination.k8s.io', annotations: { 'api-approved.kubernetes.io': 'unapproved, a test' } }, spec: { group: 'coordination.k8s.io', scope: 'Namespaced', names: { plural: 'leases', kind: 'Lease' }, versions: [version('v1', { storage: true })] } };
  await admin.create(leases, { metadata: { name: 'kept', namespace: 'default' } } as New<Lease>);
  await admin.create(customResourceDefinitions, own as unknown as New<CustomResourceDefinition>);
  await expect.poll(async () => (await admin.get(customResourceDefinitions, { name: own.metadata.name })).status?.conditions).toContainEqual(
    expect.objectContaining({ type: 'KubernetesAPIApprovalPolicyConformant', status: 'False', reason: 'UnapprovedAnnotation', message: 'not approved: "unapproved, a test"' }),
  );
  await admin.delete(customResourceDefinitions, { name: own.metadata.name });
  await expect.poll(() => admin.get(customResourceDefinitions, { name: own.metadata.name }).then(() => 'there', (error: { reason: string }) => error.reason)).toBe('NotFound');
  expect((await admin.list(leases, { namespace: 'default' })).items.map(({ metadata }) => metadata.name)).toEqual(['kept']);
});

test('a definition is established only with a good authority for its webhook, and gets no bad one later', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  const { certificate } = await createAuthority('ca', { now: Date.now() });
  const spec = (bundle: string) => ({
    group: 'x.example.com', scope: 'Namespaced', names: { plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://127.0.0.1:1', caBundle: Buffer.from(bundle).toString('base64') } } },
  });
  const key = { name: 'foos.x.example.com' };
  await admin.create(customResourceDefinitions, { metadata: key, spec: spec('nonsense') } as never);
  const condition = async () => (await admin.get(customResourceDefinitions, key)).status?.conditions?.find(({ type }) => type === 'Established');
  await expect.poll(condition).toMatchObject({ status: 'False', reason: 'InvalidCABundle', message: 'The conversion webhook CABundle is invalid' });
  const write = async (bundle: string) => admin.update(customResourceDefinitions, { ...(await admin.get(customResourceDefinitions, key)), spec: spec(bundle) } as never);
  await write(certificate);
  await expect.poll(condition).toMatchObject({ status: 'True' });
  await expect(write('nonsense')).rejects.toThrow('spec.conversion.webhookClientConfig.caBundle: Invalid value');
});
