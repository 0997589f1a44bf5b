import { describe, expect, test } from 'vitest';
import type { Node, Pod } from '../api/generated/core-v1.ts';
import { diagnose } from './diagnose.ts';
import { endWords } from './diagnoses/crash-loop.ts';
import { missingCommand, missingObject } from './diagnoses/container-config.ts';
import { placeOf } from './diagnoses/image-pull.ts';
import type { Finding, Situation } from './finding.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');

const deep = (value: unknown): any => value;
const meta = (name: string, more: object = {}) => ({ name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', creationTimestamp: '2026-01-01T11:50:00Z', ...more });
const pod = (name: string, spec: object = {}, status: object = {}, more: object = {}): Pod =>
  deep({ apiVersion: 'v1', kind: 'Pod', metadata: meta(name, more), spec: { containers: [{ name: 'main', image: 'web:1' }], ...spec }, status: { phase: 'Pending', ...status } });
const node = (name: string, allocatable: object = {}, spec: object = {}, labels: object = {}, ready = 'True'): Node => deep({
  apiVersion: 'v1', kind: 'Node', metadata: { ...meta(name), namespace: undefined, labels }, spec,
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...allocatable }, conditions: [{ type: 'Ready', status: ready, lastTransitionTime: '2026-01-01T11:58:00Z' }] },
});
const situation = (given: Partial<Situation>): Situation => ({
  nowMs: NOW, focus: given.pods?.[0] ?? given.service ?? given.claims?.[0] ?? deep({}), pods: [], replicaSets: [], slices: [], claims: [], storageClasses: [], nodes: [], placed: [], neighbours: [], events: [], logs: new Map(), wherry: true, ...given,
});
const unscheduled = { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available.' }] };
const asking = (requests: object, more: object = {}) => ({ containers: [{ name: 'main', resources: { requests } }], ...more });
const waiting = (reason: string, message: string, more: object = {}) => ({ containerStatuses: [{ name: 'main', image: 'web:1', restartCount: 0, ready: false, state: { waiting: { reason, message } }, ...more }] });
const event = (about: string, reason: string, message: string, more: object = {}) => deep({ involvedObject: { uid: `uid-${about}` }, reason, message, type: 'Warning', ...more });

interface Row {
  readonly what: string;
  readonly given: Partial<Situation>;
  readonly waitsFor: string | RegExp;
  readonly because: readonly (string | RegExp)[];
  readonly help?: readonly (string | RegExp)[];
}

function check(findings: readonly Finding[], { waitsFor, because, help }: Row): void {
  expect(findings).toHaveLength(1);
  const [found] = findings;
  expect(found!.waitsFor).toMatch(waitsFor);
  expect(found!.because).toHaveLength(because.length);
  because.forEach((text, i) => expect(found!.because[i]).toMatch(text));
  help?.forEach((text) => expect(found!.help.join('\n')).toMatch(text));
}

const rows: Readonly<Record<string, readonly Row[]>> = {
  unschedulable: [
    {
      what: 'too little memory', given: { pods: [pod('a', asking({ memory: '6Gi' }), unscheduled)], nodes: [node('n1'), node('n2')], placed: [pod('b', asking({ memory: '3Gi' }, { nodeName: 'n1' })), pod('c', asking({ memory: '4Gi' }, { nodeName: 'n2' }))] },
      waitsFor: /^a node with 6 GiB of memory free, for the pod a$/, because: ['n1: has 5 GiB of memory free; the pod asks for 6 GiB: 1 GiB too little', 'n2: has 4 GiB of memory free; the pod asks for 6 GiB: 2 GiB too little'], help: ['Ask for less', 'wherry node add'],
    },
    {
      what: 'more than a node has at all: another node of that sort would not help', given: { pods: [pod('a', asking({ cpu: '6500m' }), unscheduled)], nodes: [node('n1')] },
      waitsFor: 'a node with 6.5 CPUs free', because: ['n1: has 4 CPUs of its processors free, and 4 CPUs even when empty; the pod asks for 6.5 CPUs: 2.5 CPUs too little'], help: [/^(?!.*node add)/s],
    },
    { what: 'what ended takes no room', given: { pods: [pod('a', asking({ cpu: '3' }), unscheduled)], nodes: [node('n1', { pods: '1' })], placed: [pod('b', asking({ cpu: '3' }, { nodeName: 'n1' }), { phase: 'Succeeded' })] }, waitsFor: 'a node that takes it', because: ['0/1 nodes are available.'] },
    { what: 'a full node', given: { pods: [pod('a', {}, unscheduled)], nodes: [node('n1', { pods: '1' })], placed: [pod('b', { nodeName: 'n1' }, { phase: 'Running' })] }, waitsFor: 'a node that takes it', because: ['n1: is full: it has 1 pods, and takes no more'] },
    { what: 'a cordoned node', given: { pods: [pod('a', {}, unscheduled)], nodes: [node('n1', {}, { unschedulable: true })] }, waitsFor: 'a node that takes it, for the pod a', because: ['n1: takes no new pods (it is cordoned)'], help: ['kubectl uncordon n1'] },
    { what: 'a taint', given: { pods: [pod('a', {}, unscheduled)], nodes: [node('n1', {}, { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] })] }, waitsFor: 'a node that takes it', because: ['n1: takes only pods that tolerate its taint gpu=yes:NoSchedule'] },
    { what: 'a selector', given: { pods: [pod('a', { nodeSelector: { disk: 'ssd' } }, unscheduled)], nodes: [node('n1', {}, {}, { disk: 'hdd' })] }, waitsFor: 'a node that takes it', because: ['n1: has not the label disk=ssd that the pod asks for'] },
    { what: 'alike pods are told of once', given: { pods: ['a', 'b', 'c', 'd', 'e'].map((name) => pod(name, asking({ cpu: '5' }), unscheduled)), nodes: [node('n1')] }, waitsFor: 'for the pods a, b, c and 2 more', because: [/5 CPUs: 1 CPU too little/] },
    { what: 'no nodes', given: { pods: [pod('a', {}, unscheduled)] }, waitsFor: 'a node for the pod a', because: ['The cluster has no nodes.'] },
    { what: 'a scheduling gate', given: { pods: [pod('a', { schedulingGates: [{ name: 'example.com/wait' }] }, { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] })], nodes: [node('n1')] }, waitsFor: 'the scheduling gates of the pod a to be taken away', because: [/wants the pod not to be placed yet/] },
    { what: 'a scheduler that nobody runs', given: { pods: [pod('a', { schedulerName: 'mine' })], nodes: [node('n1')] }, waitsFor: 'the scheduler "mine"', because: [/by name/] },
  ],
  images: [
    {
      what: 'not found', given: { pods: [pod('a', { nodeName: 'n1' }, waiting('ImagePullBackOff', 'Back-off pulling image "web:1": ErrImagePull: rpc error: code = NotFound desc = docker.io/library/web:1: not found'))] },
      waitsFor: /^the image web:1, for the pod a$/, because: ['It was looked for at the registry docker.io, as library/web, tag 1.', /^The answer was: docker\.io\/library\/web:1: not found$/], help: ['docker.io has no such image', 'wherry image load'],
    },
    { what: 'denied', given: { pods: [pod('a', { nodeName: 'n1' }, waiting('ErrImagePull', 'pull access denied, repository does not exist or may require authorization'))] }, waitsFor: 'the image web:1', because: [/looked for/, /denied/], help: ['imagePullSecrets', 'slip in the name'] },
    { what: 'no network', given: { pods: [pod('a', { nodeName: 'n1' }, waiting('ErrImagePull', 'dial tcp: lookup registry-1.docker.io: no such host'))] }, waitsFor: 'the image web:1', because: [/looked for/, /no such host/], help: ['cannot reach docker.io', '--registry-mirror'] },
    { what: 'elsewhere our commands are no help', given: { wherry: false, pods: [pod('a', { nodeName: 'n1' }, waiting('ErrImageNeverPull', ''))] }, waitsFor: 'the image web:1', because: [/never to pull/], help: [/^$/] },
  ],
  containers: [
    {
      what: 'crash loop with its last lines', given: {
        pods: [pod('a', { nodeName: 'n1' }, waiting('CrashLoopBackOff', 'back-off 40s restarting failed container=main', { restartCount: 3, lastState: { terminated: { exitCode: 1, reason: 'Error', finishedAt: '2026-01-01T11:59:30Z' } } }))],
        logs: new Map([['a/main', ['starting', 'no database']]]),
      },
      waitsFor: 'the next start of the container main, in the pod a', because: ['It has been started 4 times, and ended each time. After each end the node waits longer; now 40s.', 'The last time it ended 30s ago, with a fault of its own', 'Its last lines:', '│ starting', '│ no database'], help: ['kubectl logs a -c main --previous'],
    },
    { what: 'a missing config map', given: { pods: [pod('a', { nodeName: 'n1' }, waiting('CreateContainerConfigError', 'configmap "settings" not found'))] }, waitsFor: 'the config map settings, for the pod a', because: ['configmap "settings" not found'], help: ['kubectl create configmap settings'] },
    {
      what: 'a command that the image has not, though a later fault hides it', given: {
        pods: [pod('a', { nodeName: 'n1' }, waiting('CreateContainerError', 'failed to reserve container name'))], events: [event('a', 'Failed', 'Error: OCI runtime create failed: executable file `/nothing` not found in $PATH')],
      },
      waitsFor: 'a command that the image has, for the container main in the pod a', because: ['The image web:1 has no program /nothing.'],
    },
    { what: 'a missing secret for a volume', given: { pods: [pod('a', { nodeName: 'n1' })], events: [event('a', 'FailedMount', 'MountVolume.SetUp failed for volume "keys" : secret "keys" not found')] }, waitsFor: 'the secret keys, for the pod a', because: [/FailedMount|MountVolume/] },
    {
      what: 'not ready', given: {
        pods: [pod('a', { nodeName: 'n1', containers: [{ name: 'main', readinessProbe: { httpGet: { path: '/ready', port: 8080 }, periodSeconds: 5 } }] }, { phase: 'Running', containerStatuses: [{ name: 'main', ready: false, started: true, state: { running: {} } }] })],
        events: [event('a', 'Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 503', { count: 7 })],
      },
      waitsFor: 'the container main to say that it is ready, in the pod a', because: ['Every 5 s it is asked by HTTP at port 8080, path /ready; until it answers well it gets no traffic.', /503 \(7 times\)/], help: ['kubectl logs a -c main'],
    },
    { what: 'a dead node', given: { pods: [pod('a', { nodeName: 'n1' }, { phase: 'Running' })], nodes: [node('n1', {}, {}, {}, 'Unknown')] }, waitsFor: 'the node n1 to be ready, for the pod a', because: ['It has given no sign of life for 2m or more.'], help: ['wherry start'] },
    { what: 'a finalizer', given: { pods: [pod('a', { nodeName: 'n1' }, { phase: 'Running' }, { deletionTimestamp: '2026-01-01T11:59:00Z', finalizers: ['example.com/wait'] })] }, waitsFor: 'what has to be done before the pod a goes: example.com/wait', because: [/finalizers/] },
  ],
  services: [
    {
      what: 'a selector with a slip', given: { service: deep({ kind: 'Service', metadata: meta('web'), spec: { selector: { app: 'kubai' } } }), neighbours: [pod('other', {}, {}, { labels: { app: 'zebra' } }), pod('near', {}, {}, { labels: { app: 'kubia' } })] },
      waitsFor: 'a pod with the labels app=kubai, for the service web', because: [/nowhere/, 'The nearest is the pod near, with app=kubia.'], help: ['kubectl set selector service web'],
    },
    {
      what: 'pods that are not ready', given: { service: deep({ kind: 'Service', metadata: meta('web'), spec: { selector: { app: 'web' } } }), neighbours: [pod('a', {}, {}, { labels: { app: 'web' } })], slices: [deep({ endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: false } }] })] },
      waitsFor: 'a ready pod behind the service web', because: ['1 of the 1 pods with its labels is not ready: the pod a. Only ready pods get traffic.'], help: ['wherry why pod/a'],
    },
    { what: 'no selector', given: { service: deep({ kind: 'Service', metadata: meta('web'), spec: {} }) }, waitsFor: 'endpoints for the service web', because: [/no selector/] },
    {
      what: 'a pending load balancer', given: { service: deep({ kind: 'Service', metadata: meta('web'), spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80, nodePort: 30_838 }] } }), slices: [deep({ endpoints: [{ addresses: ['10.0.0.1'] }] })] },
      waitsFor: /^an external address for the service web \(EXTERNAL-IP is <pending>\)$/, because: [/infrastructure/], help: ['wherry tunnel', 'wherry addons enable load-balancer', 'port 30838 of every node'],
    },
  ],
  claims: [
    { what: 'no such class', given: { claims: [deep({ kind: 'PersistentVolumeClaim', metadata: meta('data'), spec: { storageClassName: 'fast', resources: { requests: { storage: '1Gi' } } }, status: { phase: 'Pending' } })], storageClasses: [deep({ metadata: { name: 'standard' } })] }, waitsFor: 'a volume of 1Gi, for the claim data', because: [/"fast", and there is none/, 'There are: standard.'] },
    { what: 'nobody uses it', given: { claims: [deep({ kind: 'PersistentVolumeClaim', metadata: meta('data'), spec: { storageClassName: 'standard' }, status: { phase: 'Pending' } })], storageClasses: [deep({ metadata: { name: 'standard' }, volumeBindingMode: 'WaitForFirstConsumer' })] }, waitsFor: 'a pod that uses the claim data', because: [/where they are used/], help: ['Nothing is wrong'] },
  ],
  workloads: [
    {
      what: 'a quota', given: {
        focus: deep({ kind: 'Deployment', metadata: meta('web'), spec: { replicas: 2 } }),
        replicaSets: [deep({ kind: 'ReplicaSet', metadata: meta('web-1'), spec: { replicas: 2 }, status: { conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'pods "web-1-x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1' }] } })],
      },
      waitsFor: 'room in the quota small, for the pods of the replica set web-1', because: ['A pod would take pods=1; pods=1 is taken already, and pods=1 is the limit.'], help: ['kubectl edit quota small'],
    },
    { what: 'paused', given: { focus: deep({ kind: 'Deployment', metadata: meta('web'), spec: { replicas: 2, paused: true } }) }, waitsFor: 'the rollout of the deployment web to be resumed', because: [/paused/], help: ['kubectl rollout resume deployment/web'] },
    { what: 'none wanted', given: { focus: deep({ kind: 'ReplicaSet', metadata: meta('web'), spec: { replicas: 0 } }) }, waitsFor: 'somebody to want pods of the replica set web', because: [/scaled to 0/] },
  ],
};

