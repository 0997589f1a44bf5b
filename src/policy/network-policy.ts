import type { Namespace, Pod } from '../api/generated/core-v1.ts';
import { namespaces, networkPolicies, pods } from '../api/generated/resources.ts';
import { keyOf } from '../api/object.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { runNft, type NftRunner } from '../base/nft-runner.ts';
import type { Informer, InformerFactory } from '../client/informer.ts';
import { IPV4, type AddressFamily } from '../base/address-family.ts';
import { dnsPod } from './node-dns.ts';
import { podFacts, samePolicyFacts, type EarlyAddresses } from './pod-facts.ts';
import { policyTable } from './policy-rules.ts';
import type { PolicyTable } from './policy-table.ts';
import { policyTransaction } from './policy-transaction.ts';

export interface NetworkPolicyOptions {
  readonly informers: InformerFactory;
  readonly nodeName: string;
  /** Default IPv4. */
  readonly family?: AddressFamily;
  /** Where this node answers the cluster's DNS itself. */
  readonly dnsAddress?: string;
  /** Default: the program, in the network namespace of this process. */
  readonly nft?: NftRunner;
  readonly clock: Clock;
  readonly log: Log;
}

export interface NetworkPolicyEnforcement extends AsyncDisposable {
  /** What is in force: for looking at, and for `tracePolicy`. Undefined while no pod of this node is isolated. */
  readonly table: PolicyTable | undefined;
  /** Resolves when everything the caches say is in the kernel. */
  idle(): Promise<void>;
  /**
   * Resolves when the policies known here are in force for a pod of this node that has just got these addresses: to be called
   * before its first container starts, for the API learns of them later. Returns at once where there are no policies;
   * rejects with the signal's reason when it aborts first.
   */
  protect(pod: Pod, addresses: readonly string[], signal?: AbortSignal): Promise<void>;
}

/** Whom policies may name. */
interface Peers {
  readonly pods: Informer<Pod>;
  readonly namespaces: Informer<Namespace>;
  synced: boolean;
}

/** After a refusal, milliseconds to the next try, doubling to the second number. */
const RETRY_MS = [500, 30_000] as const;
/** How long a pod waits before the log says so. */
const PATIENCE_MS = 5000;

/**
 * Keeps the node's packet filter in step with network policies. The pods and namespaces of the cluster are followed only once
 * there is a policy, and the filter's table is there only while a pod of this node is isolated.
 * Rules of an earlier process stay in force until all is known; then they are replaced in one transaction. Later only what changed
 * is written, and what comes in during a write goes with the next one. Disposing ends the work and leaves the rules.
 */
