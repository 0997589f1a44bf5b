import { isRuntimeError } from '../../cri/runtime.ts';
import { killContainer } from './kill.ts';
import type { ObservedContainer, ObservedSandbox } from './observation.ts';
import { isSidecar, podContainers } from './pod-containers.ts';
import type { PodState } from './pod-state.ts';

/** Stops containers and sandboxes of a pod, and takes note of how they ended. */
export class PodStopper {
  /** Containers that are being stopped. */
  readonly #stopping = new Map<string, Promise<void>>();
  readonly #state: PodState;

  constructor(state: PodState) {
    this.#state = state;
  }

  isStopping(id: string): boolean {
    return this.#stopping.has(id);
  }

  get busy(): boolean {
    return this.#stopping.size > 0;
  }

  /** Resolves when the container has ended. One that is being stopped already is only given less time. Never rejects. */
  stopContainer(container: ObservedContainer, graceSeconds: () => number, message: string): Promise<void> {
    const running = this.#stopping.get(container.id);
    if (running) {
      this.shorten(container, graceSeconds());
      return running;
    }
    const stop = this.#stop(container, graceSeconds, message).finally(() => this.#stopping.delete(container.id));
    this.#stopping.set(container.id, stop);
    return stop;
  }

  /** The runtime kills at the end of the shortest of the periods it was given. */
  shorten({ id }: ObservedContainer, graceSeconds: number): void {
    void this.#state.context.runtime.stopContainer(id, graceSeconds).catch((error: unknown) => this.#state.log.debug('cannot hurry a container', { error }));
  }

  async stopSandbox(sandbox: ObservedSandbox): Promise<void> {
    try {
      await this.#state.context.runtime.stopPodSandbox(sandbox.id);
      this.#state.seeSandbox({ ...sandbox, ready: false, ips: [] });
    } catch (error) {
      if (!isRuntimeError(error, 'NotFound')) throw error;
      this.#state.forget(sandbox.id);
    }
  }

  /** Everything of the pod: containers side by side, then sidecars against the order of their start, then the sandbox. */
  async stopAll(graceSeconds: () => number, stopped: () => void): Promise<void> {
    const { pod, observation } = this.#state;
    const running = observation.containers.filter((c) => c.state === 'running' || c.state === 'unknown');
    const stop = async (container: ObservedContainer): Promise<void> => {
      await this.stopContainer(container, graceSeconds, `Stopping container ${container.name}`);
      stopped();
    };
    const sidecars = podContainers(pod).filter(isSidecar).map(({ container }) => container.name);
    await Promise.all(running.filter((c) => !sidecars.includes(c.name)).map(stop));
    for (const name of sidecars.reverse()) await Promise.all(running.filter((c) => c.name === name).map(stop));
    await Promise.all(this.#state.observation.sandboxes.filter((s) => s.ready).map((sandbox) => this.stopSandbox(sandbox)));
  }

  /** Reads anew the state of all containers that ran when last seen. */
  async lookAtRunning(): Promise<void> {
    for (const { id, state } of this.#state.observation.containers) if (state === 'running' || state === 'unknown') await this.#state.look(id);
  }

  async #stop(container: ObservedContainer, graceSeconds: () => number, message: string): Promise<void> {
    const { pod, hurry, context, log } = this.#state;
    try {
      await killContainer({ pod, container, podIp: this.#state.podIp(), graceSeconds, message, hurry: hurry.signal }, context);
      await this.#state.look(container.id);
    } catch (error) {
      log.warn('cannot stop a container', { container: container.name, error });
    }
  }
}
