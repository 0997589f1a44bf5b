import { expect, test } from 'vitest';
import type { ResourceClaim } from '../../api/generated/resource-v1.ts';
import { clusterRoleBindings, clusterRoles, namespaces, resourceClaims, resourceClaimTemplates, resourceSlices } from '../../api/generated/resources.ts';
import { startTestApiServer } from '../../testing/api-server.ts';
import { FakeClock } from '../../testing/fake-clock.ts';

const request = (adminAccess?: true) => ({ devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu', ...(adminAccess && { adminAccess }) } }] } });
const allocation = { devices: { results: [{ request: 'gpu', driver: 'gpu.example.com', pool: 'n', device: 'g0' }] }, nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] }] } };

test('devices that others have too are for namespaces with the label alone', async () => {
  await using api = await startTestApiServer({ clock: new FakeClock() });
  const { admin } = api;
  const message = 'Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace';
  const claim = { metadata: { name: 'c', namespace: 'default' }, spec: request(true) };
  await expect(admin.create(resourceClaims, claim)).rejects.toMatchObject({ message: `ResourceClaim.resource.k8s.io "c" is invalid: spec.devices.requests[0].adminAccess: ${message}` });
  await expect(admin.create(resourceClaimTemplates, { metadata: claim.metadata, spec: { spec: request(true) } })).rejects.toThrow(message);
  await admin.patch(namespaces, { name: 'default' }, { type: 'application/merge-patch+json', body: { metadata: { labels: { 'resource.kubernetes.io/admin-access': 'true' } } } });
  await admin.create(resourceClaims, claim);
});

test('who binds a claim and who tells of its devices needs a right of its own', async () => {
  await using api = await startTestApiServer({ clock: new FakeClock() });
  const { admin } = api;
  const rule = (resources: string[], verbs: string[], resourceNames?: string[]) => ({ apiGroups: ['resource.k8s.io'], resources, verbs, ...(resourceNames && { resourceNames }) });
  const roles = { writer: [], binder: [rule(['resourceclaims/binding'], ['update'])], driver: [rule(['resourceclaims/driver'], ['associated-node:update'], ['gpu.example.com'])] };
  for (const [name, more] of Object.entries(roles)) {
    await admin.create(clusterRoles, { metadata: { name }, rules: [rule(['resourceclaims', 'resourceclaims/status'], ['get', 'update']), ...more] });
    await admin.create(clusterRoleBindings, { metadata: { name }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name }, subjects: [{ kind: 'User', name: name === 'driver' ? 'system:serviceaccount:default:driver' : name, apiGroup: 'rbac.authorization.k8s.io' }] });
  }
  const as = (name: string) => api.client({ name, groups: ['system:authenticated'] }, 'test');
  const plugin = (node: string) => api.client({ name: 'system:serviceaccount:default:driver', groups: ['system:authenticated'], extra: { 'authentication.kubernetes.io/node-name': [node] } }, 'test');
  const claim: ResourceClaim = await admin.create(resourceClaims, { metadata: { name: 'c', namespace: 'default' }, spec: request() });
  const bound = { ...claim, status: { allocation } };
  await expect(as('writer').updateStatus(resourceClaims, bound)).rejects.toThrow('status.allocation: Forbidden: changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="update" permission: resourceclaims.resource.k8s.io is forbidden: User "writer" cannot update resource "resourceclaims/binding" in API group "resource.k8s.io" at the cluster scope');
  const current = await as('binder').updateStatus(resourceClaims, bound);
  const device = { driver: 'gpu.example.com', pool: 'n', device: 'g0', networkData: { interfaceName: 'eth1', ips: ['10.9.8.7/24'] } };
  const told = { ...current, status: { ...current.status, devices: [device] } };
  await expect(as('binder').updateStatus(resourceClaims, told)).rejects.toThrow('status.devices: Forbidden: changing status.devices requires resource="resourceclaims/driver", verb="[arbitrary-node:update]" permission');
  await expect(plugin('other').updateStatus(resourceClaims, told)).rejects.toThrow('status.devices: Forbidden');
  const known = await plugin('n').updateStatus(resourceClaims, told);
  expect(known.status?.devices).toMatchObject([device]);

  // What is lost is spoken of no more.
  const freed = await as('binder').updateStatus(resourceClaims, { ...known, status: { devices: known.status!.devices! } });
  expect(freed.status?.devices).toBeUndefined();
});

test('a taint of a device says since when it is there', async () => {
  const clock = new FakeClock();
  await using api = await startTestApiServer({ clock });
  const slice = await api.admin.create(resourceSlices, {
    metadata: { name: 's' },
    spec: { driver: 'gpu.example.com', nodeName: 'n', pool: { name: 'n', generation: 1, resourceSliceCount: 1 }, devices: [{ name: 'g0', taints: [{ key: 'broken', effect: 'NoSchedule' }, { key: 'old', effect: 'NoSchedule', timeAdded: '2020-01-01T00:00:00Z' }] }] },
  });
  const times = slice.spec.devices?.[0]?.taints?.map(({ timeAdded }) => Date.parse(timeAdded!));
  expect(times).toEqual([Math.floor(clock.now() / 1000) * 1000, Date.parse('2020-01-01T00:00:00Z')]);
  await expect(api.admin.update(resourceSlices, { ...slice, spec: { ...slice.spec, devices: [{ name: 'g0', taints: [{ key: 'broken', effect: 'Never' }], bindingConditions: ['ready'] }] } })).rejects.toThrow(/taints\[0\].effect: Unsupported value: "Never".*bindingFailureConditions are required to use bindingConditions/);
});
