import { expect, test } from 'vitest';
import type { Pod, ResourceQuota } from '../generated/core-v1.ts';
import type { KubeObject } from '../object.ts';
import { quotaMatches } from './quota-scopes.ts';
import { countsFor, missingAmounts, quotaUsage } from './quota-usage.ts';

const core = (resource: string) => ({ group: '', resource });
const usage = (resource: string, object: object, now = 0): object => quotaUsage(core(resource), object as KubeObject, now);
const pod = (spec: object, more: object = {}): Pod => ({ metadata: { name: 'p' }, spec: { containers: [{ name: 'c' }], ...spec }, ...more }) as unknown as Pod;

test('what objects use', () => {
  const busy = pod({
    containers: [{ name: 'c', resources: { requests: { cpu: '100m', memory: '1Gi', 'x.io/gpu': '2', 'hugepages-2Mi': '4Mi' }, limits: { cpu: '1' } } }],
    initContainers: [{ name: 'i', resources: { requests: { cpu: '500m' } } }],
  });
  expect(usage('pods', busy)).toEqual({
    'count/pods': '1', pods: '1', cpu: '500m', 'requests.cpu': '500m', 'limits.cpu': '1', memory: '1Gi', 'requests.memory': '1Gi',
    'requests.x.io/gpu': '2', 'hugepages-2Mi': '4Mi', 'requests.hugepages-2Mi': '4Mi',
  });
  expect(usage('pods', pod({}, { status: { phase: 'Succeeded' } }))).toEqual({ 'count/pods': '1' });
  const stuck = pod({}, { metadata: { name: 'p', deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30 } });
  expect(usage('pods', stuck, Date.parse('2026-01-01T00:00:10Z'))).toMatchObject({ pods: '1' });
  expect(usage('pods', stuck, Date.parse('2026-01-01T00:01:00Z'))).toEqual({ 'count/pods': '1' });
  expect(usage('services', { spec: { type: 'LoadBalancer', ports: [{}, {}] } })).toEqual({ 'count/services': '1', services: '1', 'services.nodeports': '2', 'services.loadbalancers': '1' });
  expect(usage('services', { spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ nodePort: 30000 }, {}] } })).toMatchObject({ 'services.nodeports': '1' });
  expect(usage('persistentvolumeclaims', { spec: { storageClassName: 'gold', resources: { requests: { storage: '5Gi' } } } })).toEqual({
    'count/persistentvolumeclaims': '1', persistentvolumeclaims: '1', 'requests.storage': '5Gi',
    'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1', 'gold.storageclass.storage.k8s.io/requests.storage': '5Gi',
  });
  const claim = {
    spec: {
      devices: {
        requests: [
          { exactly: { deviceClassName: 'gold', allocationMode: 'ExactCount', count: 2 } },
          { exactly: { deviceClassName: 'iron', allocationMode: 'All' } },
          { firstAvailable: [{ deviceClassName: 'gold', allocationMode: 'ExactCount', count: 1 }, { deviceClassName: 'gold', allocationMode: 'ExactCount', count: 3 }, { deviceClassName: 'tin', allocationMode: 'ExactCount', count: 1 }] },
        ],
      },
    },
  };
  expect(quotaUsage({ group: 'resource.k8s.io', resource: 'resourceclaims' }, claim as unknown as KubeObject, 0)).toEqual({
    'count/resourceclaims.resource.k8s.io': '1', 'gold.deviceclass.resource.k8s.io/devices': '5', 'iron.deviceclass.resource.k8s.io/devices': '32', 'tin.deviceclass.resource.k8s.io/devices': '1',
  });
  expect(quotaUsage({ group: 'apps', resource: 'deployments' }, {} as KubeObject, 0)).toEqual({ 'count/deployments.apps': '1' });
});

test('whom a quota is about', () => {
  expect(['pods', 'cpu', 'limits.memory', 'requests.x.io/gpu', 'count/pods'].every((name) => countsFor(core('pods'), name))).toBe(true);
  expect(['services', 'requests.storage', 'secrets'].some((name) => countsFor(core('pods'), name))).toBe(false);
  const scoped = (scopes: readonly string[], object: Pod): boolean => quotaMatches({ spec: { scopes } } as unknown as ResourceQuota, core('pods'), object as KubeObject, ['pods']);
  expect(scoped(['BestEffort'], pod({}))).toBe(true);
  expect(scoped(['NotBestEffort'], pod({}))).toBe(false);
  expect(scoped(['Terminating'], pod({ activeDeadlineSeconds: 5 }))).toBe(true);
  expect(scoped(['NotTerminating', 'BestEffort'], pod({ activeDeadlineSeconds: 5 }))).toBe(false);
  const byClass = (operator: string, values: readonly string[], object: Pod): boolean =>
    quotaMatches({ spec: { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator, values }] } } } as unknown as ResourceQuota, core('pods'), object as KubeObject, ['pods']);
  expect(byClass('In', ['high'], pod({ priorityClassName: 'high' }))).toBe(true);
  expect(byClass('In', ['high'], pod({}))).toBe(false);
  expect(byClass('NotIn', ['high'], pod({}))).toBe(true);
  expect(byClass('Exists', [], pod({}))).toBe(false);
  expect(countsFor({ group: 'resource.k8s.io', resource: 'resourceclaims' }, 'gold.deviceclass.resource.k8s.io/devices')).toBe(true);
  const byAttributes = (operator: string, values: readonly string[], spec: object, status?: object): boolean =>
    quotaMatches({ spec: { scopeSelector: { matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator, values }] } } } as unknown as ResourceQuota, core('persistentvolumeclaims'), { spec, status } as unknown as KubeObject, ['requests.storage']);
  expect(byAttributes('In', ['gold'], { volumeAttributesClassName: 'gold' })).toBe(true);
  expect(byAttributes('In', ['gold'], {})).toBe(false);
  expect(byAttributes('In', ['gold'], { volumeAttributesClassName: 'tin' }, { currentVolumeAttributesClassName: 'gold' })).toBe(true);
  expect(byAttributes('NotIn', ['gold'], {})).toBe(true);
});

test('what a pod must say', () => {
  const two = pod({ containers: [{ name: 'b' }, { name: 'a', resources: { requests: { cpu: '1' } } }] });
  expect(missingAmounts(two, ['pods', 'cpu', 'limits.memory'])).toBe('must specify cpu for: b; limits.memory for: a,b');
  expect(missingAmounts(two, ['pods'])).toBeUndefined();
});
