import { expect, test } from 'vitest';
import type { KubeObject } from '../object.ts';
import { kindDefinition } from './registry.ts';

const nowMs = Date.parse('2026-01-01T01:00:00Z');
const meta = { name: 'kubia', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
const template = { spec: { containers: [{ name: 'app', image: 'kubia:1' }], nodeSelector: { disk: 'ssd' } } };
const selector = { matchLabels: { app: 'kubia' } };
const started = { startTime: '2026-01-01T00:50:00Z' };
const complete = { ...started, completionTime: '2026-01-01T00:50:42Z', succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] };

test.each<[string, object, readonly unknown[]]>([
  ['apps/v1/statefulsets', { spec: { replicas: 3, selector, template }, status: { readyReplicas: 2 } }, ['2/3', '60m', 'app', 'kubia:1']],
  ['apps/v1/daemonsets', { spec: { selector, template }, status: { desiredNumberScheduled: 2, currentNumberScheduled: 2, numberReady: 1 } }, [2, 2, 1, 0, 0, 'disk=ssd', '60m', 'app', 'kubia:1', 'app=kubia']],
  ['apps/v1/controllerrevisions', { revision: 3, metadata: { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'kubia', uid: 'v', controller: true }] } }, ['statefulset.apps/kubia', 3, '60m']],
  ['batch/v1/jobs', { spec: { completions: 1, selector, template }, status: complete }, ['Complete', '1/1', '42s', '60m', 'app', 'kubia:1', 'app=kubia']],
  ['batch/v1/jobs', { spec: { parallelism: 3, selector, template }, status: { conditions: [{ type: 'Failed', status: 'True' }] } }, ['Failed', '0/1 of 3', '', '60m', 'app', 'kubia:1', 'app=kubia']],
  ['batch/v1/jobs', { spec: { completions: 2, selector, template }, status: { conditions: [{ type: 'Suspended', status: 'True' }] } }, ['Suspended', '0/2', '', '60m', 'app', 'kubia:1', 'app=kubia']],
  ['batch/v1/cronjobs', { spec: { schedule: '0 * * * *', suspend: false, jobTemplate: { spec: { template } } }, status: { active: [{}], lastScheduleTime: '2026-01-01T00:59:00Z' } }, [
    '0 * * * *', '<none>', 'False', 1, '60s', '60m', 'app', 'kubia:1', '<none>',
  ]],
  ['v1/persistentvolumeclaims', { spec: { volumeName: 'pv', storageClassName: 'fast', volumeMode: 'Filesystem' }, status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] } }, [
    'Bound', 'pv', '1Gi', 'RWO,ROX', 'fast', '<unset>', '60m', 'Filesystem',
  ]],
  ['v1/persistentvolumeclaims', { spec: { resources: { requests: { storage: '1Gi' } } }, status: { phase: 'Pending' } }, ['Pending', '', '', '', '', '<unset>', '60m', '<unset>']],
  ['v1/persistentvolumes', {
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain', claimRef: { namespace: 'default', name: 'data' }, volumeMode: 'Block' }, status: { phase: 'Bound' },
  }, ['1Gi', 'RWO', 'Retain', 'Bound', 'default/data', '', '<unset>', '', '60m', 'Block']],
  ['v1/resourcequotas', { status: { hard: { pods: '4', 'limits.cpu': '2' }, used: { pods: '1', 'limits.cpu': '500m' } } }, ['pods: 1/4', 'limits.cpu: 500m/2', '60m']],
  ['v1/configmaps', { data: { a: 'b' }, binaryData: { c: 'YQ==' } }, [2, '60m']],
  ['v1/secrets', { type: 'Opaque', data: { a: 'YQ==' } }, ['Opaque', 1, '60m']],
  ['v1/serviceaccounts', {}, ['60m']],
  ['v1/namespaces', { status: { phase: 'Active' } }, ['Active', '60m']],
  ['v1/endpoints', { subsets: [{ addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }], ports: [{ port: 80 }, { port: 81 }] }] }, ['10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 1 more...', '60m']],
  ['discovery.k8s.io/v1/endpointslices', { addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [] }, ['IPv4', '80', '<unset>', '60m']],
  ['networking.k8s.io/v1/ingresses', {
    spec: { ingressClassName: 'nginx', rules: [{ host: 'a.example' }, {}], tls: [{}] }, status: { loadBalancer: { ingress: [{ ip: '10.0.0.2' }, { ip: '10.0.0.1' }] } },
  }, ['nginx', 'a.example', '10.0.0.1,10.0.0.2', '80, 443', '60m']],
  ['networking.k8s.io/v1/networkpolicies', { spec: { podSelector: {} } }, ['<none>', '60m']],
  ['policy/v1/poddisruptionbudgets', { spec: { minAvailable: '50%' }, status: { disruptionsAllowed: 1 } }, ['50%', 'N/A', 1, '60m']],
  ['autoscaling/v2/horizontalpodautoscalers', {
    spec: { scaleTargetRef: { kind: 'Deployment', name: 'kubia' }, maxReplicas: 5, metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }] }, status: { currentReplicas: 1 },
  }, ['Deployment/kubia', 'cpu: <unknown>/50%', '<unset>', 5, 1, '60m']],
  ['scheduling.k8s.io/v1/priorityclasses', { value: 1000, preemptionPolicy: 'PreemptLowerPriority' }, [1000, false, '60m', 'PreemptLowerPriority']],
  ['storage.k8s.io/v1/storageclasses', { provisioner: 'x/y', reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }, ['x/y', 'Delete', 'Immediate', false, '60m']],
  ['coordination.k8s.io/v1/leases', { spec: { holderIdentity: 'me' } }, ['me', '60m']],
  ['rbac.authorization.k8s.io/v1/rolebindings', { roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'User', name: 'u' }, { kind: 'ServiceAccount', namespace: 'n', name: 's' }] }, ['Role/r', '60m', 'u', '', 'n/s']],
])('%s: %j', (resource, given, expected) => {
  const parts = resource.split('/');
  const [group = '', version = '', plural = ''] = parts.length === 2 ? ['', ...parts] : parts;
  const { columns } = kindDefinition(group, version, plural)!;
  const object = { ...given, metadata: { ...meta, ...(given as { readonly metadata?: object }).metadata } } as unknown as KubeObject;
  const [name, ...cells] = columns!.map((column) => column.value(object, nowMs));
  expect(name).toBe('kubia');
  expect(cells).toEqual(expected);
});
