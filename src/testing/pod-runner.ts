import type { Node, Pod } from '../api/generated/core-v1.ts';
import { nodes as nodeResource, pods as podResource } from '../api/generated/resources.ts';
import { isReason } from '../api/errors.ts';
import { keyOf } from '../api/object.ts';
import { isPodReady, isPodTerminal } from '../api/pod/conditions.ts';
import { rfc3339, type Clock } from '../base/clock.ts';
import { silentLog, type Log } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import type { InformerFactory } from '../client/informer.ts';
import { startReconciler } from '../client/start-reconciler.ts';

export type PodFate = 'runs' | 'succeeds' | 'fails' | 'never-ready' | 'never-starts';

export interface PodRunnerOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  /** Names of the nodes that pods without one are spread over. Default `node-1`; nodes that do not exist are made. */
  readonly nodes?: readonly string[];
  /** What becomes of a pod. Default: it runs and is ready until it is deleted. */
  readonly fate?: (pod: Pod) => PodFate;
  /** What a failing pod's containers end with. Default 1. */
  readonly exitCodeOf?: (pod: Pod) => number;
  /** The node that a pod is bound to. Default: one of `nodes` after the other. */
  readonly targetOf?: (pod: Pod) => string;
  /** From the binding until the pod is ready. Default 1 s. */
  readonly startMs?: number;
  /** From ready until it ends of itself. Default 5 s. */
  readonly runMs?: number;
  /** From the deletion until it is gone. Default 1 s. */
  readonly stopMs?: number;
  readonly log?: Log;
}

export interface PodRunner extends AsyncDisposable {
  /** From now on nothing happens to this node's pods, as if it had lost its power. */
  kill(node: string): void;
  /** The node works again, and says how its pods are. */
  revive(node: string): void;
  idle(): Promise<void>;
}

/** The least that scheduler and kubelet do to a pod, by the clock: for tests of controllers without either. */
export async function startPodRunner(options: PodRunnerOptions): Promise<PodRunner> {
  const { client, informers, clock, nodes = ['node-1'], fate = () => 'runs', exitCodeOf = () => 1, targetOf, startMs = 1000, runMs = 5000, stopMs = 1000, log = silentLog } = options;
  const pods = informers.informer(podResource);
  const dead = new Set<string>();
  const since = new Map<string, number>();
  let next = 0;
  for (const name of nodes) await createNode(client, clock, name);

  const after = (pod: Pod, phase: string, milliseconds: number): number => {
    const key = `${pod.metadata.uid} ${phase}`;
    const start = since.get(key) ?? clock.now();
    since.set(key, start);
    return start + milliseconds - clock.now();
  };

  async function reconcile(key: string): Promise<{ requeueAfterMs: number } | void> {
    const pod = pods.get(key);
    if (!pod) return;
    const { namespace, name, uid, deletionTimestamp } = pod.metadata;
    const { nodeName } = pod.spec;
    if (nodeName && dead.has(nodeName)) return;
    if (!nodeName) {
      const living = nodes.filter((node) => !dead.has(node));
      const node = targetOf ? targetOf(pod) : living[next++ % living.length];
      if (deletionTimestamp || !node) return;
      const target = { apiVersion: 'v1', kind: 'Node', name: node };
      await client.createSubresource(podResource, { namespace, name }, 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name, uid }, target });
      return;
    }
    if (deletionTimestamp) {
      const left = after(pod, 'stop', stopMs);
      if (left > 0) return { requeueAfterMs: left };
      // What somebody still holds is told how the pod ended, as by a kubelet.
      if (pod.metadata.finalizers?.length && !isPodTerminal(pod)) return await write(pod, 'Failed', false);
      await client.delete(podResource, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
      return;
    }
    if (isPodTerminal(pod)) return;
    const destiny = fate(pod);
    if (destiny === 'never-starts') return;
    const left = after(pod, 'start', startMs);
    if (left > 0) return { requeueAfterMs: left };
    const ready = destiny !== 'never-ready';
    if (pod.status?.phase !== 'Running' || isPodReady(pod) !== ready) return await write(pod, 'Running', ready);
    if (destiny !== 'succeeds' && destiny !== 'fails') return;
    const running = after(pod, 'run', runMs);
    if (running > 0) return { requeueAfterMs: running };
    await write(pod, destiny === 'succeeds' ? 'Succeeded' : 'Failed', false);
  }

  async function write(pod: Pod, phase: string, ready: boolean): Promise<void> {
    const now = rfc3339(clock.now());
    const address = `10.244.${1 + nodes.indexOf(pod.spec.nodeName!)}.${1 + (Number.parseInt(pod.metadata.uid.slice(0, 2), 16) % 250)}`;
    const ended = phase === 'Succeeded' ? { terminated: { exitCode: 0, reason: 'Completed', finishedAt: now } } : { terminated: { exitCode: exitCodeOf(pod), reason: 'Error', finishedAt: now } };
    const containerStatuses = pod.spec.containers.map(({ name, image = '' }) => ({
      name, image, imageID: image, ready, restartCount: 0, state: phase === 'Running' ? { running: { startedAt: now } } : ended,
    }));
    const others = pod.status?.conditions?.filter(({ type }) => type !== 'Ready') ?? [];
    const conditions = [...others, { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: now }];
    await client.updateStatus(podResource, { ...pod, status: { ...pod.status, phase, startTime: pod.status?.startTime ?? now, podIP: address, podIPs: [{ ip: address }], conditions, containerStatuses } });
  }

  const reconciler = startReconciler({ name: 'pod-runner', clock, log, workers: 16, reconcile });
  const subscription = pods.subscribe({ add: (pod) => reconciler.enqueue(keyOf(pod)), update: (_, pod) => reconciler.enqueue(keyOf(pod)) });
  return {
    kill: (node) => void dead.add(node),
    revive(node) {
      dead.delete(node);
      for (const pod of pods.list()) if (pod.spec.nodeName === node || !pod.spec.nodeName) reconciler.enqueue(keyOf(pod));
    },
    idle: () => reconciler.idle(),
    async [Symbol.asyncDispose]() {
      subscription[Symbol.dispose]();
      await reconciler[Symbol.asyncDispose]();
    },
  };
}

/** A node that is ready and untainted. */
export async function createNode(client: Client, clock: Clock, name: string, labels: Readonly<Record<string, string>> = {}): Promise<Node> {
  const now = rfc3339(clock.now());
  try {
    await client.create(nodeResource, { metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } }, spec: {} });
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
  }
  const conditions = [
    { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status', lastHeartbeatTime: now, lastTransitionTime: now },
    ...['MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({ type, status: 'False', reason: 'KubeletHasSufficient', lastHeartbeatTime: now, lastTransitionTime: now })),
  ];
  const resources = { cpu: '4', memory: '8Gi', pods: '110' };
  const type = 'application/merge-patch+json';
  await client.patch(nodeResource, { name }, { type, body: { status: { conditions, capacity: resources, allocatable: resources } } }, { subresource: 'status' });
  return await client.patch(nodeResource, { name }, { type, body: { spec: { taints: null } } });
}
