import { describe, expect, test } from 'vitest';
import type { Affinity, PersistentVolume, Pod, PodAffinityTerm, TopologySpreadConstraint } from '../../api/generated/core-v1.ts';
import type { CSINode } from '../../api/generated/storage-v1.ts';
import { fitMessage } from '../fit-error.ts';
import { describeCluster, nodeObject, podObject, type ClusterDescription } from '../scheduling-fixture.ts';
import { podTopologySpread } from './pod-topology-spread.ts';

/** Where the pod goes, or upstream's message why it goes nowhere. */
function ask(description: ClusterDescription, pod: Pod): string {
  const result = describeCluster(description).run(pod);
  return result.fits ? result.node.name : fitMessage(result.diagnosis);
}
/** One plugin's share in the score of each node. */
function scores(description: ClusterDescription, pod: Pod, plugin: string): Record<string, number | undefined> {
  const result = describeCluster(description).run(pod);
  return result.fits ? Object.fromEntries(result.scores.map(({ node, byPlugin }) => [node, byPlugin[plugin]])) : {};
}
const oneNode = (options: Parameters<typeof nodeObject>[1]): ClusterDescription => ({ nodes: [nodeObject('n', options)] });
const refused = (reason: string): string => `0/1 nodes are available: 1 ${reason}.`;

describe('what a node must be like', () => {
  const taint = { key: 'dedicated', value: 'db', effect: 'NoSchedule' };
  const zoneIn = (...values: string[]): Affinity => ({
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values }] }] } },
  });
  test.each<[string, Parameters<typeof nodeObject>[1], Partial<Pod['spec']>, string]>([
    ['a plain pod on a plain node', {}, {}, 'n'],
    ['a cordoned node', { spec: { unschedulable: true } }, {}, refused('node(s) were unschedulable')],
    ['a cordoned node that is tolerated', { spec: { unschedulable: true } }, { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] }, 'n'],
    ['a taint', { spec: { taints: [taint] } }, {}, refused('node(s) had untolerated taint(s)')],
    ['a taint tolerated by value', { spec: { taints: [taint] } }, { tolerations: [{ key: 'dedicated', value: 'db' }] }, 'n'],
    ['a taint tolerated with another effect', { spec: { taints: [taint] } }, { tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }] }, refused('node(s) had untolerated taint(s)')],
    ['everything tolerated', { spec: { taints: [taint, { ...taint, effect: 'NoExecute' }] } }, { tolerations: [{ operator: 'Exists' }] }, 'n'],
    ['a taint that would rather not', { spec: { taints: [{ ...taint, effect: 'PreferNoSchedule' }] } }, {}, 'n'],
    ['a node selector', { labels: { disk: 'ssd' } }, { nodeSelector: { disk: 'hdd' } }, refused("node(s) didn't match Pod's node affinity/selector")],
    ['a node selector that matches', { labels: { disk: 'ssd' } }, { nodeSelector: { disk: 'ssd' } }, 'n'],
    ['a node affinity', { labels: { zone: 'c' } }, { affinity: zoneIn('a', 'b') }, refused("node(s) didn't match Pod's node affinity/selector")],
    ['a node affinity that matches', { labels: { zone: 'b' } }, { affinity: zoneIn('a', 'b') }, 'n'],
  ])('%s', (_, node, spec, expected) => expect(ask(oneNode(node), podObject('p', { spec }))).toBe(expected));

  test('what not every kubelet can do must be declared', () => {
    const able = { ...nodeObject('able'), status: { ...nodeObject('able').status, declaredFeatures: ['RestartAllContainersOnContainerExits'] } };
    const restartsAll = podObject('p', { spec: { containers: [{ name: 'main', image: 'i', restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }] }] } });
    expect(ask({ nodes: [nodeObject('old'), able] }, restartsAll)).toBe('able');
    expect(ask({ nodes: [nodeObject('old')] }, restartsAll)).toBe(refused("node(s) didn't match Pod's required features"));
    const hint = describeCluster({ nodes: [] }).plugins.find(({ plugin }) => plugin.name === 'NodeDeclaredFeatures')!.plugin.hints!.Node!;
    expect(hint(restartsAll, { resource: 'Node', action: 'update', previous: nodeObject('able'), object: able })).toBe(true);
    expect(hint(restartsAll, { resource: 'Node', action: 'update', previous: able, object: able })).toBe(false);
  });

  test('an affinity that names its node asks no other', () => {
    const toNode = (name: string): Affinity => ({
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }] } },
    });
    const nodes = ['a', 'b', 'c'].map((name) => nodeObject(name, { spec: { unschedulable: name === 'c' } }));
    expect(ask({ nodes }, podObject('p', { spec: { affinity: toNode('b') } }))).toBe('b');
    expect(ask({ nodes }, podObject('p', { spec: { affinity: toNode('c') } })))
      .toBe("0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].");
  });

  test.each([
    ['Gt', ['5'], '7', true], ['Gt', ['7'], '7', false], ['Lt', ['9'], '7', true], ['NotIn', ['7'], '7', false], ['NotIn', ['7'], undefined, true], ['Exists', [], undefined, false], ['DoesNotExist', [], undefined, true],
  ])('operator %s %j on %s', (operator, values, label, expected) => {
    const affinity: Affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator, values }] }] } } };
    expect(ask(oneNode({ labels: label === undefined ? {} : { k: label } }), podObject('p', { spec: { affinity } })) === 'n').toBe(expected);
  });
});

