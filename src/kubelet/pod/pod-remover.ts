import { rm } from 'node:fs/promises';
import { isReason } from '../../api/errors.ts';
import { pods } from '../../api/generated/resources.ts';
import { podCgroupPath } from '../container/resources.ts';
import { podLogDirectory } from '../container/sandbox-config.ts';
import { tearDownVolumes } from '../volumes/set-up-volumes.ts';
import { RETRY_MS, type PodState } from './pod-state.ts';

/** Takes away what a pod that has ended held on the node, and its object. */
export class PodRemover {
  #deletion: Promise<void> | undefined;
  #freeing: Promise<void> | undefined;
  readonly #state: PodState;

  constructor(state: PodState) {
    this.#state = state;
  }

  /**
   * Volumes and cgroup; logs and dead containers stay until the pod is gone from the API. Resolves when all of it is free, however often that must
   * be tried (a storage driver may be away), or when it is no longer wanted. Never rejects.
   */
  free(wanted: () => boolean): Promise<void> {
    this.#freeing ??= this.#free(wanted).finally(() => {
      this.#freeing = undefined;
    });
    return this.#freeing;
  }

  async #free(wanted: () => boolean): Promise<void> {
    const { uid, pod, log, context: { podDirectory, volumeGround, cgroups, clock, sandbox: { cgroupRoot } } } = this.#state;
    for (let waitMs = 1000; ; waitMs = Math.min(waitMs * 2, RETRY_MS)) {
      try {
        await tearDownVolumes(podDirectory(uid), volumeGround);
        if (cgroupRoot !== undefined) await cgroups.remove(podCgroupPath(pod, cgroupRoot));
        return;
      } catch (error) {
        log.warn('cannot free all that the pod held', { error });
      }
      await clock.sleep(waitMs);
      if (!wanted()) return;
    }
  }

  /** Lets the API forget the pod, once: where finalizers hold it, it stays until they are gone. */
  deleteFromApi(wanted: () => boolean): Promise<void> {
    this.#deletion ??= this.#delete(wanted);
    return this.#deletion;
  }

  /** All that is left, in the runtime and on disk. Never rejects. */
  async removeRest(): Promise<void> {
    const { uid, pod, observation, log, backoffPrefix, context } = this.#state;
    // Side by side: a runtime that takes its time, or fails, keeps no folder from going.
    const removed = await Promise.allSettled([
      (async () => { for (const sandbox of observation.sandboxes) await context.runtime.removePodSandbox(sandbox.id); })(),
      ...[context.podDirectory(uid), podLogDirectory(context.sandbox.podLogsDir, pod)].map((folder) => rm(folder, { recursive: true, force: true })),
    ]);
    for (const result of removed) if (result.status === 'rejected') log.warn('cannot remove all of the pod', { error: result.reason as Error });
    context.statuses.forget(uid);
    context.backoff.forget(backoffPrefix);
    context.puller.forgetPod(uid);
    context.tokens.forget(uid);
    context.gone(uid);
  }

  async #delete(wanted: () => boolean): Promise<void> {
    const { uid, pod: { metadata: { namespace, name } }, log, context: { client, clock } } = this.#state;
    for (let waitMs = 100; wanted(); waitMs = Math.min(waitMs * 2, RETRY_MS)) {
      try {
        return await client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
      } catch (error) {
        if (isReason(error, 'NotFound', 'Conflict')) return;
        log.warn('cannot delete the pod from the API', { error });
        await clock.sleep(waitMs);
      }
    }
  }
}