export function startNetworkPolicy(options: NetworkPolicyOptions): NetworkPolicyEnforcement {
  const { informers, nodeName, family = IPV4, dnsAddress, nft = runNft, clock, log } = options;
  const ending = new AbortController();
  const early = new Map<string, EarlyAddresses>();
  const waiters: (() => void)[] = [];
  const subscriptions = new DisposableStack();
  let written: PolicyTable | 'unknown' | undefined = 'unknown';
  let peers: Peers | undefined;
  let dirty = true;
  let running = false;
  let failures = 0;
  let timer: Disposable | undefined;
  let current: Promise<void> = Promise.resolve();

  const policies = informers.informer(networkPolicies);
  const inUse = (): boolean => policies.list().length > 0;

  const schedule = (milliseconds = 0): void => {
    if (ending.signal.aborted || running || timer || !policies.synced || (inUse() && !peers?.synced)) return;
    timer = clock.timer(milliseconds, () => {
      timer = undefined;
      current = sync();
    });
  };
  const touch = (): void => {
    if (!inUse() && written === undefined) return;
    dirty = true;
    schedule();
  };
  const touchPolicy = (): void => {
    if (!peers) followPeers();
    dirty = true;
    schedule();
  };
  const followPeers = (): void => {
    const found: Peers = { pods: informers.informer(pods), namespaces: informers.informer(namespaces), synced: false };
    peers = found;
    const settle = (pod: Pod): void => {
      const told = early.get(keyOf(pod));
      if (told && (told.pod.metadata.uid !== pod.metadata.uid || told.addresses.includes(pod.status?.podIP ?? ''))) early.delete(keyOf(pod));
    };
    subscriptions.use(found.pods.subscribe({
      add(pod) {
        settle(pod);
        touch();
      },
      update(previous, pod) {
        settle(pod);
        if (!samePolicyFacts(previous, pod)) touch();
      },
      delete(pod) {
        early.delete(keyOf(pod));
        touch();
      },
    }));
    subscriptions.use(found.namespaces.subscribe({
      add: touch,
      update(previous, namespace) {
        if (previous.metadata.labels !== namespace.metadata.labels) touch();
      },
      delete: touch,
    }));
    void Promise.all([found.pods.untilSynced(ending.signal), found.namespaces.untilSynced(ending.signal)]).then(() => {
      found.synced = true;
      schedule();
    }, (error: unknown) => {
      if (!ending.signal.aborted) log.error('network policies are not in force: pods and namespaces are unknown', { error });
    });
  };

  const wanted = (): PolicyTable | undefined => {
    if (!inUse() || !peers) return undefined;
    const facts = podFacts(peers.pods.list(), { nodeName, family, early });
    const table = policyTable({
      policies: policies.list(), pods: dnsAddress ? [...facts, dnsPod(dnsAddress)] : facts,
      family, namespaces: new Map(peers.namespaces.list().map(({ metadata }) => [metadata.name, metadata.labels])),
    });
    return table.isolated.ingress.size + table.isolated.egress.size > 0 ? table : undefined;
  };

  const sync = async (): Promise<void> => {
    running = true;
    dirty = false;
    const began = clock.monotonic();
    let pauseMs = 0;
    try {
      const table = wanted();
      const transaction = policyTransaction(written, table, { family, ...(dnsAddress && { dnsAddress }) });
      if (transaction) {
        await nft.apply(transaction);
        log.debug('wrote network policies', { isolated: new Set([...(table?.isolated.ingress.keys() ?? []), ...(table?.isolated.egress.keys() ?? [])]).size, bytes: transaction.length });
      }
      written = table;
      failures = 0;
      pauseMs = clock.monotonic() - began;
    } catch (error) {
      // The kernel kept what it had. What we think it has may be wrong, so the next try replaces everything.
      written = 'unknown';
      dirty = true;
      pauseMs = Math.min(RETRY_MS[0] * 2 ** failures++, RETRY_MS[1]);
      log.error('network policies are not in force', { error, retryMs: pauseMs });
    } finally {
      running = false;
    }
    // A pause as long as the work: half of the time at most goes into rules, however fast changes come.
    if (dirty) schedule(pauseMs);
    else for (const resolve of waiters.splice(0)) resolve();
  };

  subscriptions.use(policies.subscribe({
    add: touchPolicy,
    update(previous, policy) {
      if (previous.spec !== policy.spec) touchPolicy();
    },
    delete: touchPolicy,
  }));
  const ready = policies.untilSynced(ending.signal).then(() => schedule(), (error: unknown) => {
    if (!ending.signal.aborted) log.error('network policies are unknown', { error });
  });
  const idle = async (): Promise<void> => {
    await ready;
    if (ending.signal.aborted || (!dirty && !running)) return;
    await new Promise<void>((resolve) => waiters.push(resolve));
  };

  return {
    get table() {
      return written === 'unknown' ? undefined : written;
    },
    idle,
    async protect(pod, addresses, signal) {
      if (!policies.synced) await unlessAborted(ready, signal);
      if (!inUse() || ending.signal.aborted || pod.spec?.hostNetwork) return;
      early.set(keyOf(pod), { pod, addresses });
      touch();
      using _ = clock.timer(PATIENCE_MS, () => log.warn('a pod does not start before its network policies are in force', { pod: keyOf(pod) }));
      await unlessAborted(idle(), signal);
    },
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('network policy is ending'));
      timer?.[Symbol.dispose]();
      subscriptions[Symbol.dispose]();
      for (const resolve of waiters.splice(0)) resolve();
      await current;
    },
  };
}

function unlessAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