describe('what must be free', () => {
  const busy: ClusterDescription = { nodes: [nodeObject('n', { allocatable: { 'example.com/gpu': '2' } })], pods: { n: [podObject('old', { requests: { cpu: '3', memory: '6Gi', 'example.com/gpu': '1' } })] } };
  test.each<[Record<string, string>, string]>([
    [{ cpu: '1', memory: '2Gi', 'example.com/gpu': '1' }, 'n'],
    [{ cpu: '1001m' }, refused('Insufficient cpu')],
    [{ cpu: '2', memory: '3Gi' }, '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.'],
    [{ 'example.com/gpu': '2' }, refused('Insufficient example.com/gpu')],
    [{ 'example.com/other': '1' }, refused('Insufficient example.com/other')],
    [{ 'ephemeral-storage': '1Gi' }, refused('Insufficient ephemeral-storage')],
  ])('requests %j', (requests, expected) => expect(ask(busy, podObject('p', { requests }))).toBe(expected));

  test('the largest moment of initialization counts, and sidecars all along', () => {
    const container = (cpu: string, restartPolicy?: string) => ({ name: cpu, image: 'i', resources: { requests: { cpu } }, ...(restartPolicy && { restartPolicy }) });
    const with2 = (...initContainers: ReturnType<typeof container>[]) => podObject('p', { requests: { cpu: '2' }, spec: { initContainers } });
    expect(ask(oneNode({}), with2(container('4')))).toBe('n');
    expect(ask(oneNode({}), with2(container('4001m')))).toBe(refused('Insufficient cpu'));
    expect(ask(oneNode({}), with2(container('2', 'Always')))).toBe('n');
    expect(ask(oneNode({}), with2(container('2001m', 'Always')))).toBe(refused('Insufficient cpu'));
    expect(ask(oneNode({}), with2(container('1', 'Always'), container('3')))).toBe('n');
    expect(ask(oneNode({}), with2(container('1', 'Always'), container('3100m')))).toBe(refused('Insufficient cpu'));
  });

  test('no more pods than the node takes', () => {
    const full = { nodes: [nodeObject('n', { allocatable: { pods: '1' } })], pods: { n: [podObject('old')] } };
    expect(ask(full, podObject('p'))).toBe(refused('Too many pods'));
  });

  test.each([
    [{ hostPort: 80 }, { hostPort: 80 }, false], [{ hostPort: 80, protocol: 'UDP' }, { hostPort: 80 }, true], [{ hostPort: 80, hostIP: '127.0.0.1' }, { hostPort: 80, hostIP: '127.0.0.2' }, true],
    [{ hostPort: 80, hostIP: '127.0.0.1' }, { hostPort: 80 }, false],
  ])('host port %j beside %j', (wanted, taken, fits) => {
    const using = (name: string, port: object) => podObject(name, { spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, ...port }] }] } });
    expect(ask({ nodes: [nodeObject('n')], pods: { n: [using('old', taken)] } }, using('p', wanted))).toBe(fits ? 'n' : refused("node(s) didn't have free ports for the requested pod ports"));
  });
});