describe.each(Object.entries(rows))('%s', (_, table) => {
  test.each(table)('$what', (row) => check(diagnose(situation(row.given)), row));
});

test('of what goes well there is nothing to tell', () => {
  const running = pod('a', { nodeName: 'n1' }, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [{ name: 'main', ready: true, state: { running: {} } }] });
  expect(diagnose(situation({ pods: [running], nodes: [node('n1')] }))).toEqual([]);
});

test.each([
  ['web', 'docker.io', 'library/web', 'latest'], ['msung99/maestro:0.1.0', 'docker.io', 'msung99/maestro', '0.1.0'], ['localhost:5000/web:2', 'localhost:5000', 'web', '2'],
  ['ghcr.io/a/b/c', 'ghcr.io', 'a/b/c', 'latest'], ['quay.io/a/b@sha256:abc', 'quay.io', 'a/b', 'sha256:abc'],
])('%s is looked for where it says', (image, registry, repository, tag) => expect(placeOf(image)).toEqual({ registry, repository, tag }));

test('ends in words', () => {
  expect(endWords({ exitCode: 137, reason: 'OOMKilled' })).toContain('more memory than it may');
  expect(endWords({ exitCode: 127 })).toContain('command was not found');
  expect(endWords({ exitCode: 0 })).toContain('without a fault');
  expect(endWords({ exitCode: 130 })).toBe('by signal 2 (exit code 130)');
});

test('what is missing', () => {
  expect(missingObject('couldn\'t find key color in ConfigMap default/settings')).toMatchObject({ kind: 'key color of the config map', name: 'default/settings' });
  expect(missingObject('something else')).toBeUndefined();
  expect(missingCommand('runc create failed: unable to start container process: exec: "/nothing": stat /nothing: no such file or directory')).toBe('/nothing');
  expect(missingCommand('exec: "sh": executable file not found in $PATH')).toBe('sh');
});
