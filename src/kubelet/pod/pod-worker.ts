import { rm } from 'node:fs/promises';
import type { Pod, PodStatus } from '../../api/generated/core-v1.ts';
import { isReason } from '../../api/errors.ts';
import { pods } from '../../api/generated/resources.ts';
import type { Log } from '../../base/log.ts';
import { isRuntimeError } from '../../cri/runtime.ts';
import { ContainerStartError } from '../container/config-error.ts';
import { linuxResources, podCgroupPath } from '../container/resources.ts';
import { podLogDirectory } from '../container/sandbox-config.ts';
import { ContainerProber, probeGrace } from '../probes/prober.ts';
import { runHook } from '../probes/run-probe.ts';
import { setUpVolumes, tearDownVolumes, VolumeError } from '../volumes/pod-volumes.ts';
import type { MountedVolume } from '../volumes/volume-type.ts';
import { removeLog, rotateLog } from './container-log-files.ts';
import type { WaitingReason } from './container-statuses.ts';
import { finalizeStatus } from './finalize-status.ts';
import { killContainer } from './kill.ts';
import { containerReference, fieldContext, launchContainer, launchSandbox, readContainer } from './launch.ts';
import {
  currentContainer, observeSandbox, without, withContainer, withSandbox, type ObservedContainer, type ObservedSandbox, type PodObservation,
} from './observation.ts';
import { computePodActions, usableSandbox, type KillAction, type PodActions } from './pod-actions.ts';
import { findContainer, isSidecar, podContainers, podTitle, type PodContainer } from './pod-containers.ts';
import { PodResize, resizeMessage } from './pod-resize.ts';
import { podReferences } from './pod-references.ts';
import { podStatus, rejectedStatus, type PodFailure } from './pod-status.ts';
import { goDuration } from './restart-backoff.ts';
import type { WorkerContext } from './worker-context.ts';

/** How long after a failure that nothing announces the end of (a missing secret, a failed sandbox) the next try comes. Upstream: backOffPeriod. */
const RETRY_MS = 10_000;
const HISTORY = 2;

interface Termination {
  graceSeconds: number;
  done: Promise<void>;
}

/**
 * Looks after one pod: makes what the runtime has (the observation) into what the pod asks for, one decision after another
 * (pod-actions.ts), and tells the API how it stands. At most one start runs at a time, in the order of the spec; kills run beside it.
 * Woken by changes of the pod, exits, probes, objects it refers to, and its own timers; it never looks by itself.
 */
export class PodWorker {
  readonly uid: string;
  #pod: Pod;
  #observation: PodObservation;
  readonly #context: WorkerContext;
  readonly #log: Log;
  readonly #starting = new AbortController();
  /** Aborted when the grace period of the termination is cut short. */
  readonly #hurry = new AbortController();
  #start: Promise<void> | undefined;
  readonly #kills = new Map<string, Promise<void>>();
  readonly #probers = new Map<string, ContainerProber>();
  readonly #waiting = new Map<string, WaitingReason>();
  /** By container name; '' stands for the sandbox. Milliseconds since 1970. */
  readonly #retryAt = new Map<string, number>();
  /** Containers whose back-off has been told in an event. */
  readonly #toldBackoff = new Set<string>();
  readonly #resize: PodResize;
  /** Containers that were stopped for new resources: no crash. */
  readonly #resized = new Set<string>();
  /** Resources that the runtime is being told, by container id. */
  readonly #resizing = new Set<string>();
  /** The runtime was looked at anew while work was under way. */
  #stale = false;
  #deleting: Promise<void> | undefined;
  #volumes: ReadonlyMap<string, MountedVolume> | undefined;
  #volumeTimer: Disposable | undefined;
  #timer: Disposable | undefined;
  #termination: Termination | undefined;
  #failure: PodFailure | undefined;
  /** The pod is no longer in the API. */
  #removed = false;
  #cleaned = false;
  #rejected = false;
  #disposed = false;

