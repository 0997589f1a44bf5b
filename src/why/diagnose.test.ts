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
  nowMs: NOW, focus: given.pods?.[0] ?? given.service ?? given.claims?.[0] ?? deep({}), pods: [], replicaSets: [], slices: [], services: [], ingressClasses: [], budgets: [], claims: [], storageClasses: [], nodes: [], placed: [], neighbours: [], events: [], logs: new Map(), wherry: true, ...given,
});
const unscheduled = { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available.' }] };
const asking = (requests: object, more: object = {}) => ({ containers: [{ name: 'main', resources: { requests } }], ...more });
const waiting = (reason: string, message: string, more: object = {}) => ({ containerStatuses: [{ name: 'main', image: 'web:1', restartCount: 0, ready: false, state: { waiting: { reason, message } }, ...more }] });
const event = (about: string, reason: string, message: string, more: object = {}) => deep({ involvedObject: { uid: `uid-${about}` }, reason, message, type: 'Warning', ...more });

const ofDeployment = { labels: { 'pod-template-hash': 'x1' }, ownerReferences: [{ kind: 'ReplicaSet', name: 'web-x1', controller: true }] };
const serving = pod('a', { nodeName: 'n1', containers: [{ name: 'main', ports: [{ name: 'web', containerPort: 8080 }] }] }, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }, { labels: { app: 'web' } });
const refused = (message: string) => deep({ kind: 'ReplicaSet', metadata: meta('web'), spec: { replicas: 1 }, status: { conditions: [{ type: 'ReplicaFailure', status: 'True', message }] } });
const scaler = (reason: string, message: string) => deep({ kind: 'HorizontalPodAutoscaler', metadata: meta('web'), spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' } }, status: { conditions: [{ type: 'ScalingActive', status: 'False', reason, message }] } });

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
    { what: 'a taint', given: { pods: [pod('a', {}, unscheduled)], nodes: [node('n1', {}, { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] })] }, waitsFor: 'a node that takes it', because: ['n1: takes only pods that tolerate its taint gpu=yes:NoSchedule'], help: ['kubectl taint nodes n1 gpu:NoSchedule-'] },
    { what: 'a selector', given: { pods: [pod('a', { nodeSelector: { disk: 'ssd' } }, unscheduled)], nodes: [node('n1', {}, {}, { disk: 'hdd' })] }, waitsFor: 'a node that takes it', because: ['n1: has not the label disk=ssd that the pod asks for'], help: ['kubectl label node n1 disk=ssd --overwrite', 'kubectl replace --force'] },
    { what: 'alike pods are told of once', given: { pods: ['a', 'b', 'c', 'd', 'e'].map((name) => pod(name, asking({ cpu: '5' }), unscheduled)), nodes: [node('n1')] }, waitsFor: 'for the pods a, b, c and 2 more', because: [/5 CPUs: 1 CPU too little/] },
    {
      what: 'an affinity', given: { pods: [pod('a', { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd', 'nvme'] }] }] } } } }, unscheduled)], nodes: [node('n1'), node('n2'), node('n3', {}, {}, { disk: 'ssd' })] },
      waitsFor: 'a node that takes it', because: ['n1, n2: is none of those that the pod asks for (disk is ssd or nvme)', /^The scheduler says: 0\/1/], help: ['kubectl label node n1 disk=ssd', 'milder'],
    },
    {
      what: 'apart from its like', given: {
        pods: [pod('a', { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: { app: 'db' } }, topologyKey: 'zone' }] } } }, unscheduled, { labels: { app: 'db' } })],
        nodes: [node('n1', {}, {}, { zone: 'east' }), node('n2', {}, {}, { zone: 'east' })], placed: [pod('b', { nodeName: 'n2' }, { phase: 'Running' }, { labels: { app: 'db' } })],
      },
      waitsFor: 'a node that takes it', because: ['n1, n2: has the pod b in its zone already, and the pod wants to be apart from such (app=db)'],
    },
    {
      what: 'a port of the node', given: { pods: [pod('a', { containers: [{ name: 'main', ports: [{ hostPort: 80 }] }] }, unscheduled)], nodes: [node('n1')], placed: [pod('b', { nodeName: 'n1', containers: [{ name: 'main', ports: [{ hostPort: 80, protocol: 'TCP' }] }] }, { phase: 'Running' })] },
      waitsFor: 'a node that takes it', because: [/^n1: has its port 80\/TCP taken by the pod b/],
    },
    {
      what: 'an uneven spread', given: {
        pods: [pod('a', { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'web' } } }] }, unscheduled, { labels: { app: 'web' } })],
        nodes: [node('n1', {}, {}, { zone: 'east' }), node('n2', {}, { unschedulable: true }, { zone: 'west' })], placed: [pod('b', { nodeName: 'n1' }, { phase: 'Running' }, { labels: { app: 'web' } })],
      },
      waitsFor: 'a node that takes it', because: ['n1: has 1 of these pods already (by zone), and may have 1 more than the emptiest place, which has 0', /cordoned/],
    },
    { what: 'a claim that is not there', given: { pods: [pod('a', {}, { conditions: [{ ...unscheduled.conditions[0], message: '0/1 nodes are available: persistentvolumeclaim "data" not found.' }] })], nodes: [node('n1')] }, waitsFor: /^the volume claim data, for the pod a$/, because: [/there is none/] },
    { what: 'no nodes', given: { pods: [pod('a', {}, unscheduled)] }, waitsFor: 'a node for the pod a', because: ['The cluster has no nodes.'] },
    { what: 'a scheduling gate', given: { pods: [pod('a', { schedulingGates: [{ name: 'example.com/wait' }] }, { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] })], nodes: [node('n1')] }, waitsFor: 'the scheduling gates of the pod a to be taken away', because: [/wants the pod not to be placed yet/], help: [/kubectl patch pod\/a .*"path":"\/spec\/schedulingGates"/] },
    {
      what: 'of a deployment: how much would fit', given: { pods: [pod('web-x', asking({ memory: '9Gi' }), unscheduled, ofDeployment)], nodes: [node('n1')] },
      waitsFor: 'a node with 9 GiB of memory free', because: [/1 GiB too little/], help: ['kubectl set resources deployment/web --requests=memory=8192Mi'],
    },
    { what: 'a scheduler that nobody runs', given: { pods: [pod('a', { schedulerName: 'mine' })], nodes: [node('n1')] }, waitsFor: 'the scheduler "mine"', because: [/by name/] },
  ],
  images: [
    {
      what: 'not found', given: { pods: [pod('a', { nodeName: 'n1' }, waiting('ImagePullBackOff', 'Back-off pulling image "web:1": ErrImagePull: rpc error: code = NotFound desc = docker.io/library/web:1: not found'))] },
      waitsFor: /^the image web:1, for the pod a$/, because: ['It was looked for at the registry docker.io, as library/web, tag 1.', /^The answer was: docker\.io\/library\/web:1: not found$/], help: ['docker.io has no such image', 'wherry image load'],
    },
    {
      what: 'not found, but its like is there', given: {
        pods: [pod('web-x', { nodeName: 'n1' }, waiting('ErrImagePull', 'docker.io/library/web:1: not found'), ofDeployment)], nodes: [deep({ ...node('n1'), status: { ...node('n1').status, images: [{ names: ['docker.io/library/web@sha256:abc', 'docker.io/library/web:2', 'docker.io/library/wbe:1', 'docker.io/library/other:1'] }] } })],
      },
      waitsFor: 'the image web:1', because: [/looked for/, /not found/], help: ['The nodes have such: docker.io/library/web:2, docker.io/library/wbe:1.', 'kubectl set image deployment/web main=IMAGE'],
    },
    {
      what: 'being fetched', given: { pods: [pod('a', { nodeName: 'n1' }, waiting('ContainerCreating', ''))], events: [event('a', 'Pulling', 'Pulling image "web:1"', { lastTimestamp: '2026-01-01T11:59:20Z' })] },
      waitsFor: /^the image web:1 to be fetched, for the pod a$/, because: [/asked docker.io for it 40s ago/],
    },
    { what: 'denied', given: { pods: [pod('a', { nodeName: 'n1' }, waiting('ErrImagePull', 'pull access denied, repository does not exist or may require authorization'))] }, waitsFor: 'the image web:1', because: [/looked for/, /denied/], help: ['imagePullSecrets', 'slip in the name'] },
    { what: 'no network', given: { pods: [pod('a', { nodeName: 'n1' }, waiting('ErrImagePull', 'dial tcp: lookup registry-1.docker.io: no such host'))] }, waitsFor: 'the image web:1', because: [/looked for/, /no such host/, 'In short: the address of registry-1.docker.io could not be found out (DNS).'], help: ['cannot reach docker.io', '--registry-mirror'] },
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
    {
      what: 'ended by its node for a probe', given: {
        pods: [pod('a', { nodeName: 'n1', containers: [{ name: 'main', livenessProbe: { httpGet: { path: '/live', port: 99 } } }] }, waiting('CrashLoopBackOff', 'back-off 10s restarting', { restartCount: 1, lastState: { terminated: { exitCode: 137, startedAt: '2026-01-01T11:59:00Z' } } }))],
        events: [event('a', 'Unhealthy', 'Liveness probe failed: connection refused'), event('a', 'Killing', 'Container main failed liveness probe, will be restarted', { lastTimestamp: '2026-01-01T11:59:10Z' })],
      },
      waitsFor: 'the next start of the container main', because: [/2 times/, /with exit code 137/, /asked by HTTP at port 99, path \/live whether it lives/, 'The last answer: connection refused', 'It wrote nothing.'], help: ['Check path, port', 'startupProbe'],
    },
    {
      what: 'an init container that keeps ending', given: {
        pods: [pod('a', { nodeName: 'n1', initContainers: [{ name: 'prepare' }] }, { phase: 'Pending', initContainerStatuses: [{ name: 'prepare', restartCount: 1, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 0 } } }] })],
      },
      waitsFor: 'the next start of the init container prepare', because: [/2 times/, /start only when it has ended well/, /exit code 0/, 'It wrote nothing.'], help: [/^(?!.*run it as a Job)/s],
    },
    {
      what: 'an init container at work', given: { pods: [pod('a', { nodeName: 'n1', initContainers: [{ name: 'prepare' }, { name: 'sidecar', restartPolicy: 'Always' }] }, { phase: 'Pending', initContainerStatuses: [{ name: 'prepare', state: { running: { startedAt: '2026-01-01T11:58:00Z' } } }, { name: 'sidecar', state: { running: {} } }] })] },
      waitsFor: 'the init container prepare to end well, in the pod a', because: [/number 1 of 2/, 'It has run for 2m.'],
    },
    {
      what: 'a pod that has failed', given: { pods: [pod('a', { nodeName: 'n1', restartPolicy: 'Never' }, { phase: 'Failed', containerStatuses: [{ name: 'main', state: { terminated: { exitCode: 2 } } }] })], logs: new Map([['a/main', ['oops']]]) },
      waitsFor: /^the container main has failed, and with it the pod a$/, because: [/exit code 2/, /restartPolicy: Never/, 'Its last lines:', '│ oops'],
    },
    { what: 'a pod that its node has put out', given: { pods: [pod('a', { nodeName: 'n1' }, { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' })] }, waitsFor: 'the node has put out the pod a', because: ['The node was low on resource: memory.'] },
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
    { what: 'a finalizer', given: { pods: [pod('a', { nodeName: 'n1' }, { phase: 'Running' }, { deletionTimestamp: '2026-01-01T11:59:00Z', finalizers: ['example.com/wait'] })] }, waitsFor: 'what has to be done before the pod a goes: example.com/wait', because: ['It was asked to end 60s ago.', /taken away by whoever put it there/], help: ['kubectl patch pod a'] },
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
    {
      what: 'a port by a name that its pods do not know', given: { service: deep({ kind: 'Service', metadata: meta('web'), spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] } }), neighbours: [serving], slices: [deep({ endpoints: [{ addresses: ['10.0.0.1'] }], ports: [] })] },
      waitsFor: /^a port named http on the pods behind the service web$/, because: [/by name/, 'They name: 8080 (web).'], help: ['"path":"/spec/ports/0/targetPort","value":"web"'],
    },
    {
      what: 'a port that its pods do not name', given: { service: deep({ kind: 'Service', metadata: meta('web'), spec: { selector: { app: 'web' }, ports: [{ port: 8080 }, { port: 81, targetPort: 9090 }] } }), neighbours: [serving], slices: [deep({ endpoints: [{ addresses: ['10.0.0.1'] }] })] },
      waitsFor: 'a program at port 9090 of the pods behind the service web', because: [/name other ports: 8080 \(web\)/, /all is well/], help: ['"path":"/spec/ports/1/targetPort","value":8080'],
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
      waitsFor: 'room in the quota small, for the pods of the replica set web-1', because: [/A quota says/, 'A pod would take pods=1; pods=1 is taken already, and pods=1 is the limit.'], help: ['kubectl edit quota small'],
    },
    {
      what: 'a namespace that asks for safer pods', given: { focus: refused('pods "x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "main" must set a, b), runAsNonRoot != true (pod or container "main" must set c)') },
      waitsFor: 'as safe as the namespace asks', because: [/level "restricted"/, '  allowPrivilegeEscalation != false (container "main" must set a, b)', '  runAsNonRoot != true'], help: ['pod-security.kubernetes.io/enforce=baseline'],
    },
    { what: 'a priority class that is not there', given: { focus: refused('pods "x" is forbidden: no PriorityClass with name gold was found') }, waitsFor: 'the priority class gold', because: [/no such class/], help: ['kubectl create priorityclass gold --value=1000'] },
    {
      what: 'a daemon set for no node', given: { focus: deep({ kind: 'DaemonSet', metadata: meta('agent'), spec: { template: { spec: { nodeSelector: { gpu: 'yes' } } } }, status: { observedGeneration: 1, desiredNumberScheduled: 0 } }), nodes: [node('n1')] },
      waitsFor: 'a node that the daemon set agent is for', because: [/label gpu=yes, and none of the 1 nodes/], help: ['kubectl label node n1 gpu=yes'],
    },
    { what: 'a quota that is used up', given: { focus: deep({ kind: 'ResourceQuota', metadata: meta('small'), status: { hard: { pods: '1', 'requests.cpu': '2' }, used: { pods: '1', 'requests.cpu': '500m' } } }) }, waitsFor: 'room in the quota small', because: ['pods: 1 of 1 taken.', /refused/], help: ['kubectl edit quota small'] },
    { what: 'a webhook that refuses', given: { focus: refused('admission webhook "check.example.com" denied the request: no team label') }, waitsFor: 'leave of the webhook check.example.com', because: [/a program that somebody has put/, 'It said: no team label'] },
    { what: 'a webhook that does not answer', given: { focus: refused('Internal error occurred: failed calling webhook "check.example.com": failed to call webhook: dial tcp: connection refused') }, waitsFor: 'the webhook check.example.com to answer', because: [/nothing is made/, /connection refused/] },
    { what: 'a policy', given: { focus: refused("pods \"x\" is forbidden: ValidatingAdmissionPolicy 'teams' with binding 'all' denied request: no team label") }, waitsFor: 'to meet the policy teams', because: [/refuses/, 'It says: no team label'] },
    {
      what: 'a job that was tried often enough', given: { focus: deep({ kind: 'Job', metadata: meta('once'), spec: { backoffLimit: 2 }, status: { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] } }) },
      waitsFor: /^the job once has failed and is not tried again$/, because: ['It was tried 3 times'], help: ['kubectl logs job/once'],
    },
    { what: 'a rollout that is overdue', given: { replicaSets: deep([{ metadata: meta('web-1') }, { metadata: meta('web-2') }]), focus: deep({ kind: 'Deployment', metadata: meta('web'), spec: { replicas: 1 }, status: { conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] } }) }, waitsFor: 'the newest pods of the deployment web', because: [/counts as failed/], help: ['kubectl rollout undo deployment/web'] },
    { what: 'the order of a stateful set', given: { focus: deep({ kind: 'StatefulSet', metadata: meta('db'), spec: { replicas: 3 } }), pods: [pod('db-0', { nodeName: 'n1' })] }, waitsFor: 'the pod db-0 to be ready, before the stateful set db makes the next one', because: [/one after the other/], help: ['wherry why pod/db-0'] },
    { what: 'a budget', given: { focus: deep({ kind: 'PodDisruptionBudget', metadata: meta('web'), spec: { minAvailable: 2 }, status: { expectedPods: 2, currentHealthy: 2, desiredHealthy: 2, disruptionsAllowed: 0 } }) }, waitsFor: 'more ready pods, before the budget web lets one go', because: ['2 of 2 are ready, and 2 must stay'], help: ['no pod may ever go'] },
    {
      what: 'a namespace that does not go', given: { focus: deep({ kind: 'Namespace', metadata: { ...meta('team'), namespace: undefined, deletionTimestamp: '2026-01-01T11:58:00Z' }, status: { conditions: [
        { type: 'NamespaceContentRemaining', status: 'True', message: 'Some resources are remaining: configmaps. has 2 resource instances' }, { type: 'NamespaceFinalizersRemaining', status: 'True', message: 'Some content in the namespace has finalizers remaining: example.com/x in 1 resource instances' },
      ] } }) },
      waitsFor: 'all that is in the namespace team to be gone', because: ['Still there: 2 configmaps.', 'example.com/x (on 1)'], help: ['kubectl get configmaps -n team'],
    },
    { what: 'an autoscaler whose pods ask for nothing', given: { focus: scaler('FailedGetResourceMetric', 'failed to get cpu utilization: missing request for cpu in container main of Pod web-1') }, waitsFor: 'measures, for the autoscaler web of the deployment web', because: [/asks for no cpu/], help: ['kubectl set resources deployment/web --requests=cpu=100m'] },
    { what: 'an autoscaler where nothing is measured', given: { wherry: false, focus: scaler('FailedGetResourceMetric', 'unable to fetch metrics from resource metrics API: the server could not find the requested resource') }, waitsFor: 'measures', because: [/no use/, /could not find/], help: ['install metrics-server'] },
    { what: 'an ingress without a controller', given: { focus: deep({ kind: 'Ingress', metadata: meta('front'), spec: { ingressClassName: 'nginx' } }) }, waitsFor: 'somebody to serve the ingress front', because: [/"nginx", and there is none/, /no ingress classes at all/], help: ['wherry addons enable ingress'] },
    {
      what: 'an ingress that leads nowhere', given: { focus: deep({ kind: 'Ingress', metadata: meta('front'), spec: { defaultBackend: { service: { name: 'wbe', port: { number: 80 } } } }, status: { loadBalancer: { ingress: [{ ip: '10.0.0.9' }] } } }), services: [deep({ metadata: meta('web'), spec: {} })], ingressClasses: [] },
      waitsFor: 'the service wbe, for the ingress front', because: [/none of that name/, 'There are: web.'], help: ['kubectl edit ingress front'],
    },
    { what: 'paused', given: { focus: deep({ kind: 'Deployment', metadata: meta('web'), spec: { replicas: 2, paused: true } }) }, waitsFor: 'the rollout of the deployment web to be resumed', because: [/paused/], help: ['kubectl rollout resume deployment/web'] },
    { what: 'none wanted', given: { focus: deep({ kind: 'ReplicaSet', metadata: meta('web'), spec: { replicas: 0 } }) }, waitsFor: 'somebody to want pods of the replica set web', because: [/scaled to 0/] },
  ],
};

describe.each(Object.entries(rows))('%s', (_, table) => {
  test.each(table)('$what', (row) => check(diagnose(situation(row.given)), row));
});

test('commands name the namespace where it is not the default one, and what has none', () => {
  const [found] = diagnose(situation({ pods: [pod('a', {}, unscheduled, { namespace: 'team' })], nodes: [node('n1', {}, { unschedulable: true })] }));
  expect(found!.help).toContain('Let the node take pods again: kubectl uncordon n1');
  const [other] = diagnose(situation({ focus: deep({ kind: 'Deployment', metadata: { ...meta('web'), namespace: 'team' }, spec: { paused: true } }) }));
  expect(other!.help).toEqual(['Let it go on: kubectl -n team rollout resume deployment/web']);
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
