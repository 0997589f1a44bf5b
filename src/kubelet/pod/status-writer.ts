import { pods } from '../../api/generated/resources.ts';
import type { Pod, PodStatus } from '../../api/generated/core-v1.ts';
import { isReason } from '../../api/errors.ts';
import { sleepOn, type Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { isEqual } from './equal.ts';
import { statusPatch } from './status-patch.ts';

interface Entry {
  readonly key: { readonly namespace: string; readonly name: string };
  /** What the API is known to hold. */
  stored: PodStatus;
  wanted: PodStatus;
  /** Of the last answer to a write: what was seen before it is old. */
  version: bigint;
  writing: Promise<void> | undefined;
}

/** Versions of one object can be compared since Kubernetes 1.35. */
const versionOf = (pod: Pod): bigint => (/^\d+$/.test(pod.metadata.resourceVersion) ? BigInt(pod.metadata.resourceVersion) : 0n);

const RETRY_MS = [100, 200, 500, 1000, 2000, 5000];

/**
 * Brings statuses to the API: at once, one write a pod at a time, always the newest; what changes while a write is under way goes
 * out with the next. Upstream: kubelet/status.
 */
export class StatusWriter {
  readonly #entries = new Map<string, Entry>();
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #ended = new AbortController();

  constructor(options: { client: Client; clock: Clock; log: Log }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** The status last asked for. */
  get(uid: string): PodStatus | undefined {
    return this.#entries.get(uid)?.wanted;
  }

  set(pod: Pod, status: PodStatus): void {
    const { uid, namespace, name } = pod.metadata;
    let entry = this.#entries.get(uid);
    if (!entry) {
      entry = { key: { namespace, name }, stored: pod.status ?? {}, wanted: status, version: versionOf(pod), writing: undefined };
      this.#entries.set(uid, entry);
    }
    entry.wanted = status;
    this.#flush(uid, entry);
  }

  /** Takes note of what the API holds now. When somebody else overwrote what is ours, the next `set` writes it again. */
  refresh(pod: Pod): void {
    const entry = this.#entries.get(pod.metadata.uid);
    if (!entry || entry.writing || versionOf(pod) < entry.version) return;
    entry.version = versionOf(pod);
    entry.stored = pod.status ?? {};
  }

  /** Resolves when the API holds what was last asked for, or the pod is gone. */
  async settled(uid: string): Promise<void> {
    for (let entry = this.#entries.get(uid); entry?.writing; entry = this.#entries.get(uid)) await entry.writing;
  }

  forget(uid: string): void {
    this.#entries.delete(uid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await Promise.all([...this.#entries.values()].map((entry) => entry.writing));
  }

  #flush(uid: string, entry: Entry): void {
    if (entry.writing || isEqual(entry.stored, entry.wanted)) return;
    entry.writing = this.#write(uid, entry).finally(() => {
      entry.writing = undefined;
    });
  }

  async #write(uid: string, entry: Entry): Promise<void> {
    for (let failures = 0; !this.#ended.signal.aborted;) {
      const wanted = entry.wanted;
      const body = statusPatch(uid, entry.stored, wanted);
      if (!body) return;
      try {
        const answer = await this.#client.patch(pods, entry.key, { type: 'application/strategic-merge-patch+json', body }, { subresource: 'status' });
        entry.stored = answer.status ?? {};
        entry.version = versionOf(answer);
        failures = 0;
        if (entry.wanted === wanted) return;
      } catch (error) {
        // Gone, or replaced by a pod of the same name: nobody is left to tell.
        if (isReason(error, 'NotFound') || (isReason(error, 'Conflict') && /uid/i.test(error.message))) return;
        const wait = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]!;
        this.#log.warn('cannot write the status of a pod', { pod: `${entry.key.namespace}/${entry.key.name}`, error, retryInMs: wait });
        await sleepOn(this.#clock, wait, this.#ended.signal).catch(() => undefined);
      }
    }
  }
}
