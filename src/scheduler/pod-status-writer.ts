import { isReason } from '../api/errors.ts';
import type { Pod, PodCondition } from '../api/generated/core-v1.ts';
import { pods } from '../api/generated/resources.ts';
import { parseKey } from '../api/object.ts';
import { rfc3339, type Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { WorkQueue } from '../base/work-queue.ts';
import type { Client } from '../client/client.ts';

export interface PodStatusChange {
  readonly condition?: Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;
  /** Empty: taken away. Absent: left alone. */
  readonly nominatedNodeName?: string;
}

/** Writes what the scheduler has to say of pods into their status, besides its proper work. Of several changes of a pod the last counts. */
export class PodStatusWriter implements AsyncDisposable {
  /** What is wanted and not yet known to be written. */
  readonly #changes = new Map<string, { readonly pod: Pod; readonly change: PodStatusChange }>();
  readonly #queue: WorkQueue;
  readonly #options: { readonly client: Client; readonly clock: Clock; readonly log: Log };

  constructor(options: { readonly client: Client; readonly clock: Clock; readonly log: Log }) {
    this.#options = options;
    this.#queue = new WorkQueue({ clock: options.clock, workers: 8, work: (key) => this.#write(key) });
  }

  /** `pod` is the object that the change is compared with. */
  set(key: string, pod: Pod, change: PodStatusChange): void {
    if (!differs(pod, change)) {
      this.#changes.delete(key);
      return;
    }
    this.#changes.set(key, { pod, change });
    this.#queue.add(key);
  }

  /** The pod is gone or got its node: what is not yet written is void. */
  drop(key: string): void {
    this.#changes.delete(key);
  }

  idle(): Promise<void> {
    return this.#queue.idle();
  }

  async #write(key: string): Promise<void> {
    const work = this.#changes.get(key);
    if (!work) return;
    const done = (): void => {
      if (this.#changes.get(key) === work) this.#changes.delete(key);
    };
    try {
      await this.#options.client.patch(pods, parseKey(key), { type: 'application/strategic-merge-patch+json', body: patchOf(work.pod, work.change, this.#options.clock.now()) }, { subresource: 'status' });
      this.#queue.forget(key);
      done();
    } catch (error) {
      if (isReason(error, 'NotFound', 'Conflict')) return done();
      // It got a node meanwhile, and what was to be said of it is void, or refused; or there is something newer to be said.
      if (this.#changes.get(key) !== work) return;
      this.#options.log.warn('cannot write the status of a pod', { pod: key, error });
      this.#queue.addAfterFailure(key);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue[Symbol.dispose]();
    await this.#queue.idle();
  }
}

function differs({ status }: Pod, { condition, nominatedNodeName }: PodStatusChange): boolean {
  if (nominatedNodeName !== undefined && (status?.nominatedNodeName ?? '') !== nominatedNodeName) return true;
  const present = condition && status?.conditions?.find(({ type }) => type === condition.type);
  return condition !== undefined && (present?.status !== condition.status || present.reason !== condition.reason || present.message !== condition.message);
}

function patchOf(pod: Pod, { condition, nominatedNodeName }: PodStatusChange, nowMs: number): unknown {
  const present = condition && pod.status?.conditions?.find(({ type }) => type === condition.type);
  const lastTransitionTime = present?.status === condition?.status ? present?.lastTransitionTime : undefined;
  return {
    // So that a pod made anew under the same name does not get it.
    metadata: { uid: pod.metadata.uid },
    status: {
      ...(nominatedNodeName !== undefined && { nominatedNodeName: nominatedNodeName || null }),
      ...(condition && { conditions: [{ ...condition, observedGeneration: pod.metadata.generation ?? 0, lastProbeTime: null, lastTransitionTime: lastTransitionTime ?? rfc3339(nowMs) }] }),
    },
  };
}
