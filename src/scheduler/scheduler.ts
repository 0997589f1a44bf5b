import { isReason } from '../api/errors.ts';
import type { Pod } from '../api/generated/core-v1.ts';
import {
  csiNodes, deviceClasses, namespaces, nodes, persistentVolumeClaims, persistentVolumes, podDisruptionBudgets, pods, replicaSets, replicationControllers, resourceClaims, resourceSlices, services, statefulSets, storageClasses, volumeAttachments,
} from '../api/generated/resources.ts';
import { keyOf, parseKey, type ResourceType } from '../api/object.ts';
import { isPodTerminal } from '../api/pod/conditions.ts';
import { because } from '../base/cause.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { nextTurn } from '../base/next-turn.ts';
import type { MetricRegistry } from '../base/metrics.ts';
import type { Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { createEventRecorder, type EventRecorder } from '../client/event-recorder.ts';
import type { InformerFactory } from '../client/informer.ts';
import type { WorkSink } from '../ledger/entry.ts';
import { ClusterCache } from './cluster-cache.ts';
import { DecisionRecord, groupRejections, type Decision } from './decision-record.ts';
import { evictVictims } from './evict-victims.ts';
import { fitMessage } from './fit-error.ts';
import type { ClusterEvent } from './framework.ts';
import { deviceExpressionsLoaded, loadDeviceExpressions } from './plugins/device-expressions.ts';
import { Nominator } from './nominator.ts';
import { forgetTwins, podInfoOf, type PodInfo } from './pod-info.ts';
import { PodStatusWriter } from './pod-status-writer.ts';
import type { PluginContext } from './plugins/plugin-context.ts';
import { findPreemption } from './preemption.ts';
import { createProfiles, type Profile } from './profile.ts';
import type { SchedulerConfig } from './scheduler-configuration.ts';
import { SchedulerMetrics } from './scheduler-metrics.ts';
import type { CycleResult, CycleState } from './scheduling-cycle.ts';
import { SchedulingQueue, type QueuedPod } from './scheduling-queue.ts';

export interface SchedulerOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Absent: one of its own, as `default-scheduler`. */
  readonly recorder?: EventRecorder;
  readonly config?: SchedulerConfig;
  /** Where the decisions are told, besides the record; default nowhere. */
  readonly work?: WorkSink;
  /** Where it is measured; default nowhere. */
  readonly metrics?: MetricRegistry;
}

export interface Scheduler extends AsyncDisposable {
  /** Why pods are where they are, or nowhere. */
  readonly decisions: Pick<DecisionRecord, 'of' | 'latest'>;
  /** Resolves when all caches are filled and the scheduler is at work. */
  readonly started: Promise<void>;
  /** Resolves when no pod that could be tried waits, and no binding is under way. For tests. */
  idle(): Promise<void>;
}

/** So many bindings may be under way; further pods wait for one of them to end. Those that wait for volumes do not count. */
const MAX_BINDINGS = 128;
/** The API server lives in the same thread: after this long it gets its turn. */
const SLICE_MS = 8;

/** Assigns pods to nodes. Upstream: pkg/scheduler. */
export function startScheduler(options: SchedulerOptions): Scheduler {
  const scheduler = new RunningScheduler(options);
  return scheduler;
}