describe('pods near and far', () => {
  const zoned = (pods: ClusterDescription['pods']): ClusterDescription => ({ nodes: ['a', 'b', 'c'].map((zone) => nodeObject(zone, { labels: { zone } })), pods: pods! });
  const term = (app: string, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({ topologyKey: 'zone', labelSelector: { matchLabels: { app } }, ...more });
  const near = (...terms: PodAffinityTerm[]): Affinity => ({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } });
  const far = (...terms: PodAffinityTerm[]): Affinity => ({ podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } });
  const web = podObject('w', { labels: { app: 'web' } });

  test('goes to its company, and nowhere without it', () => {
    const pod = podObject('p', { spec: { affinity: near(term('web')) } });
    expect(ask(zoned({ b: [web] }), pod)).toBe('b');
    expect(ask(zoned({}), pod)).toBe("0/3 nodes are available: 3 node(s) didn't match pod affinity rules.");
  });
  test('the first of a series that wants its like is let in', () => {
    expect(ask(zoned({}), podObject('p', { labels: { app: 'web' }, spec: { affinity: near(term('web')) } }))).toMatch(/^[abc]$/);
  });
  test('keeps away, and is kept away', () => {
    expect(ask(zoned({ a: [web], b: [podObject('w2', { labels: { app: 'web' } })] }), podObject('p', { spec: { affinity: far(term('web')) } }))).toBe('c');
    const guarded = podObject('g', { spec: { affinity: far(term('intruder')) } });
    expect(ask({ ...zoned({ a: [guarded] }), nodes: [nodeObject('a', { labels: { zone: 'a' } })] }, podObject('p', { labels: { app: 'intruder' } })))
      .toBe(refused("node(s) didn't satisfy existing pods anti-affinity rules"));
    expect(ask({ ...zoned({ a: [web] }), nodes: [nodeObject('a', { labels: { zone: 'a' } })] }, podObject('p', { spec: { affinity: far(term('web')) } })))
      .toBe(refused("node(s) didn't match pod anti-affinity rules"));
  });
  test('namespaces count: its own, those listed, those selected', () => {
    const elsewhere = podObject('w', { namespace: 'other', labels: { app: 'web' } });
    const cluster = { ...zoned({ b: [elsewhere] }), namespaces: [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other', uid: 'o', resourceVersion: '1', creationTimestamp: '', labels: { team: 'x' } }, spec: {} }] };
    const wants = (more: Partial<PodAffinityTerm>) => ask(cluster, podObject('p', { spec: { affinity: near(term('web', more)) } }));
    expect(wants({})).toContain("didn't match pod affinity rules");
    expect(wants({ namespaces: ['other'] })).toBe('b');
    expect(wants({ namespaceSelector: { matchLabels: { team: 'x' } } })).toBe('b');
    expect(wants({ namespaceSelector: { matchLabels: { team: 'y' } } })).toContain("didn't match pod affinity rules");
    expect(wants({ namespaceSelector: {} })).toBe('b');
  });
  test('preferences move the score both ways', () => {
    const prefers = (kind: 'podAffinity' | 'podAntiAffinity') => podObject('p', { spec: { affinity: { [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm: term('web') }] } } } });
    expect(scores(zoned({ b: [web] }), prefers('podAffinity'), 'InterPodAffinity')).toEqual({ a: 0, b: 200, c: 0 });
    expect(scores(zoned({ b: [web] }), prefers('podAntiAffinity'), 'InterPodAffinity')).toEqual({ a: 200, b: 0, c: 200 });
  });
});

