import { ContainerStartError } from '../container/config-error.ts';
import { runHook } from '../probes/run-probe.ts';
import { VolumeError } from '../volumes/set-up-volumes.ts';
import { removeLog } from './container-log-files.ts';
import { containerReference, launchContainer, launchSandbox } from './launch.ts';
import { currentContainer, type ObservedContainer, type ObservedSandbox } from './observation.ts';
import { usableSandbox, type PodActions } from './pod-actions.ts';
import { findContainer, podContainers, type PodContainer } from './pod-containers.ts';
import { RETRY_MS, type PodState } from './pod-state.ts';
import type { PodStopper } from './pod-stopper.ts';

/** Of each name the current container is kept, and the one before for its log and last state. */
const HISTORY = 2;

export interface PodStarterOptions {
  readonly state: PodState;
  readonly stopper: PodStopper;
  /** What is to be done now, by the latest news. */
  readonly actions: () => PodActions;
  /** Tells the API how the pod stands: something takes its time. */
  readonly publish: () => void;
}

/** Starts what a pod lacks: sandbox, volumes, containers. */
export class PodStarter {
  readonly #options: PodStarterOptions;

  constructor(options: PodStarterOptions) {
    this.#options = options;
  }

  /** Makes the sandbox where it is missing, then starts what is to be started, one after another, until nothing is left to start now. Never rejects. */
  async run(): Promise<void> {
    const { state, actions } = this.#options;
    const { signal } = state.starting;
    try {
      const { createSandbox } = actions();
      const volumes = state.volumes.mounted ? undefined : state.volumes.setUp();
      // Awaited below, when the sandbox stands.
      volumes?.catch(() => undefined);
      if (createSandbox) this.#anticipateImages();
      if (createSandbox) await this.#makeSandbox(createSandbox.attempt, createSandbox.stop);
      await volumes;
      const tried = new Set<string>();
      for (;;) {
        signal.throwIfAborted();
        const sandbox = usableSandbox(state.pod, state.observation);
        const next = actions().start.find((item) => !tried.has(item.container.name));
        if (!sandbox || !next) return;
        tried.add(next.container.name);
        await this.#start(next, sandbox);
      }
    } catch (error) {
      if (!signal.aborted) this.#postpone(error);
    }
  }