  constructor(pod: Pod, observation: PodObservation, context: WorkerContext) {
    this.uid = pod.metadata.uid;
    this.#pod = pod;
    this.#observation = observation;
    this.#context = context;
    this.#resize = new PodResize(pod);
    this.#log = context.log.child(`${pod.metadata.namespace}/${pod.metadata.name}`);
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The pod with the resources it has been given. */
  get allocatedPod(): Pod {
    return this.#resize.allocatedPod(this.#pod);
  }

  get observation(): PodObservation {
    return this.#observation;
  }

  /** Whether it still holds resources of the node against others. */
  get active(): boolean {
    return !this.#cleaned && !this.#rejected && !(this.#termination && this.#observation.containers.every((c) => c.state !== 'running'));
  }

  /** The pod as it is now, with the status last computed. */
  get status(): PodStatus | undefined {
    return this.#context.statuses.get(this.uid) ?? this.#pod.status;
  }

  /** Takes up the pod: as it is in the API and as the runtime has it. */
  begin(): void {
    // First of all: a status without them would say that nothing is ready.
    this.#keepProbers();
    const { phase } = this.#pod.status ?? {};
    if (this.#pod.metadata.deletionTimestamp) this.terminate(this.#pod.metadata.deletionGracePeriodSeconds ?? 30);
    else if (phase === 'Succeeded' || phase === 'Failed') this.terminate(this.#graceSeconds());
    else if (this.#observation.sandboxes.length > 0) void this.#takeUp();
    else this.#sync();
  }

  /** Refused before anything of it was started. */
  reject(reason: string, message: string): void {
    const { statuses, recorder, clock } = this.#context;
    recorder.event(this.#pod, 'Warning', reason, message);
    statuses.set(this.#pod, rejectedStatus(this.#pod, reason, message, clock.now()));
    this.#failure = { reason, message: `Pod was rejected: ${message}` };
    this.#rejected = true;
  }

  update(pod: Pod): void {
    const previous = this.#pod;
    this.#pod = pod;
    this.#context.statuses.refresh(pod);
    if (pod.metadata.deletionTimestamp) return this.terminate(pod.metadata.deletionGracePeriodSeconds ?? 30);
    if (this.#termination || this.#rejected) return;
    if (previous.metadata.labels !== pod.metadata.labels || previous.metadata.annotations !== pod.metadata.annotations) void this.#refreshVolumes();
    if (previous.metadata.generation !== pod.metadata.generation || previous.spec !== pod.spec) this.#sync();
    else this.publish();
  }

  /** The pod is gone from the API: what is left of it goes too. */
  remove(): void {
    this.#removed = true;
    if (this.#termination) void this.#termination.done.then(() => this.#cleanUp());
    else this.terminate(this.#graceSeconds());
  }

  /** Ends the pod from here, as failed: its deadline passed, or the node is short of something. */
  fail(reason: string, message: string, graceSeconds: number, disruption?: { readonly reason: string; readonly message: string }): void {
    if (this.#failure || this.#termination) return;
    this.#failure = { reason, message, ...(disruption && { disruption }) };
    this.terminate(graceSeconds);
  }

  /** Room has come free on the node: new resources that were refused may be given now. */
  reconsider(): void {
    if (this.#resize.asksForMore(this.#pod)) this.#sync();
  }

  /** Something ended, or began, in the runtime. Answers whether it is this pod's. */
  async notice(id: string): Promise<void> {
    const { runtime } = this.#context;
    const container = this.#observation.containers.find((c) => c.id === id);
    try {
      if (container) this.#observeContainer(await readContainer(await runtime.containerStatus(id), container.sandboxId, this.#pod, this.#context));
      else if (this.#observation.sandboxes.some((s) => s.id === id)) this.#observation = withSandbox(this.#observation, observeSandbox(await runtime.podSandboxStatus(id)));
      else return;
    } catch (error) {
      if (!isRuntimeError(error, 'NotFound')) return this.#log.warn('cannot read the state of a container', { id, error });
      this.#observation = without(this.#observation, id);
    }
    this.#sync();
  }

  owns(id: string): boolean {
    return this.#observation.containers.some((c) => c.id === id) || this.#observation.sandboxes.some((s) => s.id === id);
  }

  /** What a fresh look at the runtime found; what began meanwhile is kept. */
  observe(observation: PodObservation): void {
    this.#retryAt.delete('');
    if (this.#start || this.#kills.size > 0) {
      this.#stale = true;
      return;
    }
    this.#observation = observation;
    this.#sync();
  }

  /** A config map or secret changed. */
  referenceChanged(reference: string): void {
    if (this.#termination || !podReferences(this.#pod).has(reference)) return;
    void this.#refreshVolumes();
    for (const [name, { reason }] of this.#waiting) if (reason === 'CreateContainerConfigError') this.#retryAt.delete(name);
    if (!this.#volumes) this.#retryAt.clear();
    this.#sync();
  }

  /** Keeps the logs of running containers from growing without end. */
  async rotateLogs(): Promise<void> {
    for (const container of this.#observation.containers) {
      if (container.state !== 'running' || !container.logPath) continue;
      try {
        await rotateLog(container, this.#context.runtime, this.#context.clock.now());
      } catch (error) {
        this.#log.warn('cannot rotate a log', { container: container.name, error });
      }
    }
  }

  /** Leaves everything running: another kubelet takes it up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#starting.abort(new Error('the kubelet is stopping'));
    this.#timer?.[Symbol.dispose]();
    this.#volumeTimer?.[Symbol.dispose]();
    for (const prober of this.#probers.values()) prober[Symbol.dispose]();
    await this.#start;
  }

  publish(): void {
    if (this.#disposed || (this.#removed && this.#cleaned)) return;
    const status = this.#computeStatus(this.#termination !== undefined);
    this.#context.statuses.set(this.#pod, status);
  }

  #computeStatus(terminating: boolean): PodStatus {
    const { clock, statuses, hostIps } = this.#context;
    const previous = { ...this.#pod.status, ...statuses.get(this.uid), ...(this.#pod.status?.conditions && { conditions: this.#conditions() }) };
    return podStatus({
      pod: this.#pod, observation: this.#observation, previous, waiting: this.#waiting, terminating, hostIps, nowMs: clock.now(),
      probe: (id) => this.#probers.get(id) ?? { started: false, ready: false }, resources: (name, id) => this.#resize.resources(name, id),
      resizeConditions: terminating ? [] : this.#resize.conditions(this.#pod, this.#observation), ...(this.#failure && { failure: this.#failure }),
    });
  }

  /** Ours as last computed, others' as the API has them. */
  #conditions(): NonNullable<PodStatus['conditions']> {
    const own = this.#context.statuses.get(this.uid)?.conditions ?? [];
    const api = this.#pod.status?.conditions ?? [];
    return [...api.map((c) => own.find((o) => o.type === c.type) ?? c), ...own.filter((o) => !api.some((c) => c.type === o.type))];
  }

  #graceSeconds(): number {
    return this.#pod.metadata.deletionGracePeriodSeconds ?? this.#pod.spec.terminationGracePeriodSeconds ?? 30;
  }

  /** After a restart of the kubelet: probes go on, folders are brought up to date, nothing is started twice. */
  async #takeUp(): Promise<void> {
    await this.#refreshVolumes();
    this.#sync();
  }

  /** Decides and acts. Cheap, and idempotent: whoever has news calls it. */
  #sync(): void {
    if (this.#disposed || this.#cleaned || this.#rejected) return;
    if (this.#termination) return this.publish();
    this.#keepProbers();
    if (this.#deadlinePassed()) return;
    this.#considerResize();
    const actions = this.#actions();
    for (const kill of actions.kill) this.#killOne(kill);
    if (actions.finished && this.#kills.size === 0 && !this.#start) {
      // Everything has ended for good: the sandbox and the volumes are not needed any more.
      this.publish();
      return this.terminate(this.#graceSeconds());
    }
    if ((actions.createSandbox || actions.start.length > 0) && !this.#start) {
      this.#start = this.#runStart().finally(() => {
        this.#start = undefined;
        if (this.#stale) void this.#catchUp();
        else this.#sync();
      });
    }
    this.#explainDelays(actions);
    this.#setTimer(actions);
    this.publish();
  }

  #actions(): PodActions {
    const nowMs = this.#context.clock.now();
    const idle = { started: false, livenessFailed: false, startupFailed: false };
    const actions = computePodActions({
      pod: this.#pod, observation: this.#observation, nowMs, notBeforeMs: (name) => this.#notBefore(name), probe: (id) => this.#probers.get(id) ?? idle,
      resizeRestart: (id) => this.#resize.pending(this.#pod, this.#observation).some((p) => p.id === id && p.restart),
    });
    // What is being killed is neither killed again nor started before it has ended.
    const dying = new Set(this.#observation.containers.filter((c) => this.#kills.has(c.id)).map((c) => c.name));
    return { ...actions, kill: actions.kill.filter((k) => !this.#kills.has(k.container.id)), start: actions.start.filter((s) => !dying.has(s.container.name)) };
  }

  #backoffKey(name: string): string {
    return `${this.uid}_${name}`;
  }

  #notBefore(name: string): number {
    const retry = this.#retryAt.get(name) ?? 0;
    const current = currentContainer(this.#observation, name);
    if (current?.state !== 'exited') return retry;
    return Math.max(retry, current.finishedMs + this.#context.backoff.delayMs(this.#backoffKey(name), current.finishedMs));
  }

  /** Containers that back off after a crash say so in their status and, once a crash, in an event. */
  #explainDelays({ delayed }: PodActions): void {
    for (const { container: item } of delayed) {
      const { name } = item.container;
      const current = currentContainer(this.#observation, name);
      if (current?.state !== 'exited' || (this.#retryAt.get(name) ?? 0) > this.#context.clock.now()) continue;
      const delayMs = this.#context.backoff.delayMs(this.#backoffKey(name), current.finishedMs);
      this.#waiting.set(name, { reason: 'CrashLoopBackOff', message: `back-off ${goDuration(delayMs)} restarting failed container=${name} pod=${podTitle(this.#pod)}` });
      if (this.#toldBackoff.has(current.id)) continue;
      this.#toldBackoff.add(current.id);
      this.#context.recorder.event(containerReference(this.#pod, item), 'Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${podTitle(this.#pod)}`);
    }
  }

  #setTimer({ delayed }: PodActions): void {
    this.#timer?.[Symbol.dispose]();
    const { clock } = this.#context;
    const deadline = this.#deadlineMs();
    const times = [...delayed.map(({ untilMs }) => untilMs), ...(deadline === undefined ? [] : [deadline])];
    this.#timer = times.length > 0 ? clock.timer(Math.max(0, Math.min(...times) - clock.now()), () => this.#sync()) : undefined;
  }

  #deadlineMs(): number | undefined {
    const { activeDeadlineSeconds } = this.#pod.spec;
    const startTime = this.status?.startTime;
    return activeDeadlineSeconds === undefined || !startTime ? undefined : Date.parse(startTime) + activeDeadlineSeconds * 1000;
  }

  #deadlinePassed(): boolean {
    const deadline = this.#deadlineMs();
    if (deadline === undefined || deadline > this.#context.clock.now()) return false;
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#context.recorder.event(this.#pod, 'Normal', 'DeadlineExceeded', message);
    this.fail('DeadlineExceeded', message, this.#graceSeconds());
    return true;
  }

  // Starting

  /** Makes the sandbox where it is missing, then starts what is to be started, one after another, until nothing is left to start now. */
  async #runStart(): Promise<void> {
    const { signal } = this.#starting;
    try {
      const { createSandbox } = this.#actions();
      const volumes = this.#volumes ? undefined : this.#mountVolumes();
      volumes?.catch(() => undefined);
      if (createSandbox) await this.#makeSandbox(createSandbox.attempt, createSandbox.stop);
      await volumes;
      const tried = new Set<string>();
      for (;;) {
        signal.throwIfAborted();
        const sandbox = usableSandbox(this.#pod, this.#observation);
        const next = this.#actions().start.find((item) => !tried.has(item.container.name));
        if (!sandbox || !next) return;
        tried.add(next.container.name);
        await this.#startOne(next, sandbox);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#retryAt.set('', this.#context.clock.now() + RETRY_MS);
      this.#retryAll(error instanceof VolumeError);
      if (error instanceof VolumeError) this.#context.recorder.event(this.#pod, 'Warning', 'FailedMount', error.message);
      else this.#log.warn('cannot start the pod', { error });
    }
  }

  /** After a fault of the whole pod no container is tried before the pod is. */
  #retryAll(volumesFailed: boolean): void {
    if (!volumesFailed) return;
    for (const { container } of podContainers(this.#pod)) this.#retryAt.set(container.name, this.#retryAt.get('')!);
  }

  async #makeSandbox(attempt: number, stop: readonly ObservedSandbox[]): Promise<void> {
    const { runtime, recorder } = this.#context;
    if (stop.length > 0) {
      recorder.event(this.#pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
      for (const sandbox of stop) await this.#stopSandbox(sandbox);
      await this.#refreshContainers();
    }
    try {
      const sandbox = await launchSandbox(this.#pod, attempt, this.#context);
      this.#observation = withSandbox(this.#observation, sandbox);
      if (!usableSandbox(this.#pod, this.#observation)) throw new Error(`sandbox ${sandbox.id} has no address`);
      this.#retryAt.delete('');
    } catch (error) {
      if (this.#starting.signal.aborted) throw error;
      recorder.event(this.#pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${(error as Error).message}`);
      // A sandbox that was begun when the kubelet or the runtime ended may still hold the name.
      const held = /is reserved for "?([0-9a-f]{16,})/.exec((error as Error).message);
      if (held) await runtime.removePodSandbox(held[1]!).catch((cause: unknown) => this.#log.debug('cannot remove a half-made sandbox', { error: cause }));
      throw error;
    }
  }

  async #startOne(item: PodContainer, sandbox: ObservedSandbox): Promise<void> {
    const { clock, backoff } = this.#context;
    const { name } = item.container;
    const current = currentContainer(this.#observation, name);
    if (current?.state === 'exited' && !this.#resized.delete(current.id)) backoff.next(this.#backoffKey(name), current.finishedMs, clock.now());
    this.#retryAt.delete(name);
    const pod = this.#resize.allocatedPod(this.#pod);
    try {
      const started = await launchContainer({
        pod, item: findContainer(pod, name) ?? item, sandbox, observation: this.#observation, volumes: this.#volumes!, signal: this.#starting.signal, pulling: () => this.publish(),
      }, this.#context);
      this.#resize.started(started.id, name);
      await this.#afterStart(item, started, sandbox);
      this.#waiting.delete(name);
      void this.#pruneHistory(name);
    } catch (error) {
      if (this.#starting.signal.aborted) throw error;
      // No fault of the container's, so nothing to back off for.
      if (await this.#sandboxDied(sandbox)) return backoff.forget(this.#backoffKey(name));
      const reason = error instanceof ContainerStartError ? error.reason : 'CreateContainerError';
      this.#waiting.set(name, { reason, message: (error as Error).message });
      this.#retryAt.set(name, error instanceof ContainerStartError && error.retryAtMs !== undefined ? error.retryAtMs : clock.now() + RETRY_MS);
      this.publish();
    }
  }

  /** Whether a start failed because there is no sandbox any more: then a new one is made, at once. */
  async #sandboxDied(sandbox: ObservedSandbox): Promise<boolean> {
    try {
      this.#observation = withSandbox(this.#observation, observeSandbox(await this.#context.runtime.podSandboxStatus(sandbox.id)));
    } catch (error) {
      if (!isRuntimeError(error, 'NotFound')) return false;
      this.#observation = without(this.#observation, sandbox.id);
    }
    return !usableSandbox(this.#pod, this.#observation);
  }

  async #afterStart(item: PodContainer, started: ObservedContainer, sandbox: ObservedSandbox): Promise<void> {
    const { runtime, network, clock, recorder } = this.#context;
    const postStart = item.container.lifecycle?.postStart;
    if (postStart && started.state === 'running') {
      const target = { pod: this.#pod, container: item.container, containerId: started.id, podIp: this.#podIp(sandbox) };
      try {
        await runHook(postStart, target, runtime, network, (ms) => clock.sleep(ms, this.#starting.signal));
      } catch (error) {
        recorder.event(containerReference(this.#pod, item), 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
        await killContainer({
          pod: this.#pod, container: started, podIp: target.podIp, graceSeconds: () => this.#graceSeconds(), hurry: this.#hurry.signal, message: 'FailedPostStartHook',
        }, this.#context);
        this.#observeContainer(await readContainer(await runtime.containerStatus(started.id), sandbox.id, this.#pod, this.#context));
        throw new ContainerStartError('PostStartHookError', (error as Error).message, clock.now());
      }
    }
    // It may have ended while the hook ran.
    const known = this.#observation.containers.find((c) => c.id === started.id);
    this.#observeContainer(known?.state === 'exited' ? known : started);
    this.#keepProbers();
    if (started.state === 'running') void this.#checkStillRunning(started.id);
  }

  /** An exit between the start and our taking note of the container may have been told before we could know whose it was. */
  async #checkStillRunning(id: string): Promise<void> {
    const { runtime } = this.#context;
    const status = await runtime.containerStatus(id).catch(() => undefined);
    if (status && status.state !== 'CONTAINER_RUNNING') await this.notice(id);
  }

  #podIp(sandbox: ObservedSandbox): string {
    return this.#pod.spec.hostNetwork ? this.#context.hostIps[0] ?? '' : sandbox.ips[0] ?? '';
  }

  #observeContainer(container: ObservedContainer): void {
    this.#observation = withContainer(this.#observation, container);
    if (container.state === 'exited') {
      this.#probers.get(container.id)?.[Symbol.dispose]();
      this.#probers.delete(container.id);
      this.#resize.ended(container.id);
    }
  }

  /** Every running container has its probes, no other has. */
  #keepProbers(): void {
    const { runtime, network, clock, recorder } = this.#context;
    const sandbox = this.#observation.sandboxes[0];
    for (const running of this.#observation.containers) {
      if (running.state !== 'running' || this.#probers.has(running.id) || !sandbox) continue;
      const item = findContainer(this.#pod, running.name);
      if (!item) continue;
      const { containerStatuses = [], initContainerStatuses = [] } = this.#pod.status ?? {};
      const before = [...containerStatuses, ...initContainerStatuses].find((s) => s.containerID === `containerd://${running.id}`);
      this.#probers.set(running.id, new ContainerProber({
        pod: this.#pod, container: item.container, containerId: running.id, podIp: this.#podIp(sandbox), startedMs: running.startedMs,
        ...(before?.state?.running && { before: { started: before.started ?? false, ready: before.ready } }),
      }, {
        runtime, network, clock, changed: () => this.#sync(),
        event: (_container, ...event) => recorder.event(containerReference(this.#pod, item), ...event),
      }));
    }
  }

  /** Keeps the last ended container of a name, for its log and last state; the ones before go. */
  async #pruneHistory(name: string): Promise<void> {
    for (const old of this.#observation.containers.filter((c) => c.name === name).slice(HISTORY)) {
      if (old.state === 'running') continue;
      try {
        await this.#context.runtime.removeContainer(old.id);
        await removeLog(old.logPath);
        this.#observation = without(this.#observation, old.id);
      } catch (error) {
        this.#log.debug('cannot remove an old container', { id: old.id, error });
      }
    }
  }

  // Volumes

  async #mountVolumes(): Promise<void> {
    const { client, objects, tokens, clock, random, mounter } = this.#context;
    const fields = fieldContext(this.#pod, this.#observation.sandboxes[0]?.ips ?? [], this.#context);
    this.#volumes = await setUpVolumes(this.#pod, this.#context.podDirectory(this.uid), { client, objects, tokens, clock, random, mounter, fields });
    this.#volumeTimer?.[Symbol.dispose]();
    const times = [...this.#volumes.values()].flatMap((v) => v.refreshAtMs ?? []);
    if (times.length > 0 && !this.#disposed) this.#volumeTimer = clock.timer(Math.max(1000, Math.min(...times) - clock.now()), () => void this.#refreshVolumes());
  }

  /** Brings the content of mounted volumes up to date. */
  async #refreshVolumes(): Promise<void> {
    if (this.#termination || this.#disposed || (!this.#volumes && this.#observation.sandboxes.length === 0)) return;
    try {
      await this.#mountVolumes();
    } catch (error) {
      if (this.#termination || this.#disposed) return;
      this.#log.warn('cannot bring the volumes up to date', { error });
      if (this.#volumes) this.#volumeTimer = this.#context.clock.timer(60_000, () => void this.#refreshVolumes());
    }
  }

  // New resources

  /** Agrees to new resources if the node has them, and tells the runtime. */
  #considerResize(): void {
    const { recorder, resizeVerdict } = this.#context;
    if (this.#resize.asksForMore(this.#pod)) {
      const refusal = resizeVerdict(this.#pod);
      if (!refusal) {
        this.#resize.accept(this.#pod);
        recorder.event(this.#pod, 'Normal', 'ResizeStarted', resizeMessage(this.#pod, 'Pod resize started'));
      } else if (this.#resize.refuse(refusal)) {
        recorder.event(this.#pod, 'Warning', `Resize${refusal.reason}`, resizeMessage(this.#pod, `Pod resize ${refusal.reason}`, refusal.message));
      }
    } else this.#resize.withdraw();
    for (const { id, name, restart } of this.#resize.pending(this.#pod, this.#observation)) {
      if (!restart && !this.#resizing.has(id)) void this.#updateResources(id, name);
    }
  }

  async #updateResources(id: string, name: string): Promise<void> {
    const pod = this.#resize.allocatedPod(this.#pod);
    const { runtime, capacity, recorder } = this.#context;
    this.#resizing.add(id);
    try {
      await runtime.updateContainerResources(id, linuxResources(pod, findContainer(pod, name)!.container, capacity.memoryBytes));
      this.#resize.started(id, name);
      if (this.#resize.pending(this.#pod, this.#observation).length === 0) recorder.event(this.#pod, 'Normal', 'ResizeCompleted', resizeMessage(pod, 'Pod resize completed'));
    } catch (error) {
      recorder.event(this.#pod, 'Warning', 'ResizeError', resizeMessage(pod, 'Pod resize error', (error as Error).message));
      await this.#context.clock.sleep(RETRY_MS, this.#starting.signal).catch(() => undefined);
    } finally {
      this.#resizing.delete(id);
    }
    this.#sync();
  }

  // Stopping

  #killOne({ container, reason, message }: KillAction): void {
    const item = findContainer(this.#pod, container.name);
    const sandbox = this.#observation.sandboxes[0];
    const kind = reason === 'livenessProbe' ? 'liveness' : reason === 'startupProbe' ? 'startup' : undefined;
    const graceSeconds = item && kind ? probeGrace(this.#pod, item.container, kind) : this.#graceSeconds();
    if (reason === 'resize') this.#resized.add(container.id);
    const ending = reason === 'initFailed' ? message : `${message}, will be restarted`;
    this.#probers.get(container.id)?.stop(['startup', 'liveness']);
    const kill = this.#stopContainer(container, () => graceSeconds, ending, sandbox).finally(() => {
      this.#kills.delete(container.id);
      this.#sync();
    });
    this.#kills.set(container.id, kill);
  }

  async #stopContainer(container: ObservedContainer, graceSeconds: () => number, message: string, sandbox = this.#observation.sandboxes[0]): Promise<void> {
    const { runtime } = this.#context;
    try {
      await killContainer({ pod: this.#pod, container, podIp: sandbox ? this.#podIp(sandbox) : '', graceSeconds, message, hurry: this.#hurry.signal }, this.#context);
      this.#observeContainer(await readContainer(await runtime.containerStatus(container.id), container.sandboxId, this.#pod, this.#context));
    } catch (error) {
      if (isRuntimeError(error, 'NotFound')) this.#observation = without(this.#observation, container.id);
      else this.#log.warn('cannot stop a container', { container: container.name, error });
    }
  }

  async #stopSandbox(sandbox: ObservedSandbox): Promise<void> {
    try {
      await this.#context.runtime.stopPodSandbox(sandbox.id);
      // Its addresses stay in the status.
      this.#observation = withSandbox(this.#observation, { ...sandbox, ready: false, ips: [] });
    } catch (error) {
      if (!isRuntimeError(error, 'NotFound')) throw error;
      this.#observation = without(this.#observation, sandbox.id);
    }
  }

  async #catchUp(): Promise<void> {
    this.#stale = false;
    try {
      await this.#refreshContainers();
    } catch (error) {
      this.#log.warn('cannot read the state of the containers', { error });
    }
    this.#sync();
  }

  async #refreshContainers(): Promise<void> {
    for (const container of this.#observation.containers.filter((c) => c.state === 'running' || c.state === 'unknown')) {
      try {
        this.#observeContainer(await readContainer(await this.#context.runtime.containerStatus(container.id), container.sandboxId, this.#pod, this.#context));
      } catch (error) {
        if (!isRuntimeError(error, 'NotFound')) throw error;
        this.#observation = without(this.#observation, container.id);
      }
    }
  }

  /** Ends all of the pod; a later call may only shorten the time that is left. What comes after depends on why: see #afterTermination. */
  terminate(graceSeconds: number): void {
    const running = this.#termination;
    if (!running) {
      this.#starting.abort(new Error('the pod is being terminated'));
      this.#timer?.[Symbol.dispose]();
      const termination: Termination = { graceSeconds, done: Promise.resolve() };
      this.#termination = termination;
      termination.done = this.#runTermination(termination);
      return;
    }
    if (graceSeconds < running.graceSeconds) {
      running.graceSeconds = graceSeconds;
      this.#hurry.abort();
      for (const container of this.#observation.containers) {
        if (container.state === 'running') void this.#context.runtime.stopContainer(container.id, graceSeconds).catch((error: unknown) => this.#log.debug('cannot hurry a container', { error }));
      }
    }
    // It had ended by itself before; now it is deleted.
    void running.done.then(() => this.#afterTermination());
  }

  async #runTermination(termination: Termination): Promise<void> {
    await this.#start;
    await Promise.all(this.#kills.values());
    for (const prober of this.#probers.values()) prober.stop(['startup', 'liveness']);
    this.publish();
    for (let attempt = 0; !this.#disposed; attempt++) {
      try {
        await this.#stopAll(termination);
        break;
      } catch (error) {
        this.#log.warn('cannot stop the pod', { error });
        this.#context.recorder.event(this.#pod, 'Warning', 'FailedKillPod', `error killing pod: ${(error as Error).message}`);
        await this.#context.clock.sleep(Math.min(1000 * 2 ** attempt, RETRY_MS));
      }
    }
    if (this.#disposed) return;
    await this.#afterTermination();
  }

  async #stopAll(termination: Termination): Promise<void> {
    const running = this.#observation.containers.filter((c) => c.state === 'running' || c.state === 'unknown');
    const stop = (container: ObservedContainer): Promise<void> =>
      this.#stopContainer(container, () => termination.graceSeconds, `Stopping container ${container.name}`).then(() => this.publish());
    const sidecarNames = podContainers(this.#pod).filter(isSidecar).map(({ container }) => container.name);
    await Promise.all(running.filter((c) => !sidecarNames.includes(c.name)).map(stop));
    // Sidecars serve the others to the end, and each other in the order they were started.
    for (const name of sidecarNames.reverse()) await Promise.all(running.filter((c) => c.name === name).map(stop));
    await Promise.all(this.#observation.sandboxes.filter((s) => s.ready).map((sandbox) => this.#stopSandbox(sandbox)));
  }

  /** All has ended: says so, frees what the pod held, and where it was deleted, lets the API forget it. */
  async #afterTermination(): Promise<void> {
    if (this.#disposed) return;
    const { statuses, mounter, cgroups, sandbox: { cgroupRoot } } = this.#context;
    for (const prober of this.#probers.values()) prober[Symbol.dispose]();
    this.#probers.clear();
    if (!this.#removed) statuses.set(this.#pod, finalizeStatus(this.#pod, this.#computeStatus(true)));
    this.#volumeTimer?.[Symbol.dispose]();
    const freed = (async (): Promise<void> => {
      await tearDownVolumes(this.#context.podDirectory(this.uid), mounter);
      if (cgroupRoot !== undefined) await cgroups.remove(podCgroupPath(this.#pod, cgroupRoot));
    })().catch((error: unknown) => this.#log.warn('cannot free all that the pod held', { error }));
    if (!this.#removed) await statuses.settled(this.uid);
    if (this.#pod.metadata.deletionTimestamp && !this.#removed) await (this.#deleting ??= this.#deleteFromApi());
    await freed;
    if (this.#removed) await this.#cleanUp();
  }

  /** Lets the API forget the pod, once: where finalizers hold it, it stays until they are gone. */
  async #deleteFromApi(): Promise<void> {
    const { client, clock } = this.#context;
    const { namespace, name } = this.#pod.metadata;
    for (let waitMs = 100; !this.#disposed && !this.#removed; waitMs = Math.min(waitMs * 2, RETRY_MS)) {
      try {
        return await client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid: this.uid } });
      } catch (error) {
        if (isReason(error, 'NotFound', 'Conflict')) return;
        this.#log.warn('cannot delete the pod from the API', { error });
        await clock.sleep(waitMs);
      }
    }
  }

  /** The pod is gone from the API and has ended here: nothing of it stays. */
  async #cleanUp(): Promise<void> {
    if (this.#cleaned) return;
    this.#cleaned = true;
    const { runtime, statuses, backoff, puller, tokens, sandbox: { podLogsDir }, gone } = this.#context;
    try {
      for (const sandbox of this.#observation.sandboxes) await runtime.removePodSandbox(sandbox.id);
      await rm(this.#context.podDirectory(this.uid), { recursive: true, force: true });
      await rm(podLogDirectory(podLogsDir, this.#pod), { recursive: true, force: true });
    } catch (error) {
      this.#log.warn('cannot remove all of the pod', { error });
    }
    statuses.forget(this.uid);
    backoff.forget(`${this.uid}_`);
    puller.forgetPod(this.uid);
    tokens.forget(this.uid);
    gone(this.uid);
  }
}