describe('spreading', () => {
  const labels = { app: 'web' };
  const like = (name: string) => podObject(name, { labels });
  const spread = (more: Partial<TopologySpreadConstraint> = {}): Pod =>
    podObject('p', { labels, spec: { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: labels }, ...more }] } });
  const nodes = [nodeObject('a', { labels: { zone: 'a' } }), nodeObject('b', { labels: { zone: 'b' } }), nodeObject('c')];

  test('the emptier domain, and no node without the label', () => {
    expect(ask({ nodes, pods: { a: [like('1')] } }, spread())).toBe('b');
    expect(ask({ nodes: [nodes[2]!] }, spread())).toBe(refused("node(s) didn't match pod topology spread constraints (missing required label)"));
  });
  test('a full domain is refused while another cannot be used', () => {
    const blocked = nodeObject('b', { labels: { zone: 'b' }, spec: { taints: [{ key: 'x', effect: 'NoSchedule' }] } });
    const cluster = { nodes: [nodes[0]!, blocked], pods: { a: [like('1')] } };
    expect(ask(cluster, spread())).toBe("0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) had untolerated taint(s).");
    expect(ask(cluster, spread({ nodeTaintsPolicy: 'Honor' }))).toBe('a');
  });
  test('too few domains count as if there were an empty one', () => {
    expect(ask({ nodes: nodes.slice(0, 2), pods: { a: [like('1')], b: [like('2')] } }, spread({ minDomains: 3 })))
      .toBe("0/2 nodes are available: 2 node(s) didn't match pod topology spread constraints.");
  });
  test('pods of another namespace, and those on their way out, do not count', () => {
    const leaving = podObject('1', { labels, metadata: { deletionTimestamp: 'now' } });
    const foreign = podObject('2', { namespace: 'other', labels });
    expect(ask({ nodes: nodes.slice(0, 2), pods: { a: [leaving, foreign] }, random: () => 0 }, spread({ maxSkew: 1 }))).toMatch(/^[ab]$/);
    expect(scores({ nodes: nodes.slice(0, 2), pods: { a: [leaving, foreign], b: [like('3')] } }, spread({ whenUnsatisfiable: 'ScheduleAnyway' }), 'PodTopologySpread')).toEqual({ a: 200, b: 0 });
  });
  test('matchLabelKeys tell revisions apart', () => {
    const revised = (name: string, revision: string) => podObject(name, { labels: { ...labels, revision } });
    const pod = spread({ matchLabelKeys: ['revision'] });
    const next = { ...pod, metadata: { ...pod.metadata, labels: { ...labels, revision: '2' } } };
    expect(ask({ nodes: nodes.slice(0, 2), pods: { a: [revised('1', '1')], b: [revised('2', '2')] } }, next)).toBe('a');
  });
  test('a service binds its pods together where they say nothing themselves', () => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'default', uid: 's', resourceVersion: '1', creationTimestamp: '' }, spec: { selector: labels } };
    // By host, of three: 2, 1 and 0 pods, each times ln 5, plus maxSkew 3 less 1: 5, 4 and 2. There are no zones.
    expect(scores({ nodes, pods: { a: [like('1'), like('2')], b: [like('3')] }, services: [service] }, like('p'), 'PodTopologySpread')).toEqual({ c: 200, b: 120, a: 80 });
    expect(scores({ nodes, pods: { a: [like('1')] } }, like('p'), 'PodTopologySpread')).toEqual({ a: undefined, b: undefined, c: undefined });
    // Where the defaults forbid, what changes the balance wakes those that they kept out.
    const { AssignedPod: onPod, Node: onNode } = podTopologySpread(describeCluster({ nodes, services: [service] }).context, [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }]).hints!;
    expect([like('gone'), podObject('other')].map((object) => onPod!(like('p'), { resource: 'AssignedPod', action: 'delete', object }))).toEqual([true, false]);
    expect([nodeObject('new', { labels: { zone: 'd' } }), nodeObject('new')].map((object) => onNode!(like('p'), { resource: 'Node', action: 'add', object }))).toEqual([true, false]);
  });
});

