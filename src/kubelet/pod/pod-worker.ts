import type { Pod, PodStatus } from '../../api/generated/core-v1.ts';
import { probeGrace } from '../probes/prober.ts';
import { isEqual } from './equal.ts';
import { LogRotation } from './log-rotation.ts';
import type { ObservedContainer, PodObservation } from './observation.ts';
import { computePodActions, type KillAction, type PodActions } from './pod-actions.ts';
import { findContainer } from './pod-containers.ts';
import { podReferences } from './pod-references.ts';
import { PodRemover } from './pod-remover.ts';
import { PodReport } from './pod-report.ts';
import { PodResizer } from './pod-resizer.ts';
import { PodStarter } from './pod-starter.ts';
import { PodState, RETRY_MS } from './pod-state.ts';
import { isFinal, rejectedStatus, type PodFailure } from './pod-status.ts';
import { PodStopper } from './pod-stopper.ts';
import type { DeferredResize } from './resize-order.ts';
import type { WorkerContext } from './worker-context.ts';

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
  readonly logs: LogRotation;
  readonly #state: PodState;
  readonly #starter: PodStarter;
  readonly #stopper: PodStopper;
  readonly #resizer: PodResizer;
  readonly #remover: PodRemover;
  readonly #report: PodReport;
  #start: Promise<void> | undefined;
  /** The runtime was looked at anew while work was under way. */
  #stale = false;
  #timer: Disposable | undefined;
  #termination: Termination | undefined;
  /** The pod is no longer in the API. */
  #gone = false;
  #cleaned = false;
  #cleaning: Promise<void> | undefined;
  #rejected = false;
  #disposed = false;

  constructor(pod: Pod, observation: PodObservation, context: WorkerContext) {
    this.#state = new PodState(pod, observation, context, () => this.#sync());
    this.logs = new LogRotation(this.#state);
    this.#stopper = new PodStopper(this.#state);
    this.#resizer = new PodResizer(this.#state);
    this.#remover = new PodRemover(this.#state);
    this.#report = new PodReport(this.#state);
    this.#starter = new PodStarter({ state: this.#state, stopper: this.#stopper, actions: () => this.#actions(), publish: () => this.publish() });
  }

  get uid(): string {
    return this.#state.uid;
  }

  get pod(): Pod {
    return this.#state.pod;
  }

  /** The pod with the resources it has been given. */
  get allocatedPod(): Pod {
    return this.#state.resize.allocatedPod(this.#state.pod);
  }

  /** Whether something of it is being made or started. */
  get isStarting(): boolean {
    return this.#start !== undefined;
  }

  /** Resolves when all of it has ended and been told, after it was told to end. */
  async untilEnded(): Promise<void> {
    await this.#termination?.done;
  }

  get observation(): PodObservation {
    return this.#state.observation;
  }

  /** Whether it still holds resources of the node against others. */
  get active(): boolean {
    return !this.#cleaned && !this.#rejected && !(this.#termination && this.observation.containers.every((c) => c.state !== 'running'));
  }

  /** As last computed. */
  get status(): PodStatus | undefined {
    return this.#report.status;
  }

  /** Takes up the pod: as it is in the API and as the runtime has it. */
  begin(): void {
    const { pod, observation, probers, graceSeconds } = this.#state;
    // First of all: a status without them would say that nothing is ready.
    probers.keep();
    const { phase } = pod.status ?? {};
    if (pod.metadata.deletionTimestamp || phase === 'Succeeded' || phase === 'Failed') this.terminate(graceSeconds);
    else if (observation.sandboxes.length > 0) void this.#takeUp();
    else this.#sync();
  }

  /** Refused before anything of it was started. */
  reject(reason: string, message: string): void {
    const { statuses, recorder, clock, metrics } = this.#state.context;
    recorder.event(this.pod, 'Warning', reason, message);
    metrics.rejected(reason);
    statuses.set(this.pod, rejectedStatus(this.pod, reason, message, clock.now()));
    this.#report.fail({ reason, message: `Pod was rejected: ${message}` });
    this.#rejected = true;
  }

  update(pod: Pod): void {
    const previous = this.pod;
    this.#state.pod = pod;
    const isOwnStatus = this.#state.context.statuses.refresh(pod);
    if (pod.metadata.deletionTimestamp) return this.terminate(this.#state.graceSeconds);
    if (this.#termination || this.#rejected) return;
    // Somebody else says that it is over: then nothing of it is to run.
    if (isFinal(pod.status?.phase) && !isFinal(previous.status?.phase) && !isFinal(this.#state.context.statuses.get(this.uid)?.phase)) return this.terminate(this.#state.graceSeconds);
    if (previous.metadata.labels !== pod.metadata.labels || previous.metadata.annotations !== pod.metadata.annotations) void this.#state.volumes.refresh();
    if (previous.metadata.generation !== pod.metadata.generation || previous.spec !== pod.spec) this.#sync();
    else if (!isOwnStatus) this.publish();
  }

  /** The pod is gone from the API: what is left of it goes too. */
  remove(): void {
    this.#gone = true;
    if (this.#termination) void this.#termination.done.then(() => this.#cleanUp());
    else this.terminate(this.#state.graceSeconds);
  }

  /** Ends the pod from here, as failed: its deadline passed, or the node is short of something. */
  fail(reason: string, message: string, graceSeconds: number, disruption?: PodFailure['disruption']): void {
    if (this.#report.failed || this.#termination) return;
    this.#report.fail({ reason, message, ...(disruption && { disruption }) });
    this.terminate(graceSeconds);
  }

  /** The new resources it asks for, where the node could not give them yet. */
  get deferredResize(): DeferredResize | undefined {
    return this.#state.resize.deferred(this.pod);
  }

  /** Room has come free on the node: new resources that were deferred may be given now. */
  reconsider(): void {
    if (this.deferredResize) this.#sync();
  }

  owns(id: string): boolean {
    return this.observation.containers.some((c) => c.id === id) || this.observation.sandboxes.some((s) => s.id === id);
  }

  /** Something of this pod's ended in the runtime. */
  async notice(id: string): Promise<void> {
    try {
      await this.#state.look(id);
    } catch (error) {
      return this.#state.log.warn('cannot read the state of a container', { id, error });
    }
    this.#sync();
  }

  /** To be handed to `observe` with what was read after it. */
  get changes(): number {
    return this.#state.changes;
  }

  /**
   * What a look at the runtime found, begun when `changes` was as given. Where something began or ended since then it is older than what
   * is known, and would have it done twice: then, or while work is under way, only what is known to run is looked at again.
   */
  observe(observation: PodObservation, changes: number): void {
    const waited = this.#state.retryAt.delete('');
    const isBusy = this.#start !== undefined || this.#stopper.busy;
    this.#stale = isBusy;
    if (isBusy) return;
    if (changes !== this.#state.changes) return void this.#catchUp();
    // Mostly no event was lost: then there is nothing to decide.
    if (!waited && isEqual(observation, this.#state.observation)) return;
    this.#state.observation = observation;
    this.#sync();
  }

  /** A driver of devices has come: whoever waits for one tries again at once. */
  driverCame(): void {
    if (this.#termination || !(this.pod.spec.resourceClaims?.length || this.pod.status?.extendedResourceClaimStatus)) return;
    this.#state.retryAt.delete('');
    this.#sync();
  }

  /** A config map or secret changed. */
  referenceChanged(reference: string): void {
    if (this.#termination || !podReferences(this.pod).has(reference)) return;
    const { volumes, waiting, retryAt } = this.#state;
    void volumes.refresh();
    for (const [name, { reason }] of waiting) if (reason === 'CreateContainerConfigError') retryAt.delete(name);
    if (!volumes.mounted) retryAt.clear();
    this.#sync();
  }

  /** Ends all of the pod; a later call may only shorten the time that is left. What comes after depends on why: see #afterTermination. */
  terminate(graceSeconds: number): void {
    const running = this.#termination;
    if (!running) {
      this.#state.starting.abort(new Error('the pod is being terminated'));
      this.#timer?.[Symbol.dispose]();
      const termination: Termination = { graceSeconds, done: Promise.resolve() };
      this.#termination = termination;
      this.#report.terminating = true;
      termination.done = this.#runTermination(termination);
      return;
    }
    if (graceSeconds < running.graceSeconds) {
      running.graceSeconds = graceSeconds;
      this.#state.hurry.abort();
      for (const container of this.observation.containers) if (container.state === 'running') this.#stopper.shorten(container, graceSeconds);
    }
    // It had ended by itself before; now it is deleted.
    void running.done.then(() => this.#afterTermination());
  }

  /** Tells the API how the pod stands, as long as it knows the pod. */
  publish(): void {
    if (this.#disposed || this.#rejected || this.#gone) return;
    this.#report.publish();
  }

  /** Leaves everything running: another kubelet takes it up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#state.starting.abort(new Error('the kubelet is stopping'));
    this.#timer?.[Symbol.dispose]();
    this.#state.volumes[Symbol.dispose]();
    this.#state.probers[Symbol.dispose]();
    await this.#start;
    await this.#cleaning;
  }

  /** After a restart of the kubelet: probes go on, folders are brought up to date, nothing is started twice. */
  async #takeUp(): Promise<void> {
    await this.#state.volumes.refresh();
    this.#sync();
  }

  /** Decides and acts. Cheap, and idempotent: whoever has news calls it. */
  #sync(): void {
    try {
      this.#decide();
    } catch (error) {
      // One odd pod must not take all others of the node with it.
      this.#state.log.error('cannot decide on the pod', { error });
    }
  }

  #decide(): void {
    if (this.#disposed || this.#cleaned || this.#rejected) return;
    if (this.#termination) return this.publish();
    this.#state.probers.keep();
    if (this.#deadlinePassed()) return;
    this.#resizer.consider();
    const actions = this.#actions();
    for (const kill of actions.kill) void this.#kill(kill);
    if (actions.finished && !this.#stopper.busy && !this.#start) {
      // Everything has ended for good: the sandbox and the volumes are not needed any more.
      this.publish();
      return this.terminate(this.#state.graceSeconds);
    }
    if (actions.reset && !this.#stopper.busy && !this.#start) this.#start = this.#reset(actions.reset).finally(() => this.#afterStart());
    if ((actions.createSandbox || actions.start.length > 0) && !this.#start) {
      this.#start = this.#starter.run().finally(() => this.#afterStart());
    }
    this.#report.explainDelays(actions);
    this.#setTimer(actions);
    this.publish();
  }

  #afterStart(): void {
    this.#start = undefined;
    if (this.#stale) void this.#catchUp();
    else this.#sync();
  }

  /** Forgets the containers of the round that is over: the next decision begins with the first of them. Never rejects. */
  async #reset(containers: readonly ObservedContainer[]): Promise<void> {
    const { context: { runtime, backoff, clock }, backoffPrefix, log } = this.#state;
    const cause = containers.at(-1)!;
    backoff.next(backoffPrefix + cause.name, cause.finishedMs, clock.now());
    for (const container of containers) {
      const { name, restartCount } = container;
      this.#state.restarts.set(name, Math.max(this.#state.restarts.get(name) ?? 0, restartCount + 1));
      try {
        await runtime.removeContainer(container.id);
        this.#state.forget(container.id);
      } catch (error) {
        return log.warn('cannot remove a container that is to begin anew', { container: container.name, error });
      }
    }
  }

  #actions(): PodActions {
    const { pod, observation, probers, resize, context: { clock } } = this.#state;
    const unprobed = { started: false, livenessFailed: false, startupFailed: false };
    const restarts = resize.pending(pod, observation).filter(({ restart }) => restart).map(({ id }) => id);
    const actions = computePodActions({
      pod, observation, nowMs: clock.now(), notBeforeMs: (name) => this.#state.notBeforeMs(name), probe: (id) => probers.get(id) ?? unprobed, resizeRestart: (id) => restarts.includes(id),
    });
    // What is being stopped is neither stopped again nor started before it has ended.
    const dying = new Set(observation.containers.filter((c) => this.#stopper.isStopping(c.id)).map((c) => c.name));
    return { ...actions, kill: actions.kill.filter((k) => !dying.has(k.container.name)), start: actions.start.filter((s) => !dying.has(s.container.name)) };
  }

  async #kill({ container, reason, message }: KillAction): Promise<void> {
    const { pod, probers, resized, graceSeconds } = this.#state;
    const item = findContainer(pod, container.name);
    const kind = reason === 'livenessProbe' ? 'liveness' : reason === 'startupProbe' ? 'startup' : undefined;
    const grace = item && kind ? probeGrace(pod, item.container, kind) : graceSeconds;
    if (reason === 'resize') resized.add(container.id);
    probers.get(container.id)?.stop(['startup', 'liveness']);
    await this.#stopper.stopContainer(container, () => grace, reason === 'initFailed' ? message : `${message}, will be restarted`);
    this.#sync();
  }

  async #catchUp(): Promise<void> {
    this.#stale = false;
    try {
      await this.#stopper.lookAtRunning();
    } catch (error) {
      this.#state.log.warn('cannot read the state of the containers', { error });
    }
    this.#sync();
  }

  #setTimer({ delayed }: PodActions): void {
    this.#timer?.[Symbol.dispose]();
    const { clock } = this.#state.context;
    const deadline = this.#deadlineMs();
    const times = [...delayed.map(({ untilMs }) => untilMs), ...(deadline === undefined ? [] : [deadline])];
    this.#timer = times.length > 0 ? clock.timer(Math.max(0, Math.min(...times) - clock.now()), () => this.#sync()) : undefined;
  }

  #deadlineMs(): number | undefined {
    const { activeDeadlineSeconds } = this.pod.spec;
    const startTime = this.status?.startTime;
    return activeDeadlineSeconds === undefined || !startTime ? undefined : Date.parse(startTime) + activeDeadlineSeconds * 1000;
  }

  #deadlinePassed(): boolean {
    const deadline = this.#deadlineMs();
    if (deadline === undefined || deadline > this.#state.context.clock.now()) return false;
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#state.context.recorder.event(this.pod, 'Normal', 'DeadlineExceeded', message);
    this.fail('DeadlineExceeded', message, this.#state.graceSeconds);
    return true;
  }

  async #runTermination(termination: Termination): Promise<void> {
    const { probers, log, context: { recorder, clock, devices } } = this.#state;
    await this.#start;
    probers.stop(['startup', 'liveness']);
    this.publish();
    for (let waitMs = 1000; !this.#disposed; waitMs = Math.min(waitMs * 2, RETRY_MS)) {
      let isStopped = false;
      try {
        await this.#stopper.stopAll(() => termination.graceSeconds, () => this.publish());
        isStopped = true;
        await devices?.unprepare(this.pod);
        return await this.#afterTermination();
      } catch (error) {
        log.warn('cannot end the pod', { error });
        if (!isStopped) recorder.event(this.pod, 'Warning', 'FailedKillPod', `error killing pod: ${(error as Error).message}`);
        await clock.sleep(waitMs);
      }
    }
  }

  /** All has ended: says so, frees what the pod held, and where it was deleted, lets the API forget it. */
  async #afterTermination(): Promise<void> {
    if (this.#disposed) return;
    const { probers, volumes, context: { statuses, roomFreed } } = this.#state;
    probers[Symbol.dispose]();
    volumes[Symbol.dispose]();
    if (!this.#gone && !this.#rejected) this.#report.publishFinal();
    roomFreed();
    await volumes.settled();
    const freed = this.#remover.free(() => !this.#disposed);
    if (!this.#gone) await statuses.settled(this.uid);
    // Whoever sees that the pod is gone may rely on its volumes being free.
    await freed;
    if (this.#disposed) return;
    if (this.pod.metadata.deletionTimestamp && !this.#gone) await this.#remover.deleteFromApi(() => !this.#disposed && !this.#gone);
    if (this.#gone) await this.#cleanUp();
  }

  /** The pod is gone from the API and has ended here: nothing of it stays. */
  async #cleanUp(): Promise<void> {
    this.#cleaned = true;
    await (this.#cleaning ??= this.#remover.removeRest());
  }
}