  /** Asks for the images while the sandbox is made, so that the first container need not. */
  #anticipateImages(): void {
    const { pod, context: { puller } } = this.#options.state;
    for (const { container } of podContainers(pod)) puller.anticipate(container);
  }

  /** After a fault of the whole pod no container is tried before the pod is. */
  #postpone(error: unknown): void {
    const { pod, retryAt, context: { clock, recorder }, log } = this.#options.state;
    const againMs = clock.now() + RETRY_MS;
    retryAt.set('', againMs);
    if (error instanceof VolumeError) {
      recorder.event(pod, 'Warning', 'FailedMount', error.message);
      for (const { container } of podContainers(pod)) retryAt.set(container.name, againMs);
    } else log.warn('cannot start the pod', { error });
  }

  async #makeSandbox(attempt: number, stop: readonly ObservedSandbox[]): Promise<void> {
    const { state, stopper } = this.#options;
    const { runtime, recorder } = state.context;
    if (stop.length > 0) {
      recorder.event(state.pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
      for (const sandbox of stop) await stopper.stopSandbox(sandbox);
      await stopper.lookAtRunning();
    }
    try {
      await state.context.devices?.prepare(state.pod);
    } catch (error) {
      if (state.starting.signal.aborted) throw error;
      recorder.event(state.pod, 'Warning', 'FailedPrepareDynamicResources', `Failed to prepare dynamic resources: ${(error as Error).message}`);
      throw error;
    }
    state.starting.signal.throwIfAborted();
    try {
      const sandbox = await launchSandbox(state.pod, attempt, state.context);
      state.seeSandbox(sandbox);
      if (!usableSandbox(state.pod, state.observation)) throw new Error(`sandbox ${sandbox.id} has no address`);
      if (!sandbox.hostNetwork) await state.context.protectPod?.(state.pod, sandbox.ips, state.starting.signal);
      state.retryAt.delete('');
      state.context.launched();
    } catch (error) {
      if (state.starting.signal.aborted) throw error;
      recorder.event(state.pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${(error as Error).message}`);
      // A sandbox that was begun when the kubelet or the runtime ended may still hold the name.
      const held = /is reserved for "?([0-9a-f]{16,})/.exec((error as Error).message);
      if (held) await runtime.removePodSandbox(held[1]!).catch((cause: unknown) => state.log.debug('cannot remove a half-made sandbox', { error: cause }));
      throw error;
    }
  }

  async #start(item: PodContainer, sandbox: ObservedSandbox): Promise<void> {
    const { state, publish } = this.#options;
    const { clock, backoff } = state.context;
    const { name } = item.container;
    const current = currentContainer(state.observation, name);
    if (current?.state === 'exited' && !state.resized.delete(current.id)) backoff.next(state.backoffPrefix + name, current.finishedMs, clock.now());
    state.retryAt.delete(name);
    const pod = state.resize.allocatedPod(state.pod);
    try {
      const started = await launchContainer({
        pod, item: findContainer(pod, name) ?? item, sandbox, observation: state.observation, volumes: state.volumes.mounted!, signal: state.starting.signal, pulling: publish,
        leastRestartCount: state.restarts.get(name) ?? 0,
        failed: (container) => state.see(container),
      }, state.context);
      state.resize.started(started.id, name);
      await this.#afterStart(item, started, sandbox);
      state.waiting.delete(name);
      void this.#pruneHistory(name);
    } catch (error) {
      if (state.starting.signal.aborted) throw error;
      // No fault of the container's, so nothing to back off for: a new sandbox is made at once.
      if (await this.#hasDied(sandbox)) return backoff.forget(state.backoffPrefix + name);
      state.waiting.set(name, { reason: error instanceof ContainerStartError ? error.reason : 'CreateContainerError', message: (error as Error).message });
      state.retryAt.set(name, error instanceof ContainerStartError && error.retryAtMs !== undefined ? error.retryAtMs : clock.now() + RETRY_MS);
      publish();
    }
  }

  async #hasDied(sandbox: ObservedSandbox): Promise<boolean> {
    const { state } = this.#options;
    try {
      await state.look(sandbox.id);
    } catch (error) {
      state.log.debug('cannot read the state of the sandbox', { error });
    }
    return !usableSandbox(state.pod, state.observation);
  }

  async #afterStart(item: PodContainer, started: ObservedContainer, sandbox: ObservedSandbox): Promise<void> {
    const { state, stopper } = this.#options;
    const { runtime, network, clock, recorder } = state.context;
    const postStart = item.container.lifecycle?.postStart;
    if (postStart && started.state === 'running') {
      const target = { pod: state.pod, container: item.container, containerId: started.id, podIp: state.podIp(sandbox) };
      try {
        await runHook(postStart, target, runtime, network, (ms) => clock.sleep(ms, state.starting.signal));
      } catch (error) {
        recorder.event(containerReference(state.pod, item), 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
        state.see(started);
        await stopper.stopContainer(started, () => state.graceSeconds, 'FailedPostStartHook');
        throw new ContainerStartError('PostStartHookError', (error as Error).message, clock.now());
      }
    }
    // It may have ended while the hook ran.
    const known = state.observation.containers.find((c) => c.id === started.id);
    state.see(known?.state === 'exited' ? known : started);
    state.probers.keep();
    if (started.state === 'running' && state.context.endedUnclaimed(started.id)) void this.#lookAgain(started.id);
  }

  async #lookAgain(id: string): Promise<void> {
    const { state } = this.#options;
    try {
      await state.look(id);
    } catch (error) {
      state.log.debug('cannot read the state of a container', { id, error });
    }
    if (state.observation.containers.find((c) => c.id === id)?.state !== 'running') state.changed();
  }

  async #pruneHistory(name: string): Promise<void> {
    const { state } = this.#options;
    for (const old of state.observation.containers.filter((c) => c.name === name).slice(HISTORY)) {
      if (old.state === 'running') continue;
      try {
        await state.context.runtime.removeContainer(old.id);
        await removeLog(old.logPath);
        state.forget(old.id);
      } catch (error) {
        state.log.debug('cannot remove an old container', { id: old.id, error });
      }
    }
  }
}