describe('what is preferred', () => {
  test('nodes with much free, used evenly', () => {
    const nodes = [nodeObject('empty'), nodeObject('busy')];
    const cluster = { nodes, pods: { busy: [podObject('old', { requests: { cpu: '2', memory: '1Gi' } })] } };
    const pod = podObject('p', { requests: { cpu: '1', memory: '2Gi' } });
    // (75 + 75) / 2, and (25 + 62) / 2.
    expect(scores(cluster, pod, 'NodeResourcesFit')).toEqual({ empty: 75, busy: 43 });
    // 100 → 100, and 81 → 81.
    expect(scores(cluster, pod, 'NodeResourcesBalancedAllocation')).toEqual({ empty: 75, busy: 75 });
  });
  test('nodes that have the image, if it is large', () => {
    const have = (size: number) => ({ nodes: [nodeObject('with', { images: [{ names: ['big:latest'], sizeBytes: size }] }), nodeObject('without')] });
    const pod = podObject('p', { spec: { containers: [{ name: 'c', image: 'big' }] } });
    // One node of two has it: half of the size counts, between 23 and 1000 MiB.
    expect(scores(have(1023 * 2 ** 20), pod, 'ImageLocality')).toEqual({ with: 50, without: 0 });
    expect(scores(have(20 * 2 ** 20), pod, 'ImageLocality')).toEqual({ with: 0, without: 0 });
  });
  test('nodes that the pod prefers, and those without unfriendly taints', () => {
    const nodes = [nodeObject('a', { labels: { disk: 'ssd' } }), nodeObject('b', { spec: { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] } })];
    const affinity: Affinity = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 7, preference: { matchExpressions: [{ key: 'disk', operator: 'Exists' }] } }] } };
    expect(scores({ nodes }, podObject('p', { spec: { affinity } }), 'NodeAffinity')).toEqual({ a: 200, b: 0 });
    expect(scores({ nodes }, podObject('p'), 'TaintToleration')).toEqual({ a: 300, b: 0 });
  });
  test('among equals chance decides', () => {
    const nodes = ['a', 'b', 'c', 'd'].map((name) => nodeObject(name));
    expect([0, 0.3, 0.6, 0.9].map((luck) => ask({ nodes, random: () => luck }, podObject('p')))).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('volumes', () => {
  const meta = (name: string) => ({ name, uid: name, resourceVersion: '1', creationTimestamp: '' });
  const claim = (spec: object, annotations = {}, status = {}) => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { ...meta('data'), namespace: 'default', annotations }, spec: { resources: { requests: { storage: '5Gi' } }, accessModes: ['ReadWriteOnce'], ...spec }, status });
  const volume = (name: string, host: string | undefined, storage = '10Gi', phase = 'Available') => ({
    apiVersion: 'v1', kind: 'PersistentVolume', metadata: meta(name), status: { phase },
    spec: { capacity: { storage }, accessModes: ['ReadWriteOnce'], storageClassName: 'local', ...(host && { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [host] }] }] } } }) },
  });
  const lazy = (provisioner: string) => ({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: meta('local'), provisioner, volumeBindingMode: 'WaitForFirstConsumer' });
  const pod = podObject('p', { spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] } });
  const nodes = [nodeObject('a'), nodeObject('b')];
  const bound = { 'pv.kubernetes.io/bind-completed': 'yes' };
  test.each<[string, Partial<ClusterDescription>, string]>([
    ['no claim', {}, '0/2 nodes are available: persistentvolumeclaim "data" not found.'],
    ['a claim that the controller will bind', { claims: [claim({ storageClassName: 'now' })] }, '0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.'],
    ['a bound volume on one node', { claims: [claim({ volumeName: 'pv' }, bound)], volumes: [volume('pv', 'b', '10Gi', 'Bound')] }, 'b'],
    ['a bound volume that is not there', { claims: [claim({ volumeName: 'pv' }, bound)] }, '0/2 nodes are available: persistentvolume "pv" not found.'],
    ['a free volume on one node', { claims: [claim({ storageClassName: 'local' })], volumes: [volume('pv', 'b')], classes: [lazy('kubernetes.io/no-provisioner')] }, 'b'],
    ['a free volume that is too small', { claims: [claim({ storageClassName: 'local' })], volumes: [volume('pv', 'b', '1Gi')], classes: [lazy('kubernetes.io/no-provisioner')] }, "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind."],
    ['a class that makes volumes', { claims: [claim({ storageClassName: 'local' })], classes: [lazy('example.com/local')] }, 'a'],
    ['a volume being made for a node', { claims: [claim({ storageClassName: 'local' }, { 'volume.kubernetes.io/selected-node': 'b' })], classes: [lazy('example.com/local')] }, 'b'],
  ])('%s', (_, cluster, expected) => expect(ask({ nodes, ...cluster }, pod)).toBe(expected));


  test.each<[Record<string, string>, string]>([
    [{ 'topology.kubernetes.io/zone': 'west' }, 'b'],
    [{ 'failure-domain.beta.kubernetes.io/zone': 'north__west' }, 'b'],
    [{ 'topology.kubernetes.io/zone': 'south' }, '0/2 nodes are available: 2 node(s) had no available volume zone.'],
  ])('a volume labelled %j', (labels, expected) => {
    const zoned = [nodeObject('a', { labels: { 'topology.kubernetes.io/zone': 'east' } }), nodeObject('b', { labels: { 'topology.kubernetes.io/zone': 'west' } })];
    const { metadata, ...rest } = volume('pv', undefined, '10Gi', 'Bound');
    expect(ask({ nodes: zoned, claims: [claim({ volumeName: 'pv' }, bound)], volumes: [{ ...rest, metadata: { ...metadata, labels } }] }, pod)).toBe(expected);
  });

  test('no more volumes of a driver than the node takes, each counted once', () => {
    const csi = (name: string): PersistentVolume => ({ ...volume(name, undefined, '10Gi', 'Bound'), spec: { ...volume(name, undefined, '10Gi', 'Bound').spec, csi: { driver: 'disk.example', volumeHandle: name } } });
    const csiNode = (name: string, count: number): CSINode => ({ apiVersion: 'v1', kind: 'CSINode', metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '' }, spec: { drivers: [{ name: 'disk.example', nodeID: name, allocatable: { count } }] } });
    const other = podObject('other', { spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'theirs' } }] } });
    const theirs = { ...claim({ volumeName: 'pv2' }, bound), metadata: { ...claim({}, bound).metadata, name: 'theirs' } };
    const of = (used: Pod, count: number): string => ask({ nodes: [nodeObject('a')], claims: [claim({ volumeName: 'pv1' }, bound), theirs], volumes: [csi('pv1'), csi('pv2')], csiNodes: [csiNode('a', count)], pods: { a: [used] } }, pod);
    expect(of(other, 2)).toBe('a');
    expect(of(other, 1)).toBe('0/1 nodes are available: 1 node(s) exceed max volume count.');
    expect(of({ ...pod, metadata: { ...pod.metadata, name: 'same-volume' } }, 1)).toBe('a');
  });

  test.each<[boolean, string]>([[true, 'n'], [false, '0/1 nodes are available: 1 node(s) had no available disk.']])('a disk that another pod has, both reading only: %s', (readOnly, expected) => {
    const withDisk = (name: string): Pod => podObject(name, { spec: { volumes: [{ name: 'v', gcePersistentDisk: { pdName: 'disk', readOnly } }] } });
    expect(ask({ nodes: [nodeObject('n')], pods: { n: [withDisk('old')] } }, withDisk('new'))).toBe(expected);
  });

  test('a claim for one pod has one pod', () => {
    const cluster = { nodes, claims: [claim({ volumeName: 'pv', accessModes: ['ReadWriteOncePod'] }, bound)], volumes: [volume('pv', 'a')], pods: { a: [{ ...pod, metadata: { ...pod.metadata, name: 'other' } }] } };
    expect(ask(cluster, pod)).toBe('0/2 nodes are available: 2 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod.');
  });
});

test('a pod with a resource claim goes where the devices are, and waits while there are none', () => {
  const pod = podObject('p', { spec: { resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] } });
  const claim = (status: object) => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name: 'gpu', namespace: 'default', uid: 'c', resourceVersion: '1', creationTimestamp: '' }, spec: {}, status });
  const onB = { allocation: { nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }] } } };
  const nodes = [nodeObject('a'), nodeObject('b')];
  expect(ask({ nodes }, pod)).toBe('0/2 nodes are available: resourceclaim "gpu" not found.');
  expect(ask({ nodes, resourceClaims: [claim({})] }, pod)).toBe('0/2 nodes are available: 2 cannot allocate all claims.');
  expect(ask({ nodes, resourceClaims: [claim(onB)] }, pod)).toBe('b');
});