class RunningScheduler implements Scheduler {
  readonly decisions = new DecisionRecord();
  readonly started: Promise<void>;
  readonly #options: SchedulerOptions;
  readonly #cluster = new ClusterCache();
  readonly #nominator = new Nominator();
  readonly #queue: SchedulingQueue;
  readonly #profiles: ReadonlyMap<string, Profile>;
  readonly #context: PluginContext;
  /** Each profile speaks under its own name. */
  readonly #recorders: ReadonlyMap<string, EventRecorder>;
  readonly #status: PodStatusWriter;
  readonly #owned = new AsyncDisposableStack();
  readonly #ending = new AbortController();
  readonly #bindings = new Set<Promise<void>>();
  readonly #evictions = new Map<string, Promise<void>>();
  /** Bindings that have their volumes: these are the API server's load. */
  #binding = 0;
  #bindingEnded: (() => void) | undefined;
  #running: Promise<void> | undefined;
  readonly #metrics: SchedulerMetrics | undefined;
  #ready = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { client, informers, clock, random, log, config = {} } = options;
    const isBusy = (): boolean => this.#running !== undefined || this.#bindings.size > 0;
    this.#recorders = new Map((config.profiles ?? [{ schedulerName: DEFAULT_NAME }]).map(({ schedulerName: component }) =>
      [component, options.recorder ?? this.#owned.use(createEventRecorder({ client, clock, random, log, component, isBusy }))]));
    this.#status = this.#owned.use(new PodStatusWriter({ client, clock, log }));
    const informer = <T>(resource: ResourceType<T>) => informers.informer(resource);
    this.#context = {
      cluster: this.#cluster, client, clock, newId: () => random.uuid(), event: (pod, ...told) => this.#recorderOf(pod).event(pod, ...told),
      namespaces: informer(namespaces), services: informer(services), replicationControllers: informer(replicationControllers), replicaSets: informer(replicaSets),
      waitingFor: (node) => this.#nominator.on(node), statefulSets: informer(statefulSets), persistentVolumes: informer(persistentVolumes), persistentVolumeClaims: informer(persistentVolumeClaims), storageClasses: informer(storageClasses), csiNodes: informer(csiNodes), volumeAttachments: informer(volumeAttachments), resourceClaims: informer(resourceClaims), resourceSlices: informer(resourceSlices), deviceClasses: informer(deviceClasses),
    };
    this.#metrics = options.metrics && new SchedulerMetrics(options.metrics);
    this.#profiles = createProfiles(config.profiles ?? [{ schedulerName: DEFAULT_NAME }], this.#context, {
      cluster: this.#cluster, nominator: this.#nominator, random, percentageOfNodesToScore: config.percentageOfNodesToScore ?? 0,
      ...(this.#metrics && { partsOf: (profile: string) => this.#metrics!.partsOf(profile, () => clock.monotonic()) }),
    });
    this.#queue = this.#owned.use(new SchedulingQueue({
      clock, pluginsOf: (pod) => this.#profileOf(pod)!.plugins, onReady: () => this.#wake(), onEnter: (queue, event) => this.#metrics?.entered(queue, event),
      ...(config.podInitialBackoffMs !== undefined && { initialBackoffMs: config.podInitialBackoffMs }), ...(config.podMaxBackoffMs !== undefined && { maxBackoffMs: config.podMaxBackoffMs }),
    }));
    this.#metrics?.follow(options.metrics!, { cluster: this.#cluster, queue: this.#queue, profiles: [...this.#profiles.values()], bindings: () => this.#bindings.size });
    this.#follow();
    this.started = this.#start();
  }

  async idle(): Promise<void> {
    await this.started;
    while (this.#running || this.#bindings.size > 0 || this.#evictions.size > 0) await Promise.all([this.#running, ...this.#bindings, ...this.#evictions.values()]);
    await this.#status.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error('the scheduler is ending'));
    this.#bindingEnded?.();
    await this.#owned.disposeAsync();
    await Promise.all([this.started, this.#running, ...this.#bindings, ...this.#evictions.values()]);
  }

  async #start(): Promise<void> {
    try {
      await this.#options.informers.untilSynced(this.#ending.signal);
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      throw error;
    }
    this.#ready = true;
    this.#wake();
  }

  #follow(): void {
    const { informers } = this.#options;
    const tell = <T>(resource: ClusterEvent['resource'], type: ResourceType<T>, before?: (event: ClusterEvent) => void): void => {
      const on = (event: ClusterEvent): void => {
        before?.(event);
        this.#queue.onEvent(event);
      };
      this.#owned.use(informers.informer(type).subscribe({
        add: (object) => on({ resource, action: 'add', object }),
        update: (previous, object) => on({ resource, action: 'update', previous, object }),
        delete: (object) => on({ resource, action: 'delete', object }),
      }));
    };
    tell('Node', nodes, ({ action, object }) => {
      const node = object as Parameters<ClusterCache['setNode']>[0];
      if (action === 'delete') this.#cluster.removeNode(node.metadata.name);
      else this.#cluster.setNode(node);
    });
    tell('PersistentVolumeClaim', persistentVolumeClaims);
    tell('PersistentVolume', persistentVolumes);
    tell('StorageClass', storageClasses);
    tell('ResourceClaim', resourceClaims);
    // Which resources are had by devices: what was found of nodes for pods that ask for them no longer holds.
    tell('DeviceClass', deviceClasses, () => forgetTwins());
    tell('CSINode', csiNodes);
    // Whoever looked at the first devices while the evaluation of selectors was loading looks again.
    tell('ResourceSlice', resourceSlices, (event) => {
      if (!deviceExpressionsLoaded()) void loadDeviceExpressions().then(() => this.#queue.onEvent(event));
    });
    tell('VolumeAttachment', volumeAttachments);
    informers.informer(podDisruptionBudgets);
    this.#owned.use(informers.informer(pods).subscribe({
      add: (pod) => this.#onPod(pod, undefined),
      update: (previous, pod) => this.#onPod(pod, previous),
      delete: (pod) => this.#onPodGone(pod),
    }));
  }

  #onPod(pod: Pod, previous: Pod | undefined): void {
    if (isPodTerminal(pod)) return this.#onPodGone(pod);
    const key = keyOf(pod);
    if (pod.spec.nodeName) {
      this.#queue.delete(key);
      this.#nominator.delete(key);
      this.#status.drop(key);
      this.#cluster.setPod(pod);
      this.#queue.onEvent({ resource: 'AssignedPod', action: previous?.spec.nodeName ? 'update' : 'add', previous, object: pod });
      return;
    }
    if (!this.#profileOf(pod)) return;
    // It has been bound, and this is news from before that.
    if (this.#cluster.isAssumed(key) && !this.#queue.has(pod)) return;
    if (!previous || previous.status?.nominatedNodeName !== pod.status?.nominatedNodeName) this.#nominator.set(pod);
    const changed = previous !== undefined && (previous.spec !== pod.spec || previous.metadata.labels !== pod.metadata.labels);
    if (pod.metadata.deletionTimestamp !== undefined) this.#queue.delete(key);
    else this.#queue.set(pod, changed);
  }

  #recorderOf(pod: Pod): EventRecorder {
    return this.#recorders.get(nameOf(pod))!;
  }

  #profileOf(pod: Pod): Profile | undefined {
    return this.#profiles.get(nameOf(pod));
  }

  #onPodGone(pod: Pod): void {
    const key = keyOf(pod);
    this.#queue.delete(key);
    this.#status.drop(key);
    const wasNominated = this.#nominator.nodeOf(key) !== undefined;
    this.#nominator.delete(key);
    const hadNode = this.#cluster.placeOf(key) !== undefined;
    this.#cluster.removePod(key);
    // A nomination kept room as well.
    if (hadNode || wasNominated) this.#queue.onEvent({ resource: 'AssignedPod', action: 'delete', object: pod });
  }

  #wake(): void {
    if (!this.#ready || this.#running || this.#ending.signal.aborted) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      // Something may have come in between the last look and now.
      if (this.#queue.ready) this.#wake();
    });
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    // What comes in one turn is put in order before the first is tried.
    await nextTurn();
    let sliceEnd = clock.monotonic() + SLICE_MS;
    while (!this.#ending.signal.aborted) {
      const queued = this.#queue.pop();
      if (!queued) return;
      because({ writes: queued.writes, by: nameOf(queued.pod) }, () => this.#scheduleOne(queued));
      if (this.#binding >= MAX_BINDINGS) await new Promise<void>((resolve) => (this.#bindingEnded = resolve));
      if (clock.monotonic() < sliceEnd) continue;
      await nextTurn();
      sliceEnd = clock.monotonic() + SLICE_MS;
    }
  }

  /** One pod's cycle, in one turn: nothing changes under it. */
  #scheduleOne(queued: QueuedPod): void {
    const { clock, log } = this.#options;
    const pod = podInfoOf(queued.pod);
    const profile = this.#profileOf(queued.pod)!;
    const began = clock.monotonic();
    let result: CycleResult;
    try {
      result = profile.cycle.run(pod);
    } catch (error) {
      log.error('scheduling failed', { pod: pod.key, error });
      return this.#fail(queued, pod, (error as Error).message);
    }
    const tookMs = clock.monotonic() - began;
    const note = (rest: Pick<Decision, 'outcome' | 'message' | 'evaluated' | 'feasible' | 'filtered' | 'scores' | 'node' | 'preempted'>): void =>
      this.#note(pod, { pod: pod.key, uid: pod.pod.metadata.uid, at: clock.now(), attempt: queued.attempts, nodes: this.#cluster.nodes().length, tookMs, ...rest });
    if (result.fits) {
      const { node, evaluated, feasible, rejections, scores } = result;
      note({ outcome: 'assigned', node: node.name, message: `Successfully assigned ${pod.key} to ${node.name}`, evaluated, feasible, filtered: groupRejections(rejections), scores });
      this.#cluster.assume(pod, node.name);
      this.#nominator.delete(pod.key);
      this.#status.drop(pod.key);
      for (const [i, plugin] of profile.plugins.entries()) if (result.state[i]) plugin.reserve?.(result.state[i].state, pod, node);
      const binding: Promise<void> = this.#bind(queued, pod, node.name).finally(() => this.#bindings.delete(binding));
      this.#bindings.add(binding);
      return;
    }
    const { diagnosis } = result;
    if (diagnosis.nodeCount === 0) {
      const message = 'no nodes available to schedule pods';
      note({ outcome: 'unschedulable', message, evaluated: 0, feasible: 0, filtered: [], scores: [] });
      return this.#reject(pod, message, new Set(), '');
    }
    const beganLook = clock.monotonic();
    const preemption = !profile.preempts ? { message: '', nominatedNodeName: '' } : findPreemption({
      cycle: profile.cycle, nominator: this.#nominator, cluster: this.#cluster, budgets: this.#options.informers.informer(podDisruptionBudgets).list(), random: this.#options.random, pod, state: result.state, diagnosis,
    });
    const candidate = 'candidate' in preemption ? preemption.candidate : undefined;
    if (profile.preempts) this.#metrics?.took('PostFilter', candidate !== undefined, clock.monotonic() - beganLook, profile.name);
    const message = fitMessage(diagnosis, 'message' in preemption ? preemption.message : '');
    note({
      outcome: 'unschedulable', message, evaluated: diagnosis.rejections.size, feasible: 0, filtered: groupRejections(diagnosis.rejections), scores: [],
      ...(candidate && { preempted: candidate.victims.map(keyOf) }),
    });
    this.#reject(pod, message, diagnosis.rejectedBy, candidate?.node ?? ('nominatedNodeName' in preemption ? '' : undefined));
    if (candidate) this.#preempt(pod, candidate);
    else this.#giveUp(profile, pod, result.state);
  }

  #note({ pod }: PodInfo, decision: Decision): void {
    const { namespace, name, uid } = pod.metadata;
    this.decisions.add(decision);
    this.#metrics?.decided(decision, nameOf(pod));
    const { node, outcome, message, attempt, nodes, feasible, filtered, scores, tookMs } = decision;
    this.#options.work?.note({
      work: 'schedule', about: { group: '', resource: 'pods', kind: 'Pod', namespace, name, uid }, by: nameOf(pod), tookMs,
      facts: { attempt, ...(node !== undefined && { node }) }, ...(outcome !== 'assigned' && { error: message }),
      choice: { nodes, feasible, filtered, scores: scores.map((score) => ({ node: score.node, total: score.total })) },
    });
  }

  /** The pod has no node for now: it waits, and says why. */
  #reject(pod: PodInfo, message: string, rejectedBy: ReadonlySet<string>, nominatedNodeName: string | undefined): void {
    this.#queue.reject(pod.key, rejectedBy);
    if (nominatedNodeName !== undefined) this.#nominator.set(pod.pod, nominatedNodeName);
    this.#explain(pod, 'Unschedulable', message, nominatedNodeName);
  }

  #fail(queued: QueuedPod, pod: PodInfo, message: string): void {
    const { clock } = this.#options;
    this.#note(pod, {
      pod: pod.key, uid: pod.pod.metadata.uid, at: clock.now(), attempt: queued.attempts, outcome: 'failed', message, nodes: this.#cluster.nodes().length,
      evaluated: 0, feasible: 0, filtered: [], scores: [], tookMs: 0,
    });
    this.#queue.fail(pod.key);
    this.#nominator.delete(pod.key);
    this.#explain(pod, 'SchedulerError', message, '');
  }

  #explain(pod: PodInfo, reason: 'Unschedulable' | 'SchedulerError', message: string, nominatedNodeName: string | undefined): void {
    this.#recorderOf(pod.pod).event(pod.pod, 'Warning', 'FailedScheduling', truncated(message));
    this.#status.set(pod.key, pod.pod, {
      condition: { type: 'PodScheduled', status: 'False', reason, message }, ...(nominatedNodeName !== undefined && { nominatedNodeName }),
    });
  }

  /** Lets plugins give up what keeps the pod from all nodes: claims on devices that are elsewhere, or broken. What comes of it wakes the pod. */
  #giveUp({ plugins }: Profile, pod: PodInfo, state: CycleState): void {
    for (const [i, plugin] of plugins.entries()) {
      const work = state[i] && plugin.postFilter?.(state[i].state, pod);
      if (!work) continue;
      const key = `${pod.key} ${plugin.name}`;
      this.#evictions.set(key, work.catch((error: unknown) => {
        if (!this.#ending.signal.aborted) this.#options.log.warn('cannot give up what keeps a pod from all nodes', { pod: pod.key, error });
      }).finally(() => this.#evictions.delete(key)));
    }
  }

  #preempt(pod: PodInfo, candidate: { readonly node: string; readonly victims: readonly Pod[] }): void {
    const { client, clock, log } = this.#options;
    this.#metrics?.preempted(candidate.victims.length);
    const cleared = [...this.#nominator.on(candidate.node)].filter((other) => other.priority < pod.priority);
    for (const other of cleared) {
      // What was made for them goes to the more important pod: they look elsewhere at once.
      this.#nominator.delete(other.key);
      this.#status.set(other.key, other.pod, { nominatedNodeName: '' });
      this.#queue.activate(other.key);
    }
    // Until they are told to go, nothing that happens helps; and where they go at once, the last of them may have gone before.
    this.#queue.hold(pod.key);
    const eviction = evictVictims({ client, clock, recorder: this.#recorderOf(pod.pod), schedulerName: nameOf(pod.pod), preemptor: pod.pod, ...candidate })
      .then(() => {
        if (candidate.victims.length === 0) this.#queue.retry(pod.key);
        else if (!candidate.victims.some((victim) => this.#cluster.placeOf(keyOf(victim)) === candidate.node)) this.#queue.activate(pod.key);
      }, (error: unknown) => {
        if (this.#ending.signal.aborted) return;
        log.warn('preemption failed', { pod: pod.key, node: candidate.node, error });
        this.#queue.retry(pod.key);
      })
      .finally(() => {
        this.#evictions.delete(pod.key);
        this.#queue.release(pod.key);
      });
    this.#evictions.set(pod.key, eviction);
  }

  async #bind(queued: QueuedPod, pod: PodInfo, node: string): Promise<void> {
    const { client, clock, log } = this.#options;
    const { namespace, name, uid } = pod.pod.metadata;
    const { signal } = this.#ending;
    try {
      const { plugins } = this.#profileOf(pod.pod)!;
      for (const plugin of plugins) await plugin.preBind?.(pod, node, signal);
      this.#binding++;
      const began = clock.monotonic();
      try {
        await client.createSubresource(pods, parseKey(pod.key), 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name, uid }, target: { kind: 'Node', name: node } });
      } finally {
        this.#binding--;
        this.#bindingEnded?.();
        this.#bindingEnded = undefined;
      }
      if (this.#queue.has(pod.pod)) this.#queue.delete(pod.key);
      this.#metrics?.took('Bind', true, clock.monotonic() - began, nameOf(pod.pod));
      this.#metrics?.bound(queued.attempts, clock.now() - queued.since, queued.flushed);
      this.#recorderOf(pod.pod).event(pod.pod, 'Normal', 'Scheduled', `Successfully assigned ${pod.key} to ${node}`);
    } catch (error) {
      if (signal.aborted) return;
      for (const plugin of this.#profileOf(pod.pod)!.plugins) plugin.unreserve?.(pod, node);
      this.#cluster.forget(pod);
      // The room is free again.
      this.#queue.onEvent({ resource: 'AssignedPod', action: 'delete', object: pod.pod });
      if (!this.#queue.has(pod.pod)) return;
      if (isReason(error, 'NotFound')) return this.#queue.delete(pod.key);
      log.warn('binding failed', { pod: pod.key, node, error });
      this.#fail(queued, pod, `binding rejected: ${(error as Error).message}`);
    }
  }
}

const DEFAULT_NAME = 'default-scheduler';

const nameOf = ({ spec }: Pod): string => spec.schedulerName ?? DEFAULT_NAME;

/** Events' notes are limited. */
function truncated(message: string, limit = 1024): string {
  return message.length <= limit ? message : `${message.slice(0, limit - 4)} ...`;
}
