import type { Node } from '../../api/generated/core-v1.ts';
import type { Lease } from '../../api/generated/coordination-v1.ts';
import { leases, nodes } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { rfc3339Micro } from '../../base/clock.ts';
import type { EventRecorder, EventType } from '../../client/event-recorder.ts';
import type { RuntimeStatus, RuntimeVersion } from '../../cri/runtime.ts';
import type { PressureCondition } from '../eviction/thresholds.ts';
import type { KubeletOptions } from '../options.ts';
import { isEqual } from '../pod/equal.ts';
import { nodeStatus, withoutHeartbeats } from './node-status.ts';
import { runtimeFeatures, type RuntimeFeatures } from './runtime-features.ts';

const REPORT_MS = 5 * 60_000;
const RETRY_MS = 1000;
const SETTLE_MS = 500;
const LEASE_NAMESPACE = 'kube-node-lease';
/** A runtime may tell of more, as containerd 2 of what it deprecates: that is for its users to read. Upstream: Kubelet.updateRuntimeUp. */
const REQUIRED_CONDITIONS: ReadonlySet<string> = new Set(['RuntimeReady', 'NetworkReady']);

export interface NodeAgentOptions extends KubeletOptions {
  readonly servedPort: number;
  readonly kubeletVersionOrDefault: string;
  readonly maxPods: number;
  readonly leaseSeconds: number;
  /** What the node is short of. */
  readonly pressures: () => readonly PressureCondition[];
  /** As upstream names them; `before` are those that were told last. */
  readonly volumesInUse: (before: readonly string[]) => readonly string[];
  /** Why the node takes no pods, whatever its runtime says. */
  readonly fault: () => string | undefined;
  readonly recorder: EventRecorder;
  /** Called with each renewal of the lease: what has to be looked after now and then is done then, lest there be more timers. */
  readonly housekeeping: () => Promise<void>;
}

/** How a change of a condition is told in an event. Upstream: nodestatus/setters.go. */
const CONDITION_EVENTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { True: 'NodeReady', False: 'NodeNotReady' }, MemoryPressure: { True: 'NodeHasInsufficientMemory', False: 'NodeHasSufficientMemory' },
  DiskPressure: { True: 'NodeHasDiskPressure', False: 'NodeHasNoDiskPressure' }, PIDPressure: { True: 'NodeHasInsufficientPID', False: 'NodeHasSufficientPID' },
};

/** Keeps the Node object and its lease: registration, status when it changes or every 5 minutes, lease four times in its duration. Upstream: kubelet_node_status.go. */
export class NodeAgent implements AsyncDisposable {
  readonly #options: NodeAgentOptions;
  readonly #ended = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  #node: Node | undefined;
  /** The status of which events have told. */
  #told: Node['status'];
  #runtimeStatus: RuntimeStatus = { status: null, info: {} };
  #lease: Lease | undefined;
  #version: RuntimeVersion | undefined;
  #lastReportMs = 0;
  #reporting: Promise<void> | undefined;
  #again = false;
  #settle: Disposable | undefined;
  #loop: Promise<void> | undefined;
  #runtimeFault: string | undefined = 'container runtime status check may not have completed yet';

  constructor(options: NodeAgentOptions) {
    this.#options = options;
    this.#ready.promise.catch(() => undefined);
  }

  get node(): Node | undefined {
    return this.#node;
  }

  /** Of the runtime, as it said last. */
  get features(): RuntimeFeatures {
    return runtimeFeatures(this.#runtimeStatus);
  }

  /** Registers; retries until the API server takes it. */
  async register(): Promise<Node> {
    for (;;) {
      try {
        await this.#checkRuntime();
        this.#node = await this.#registerOnce();
        return this.#node;
      } catch (error) {
        if (this.#ended.signal.aborted) throw error;
        this.#options.log.warn('cannot register the node yet', { error });
        await this.#options.clock.sleep(RETRY_MS, this.#ended.signal);
      }
    }
  }

  /** Starts lease and status reports. */
  start(): void {
    this.#loop = this.#runLeases();
    this.report();
  }

  untilReady(signal?: AbortSignal): Promise<void> {
    if (!signal) return this.#ready.promise;
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      this.#ready.promise.then(resolve, reject);
    });
  }

  /** What the API says of the node (labels, taints, others' conditions). */
  observe(node: Node): void {
    const [before, after] = [this.#node?.spec?.unschedulable ?? false, node.spec?.unschedulable ?? false];
    this.#node = node;
    if (before !== after) this.#tellStatus(after ? 'NodeNotSchedulable' : 'NodeSchedulable');
  }

  /** Records an event about the node. As upstream's kubelet, under its name in place of its uid. */
  tell(type: EventType, reason: string, message: string): void {
    const { recorder, nodeName } = this.#options;
    recorder.event({ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeName }, type, reason, message);
  }

  #tellStatus(reason: string): void {
    this.tell('Normal', reason, `Node ${this.#options.nodeName} status is now: ${reason}`);
  }

  #tellConditions(before: Node['status'], after: Node['status']): void {
    for (const { type, status } of after?.conditions ?? []) {
      const previous = before?.conditions?.find((c) => c.type === type);
      const reason = CONDITION_EVENTS[type]?.[status];
      if (reason && previous?.status !== status) this.#tellStatus(reason);
    }
  }

  /** Something that the status tells may have changed: writes it if so. */
  report(): void {
    if (this.#ended.signal.aborted) return;
    if (this.#reporting) {
      this.#again = true;
      return;
    }
    this.#reporting = this.#report().catch((error: unknown) => {
      if (!this.#ended.signal.aborted) this.#options.log.warn('cannot report the node status', { error });
    }).finally(() => {
      this.#reporting = undefined;
      if (this.#again) {
        this.#again = false;
        this.report();
      }
    });
  }

  /** As `report`, for changes that come in crowds (images). */
  reportSoon(): void {
    this.#settle ??= this.#options.clock.timer(SETTLE_MS, () => {
      this.#settle = undefined;
      this.report();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(new Error('the kubelet is stopping'));
    this.#ready.reject(new Error('the kubelet is stopping'));
    this.#settle?.[Symbol.dispose]();
    await this.#loop;
    await this.#reporting;
  }

  async #checkRuntime(): Promise<void> {
    const { runtime } = this.#options;
    try {
      this.#version ??= await runtime.version();
      const all = await runtime.status();
      this.#runtimeStatus = all;
      const { status } = all;
      const faults = (status?.conditions ?? []).filter((c) => !c.status && REQUIRED_CONDITIONS.has(c.type));
      this.#runtimeFault = faults.length === 0 ? undefined
        : faults.map((c) => (c.type === 'NetworkReady' ? `container runtime network not ready: NetworkReady=false reason:${c.reason} message:${c.message}` : `container runtime not ready: ${c.type}=false reason:${c.reason} message:${c.message}`)).join(', ');
    } catch (error) {
      this.#runtimeFault = `container runtime is down: ${(error as Error).message}`;
      // It may come back as another version.
      this.#version = undefined;
    }
  }

  async #status(previous: Node['status'] = {}): Promise<NonNullable<Node['status']>> {
    const { nodeName, nodeAddress, six, servedPort, machine, maxPods, reserved = {}, runtime, clock, kubeletVersionOrDefault, pressures, volumesInUse } = this.#options;
    const faults = [this.#runtimeFault, this.#options.fault()].filter((fault) => fault !== undefined);
    const images = this.#runtimeFault === undefined ? await runtime.listImages() : [];
    return nodeStatus({
      nodeName, addresses: [nodeAddress, ...(six ? [six.address] : [])], port: servedPort, machine: await machine(), maxPods, reserved: { milliCpu: reserved.milliCpu ?? 0, memoryBytes: reserved.memoryBytes ?? 0 },
      kubeletVersion: kubeletVersionOrDefault, runtime: this.#version ?? { version: '', runtimeName: 'unknown', runtimeVersion: '', runtimeApiVersion: '' }, runtimeStatus: this.#runtimeStatus, images,
      ...(faults.length > 0 && { notReady: faults.length === 1 ? faults[0]! : `[${faults.join(', ')}]` }), pressures: pressures(), volumesInUse: volumesInUse(previous.volumesInUse ?? []), previous, nowMs: clock.now(),
    });
  }

  async #registerOnce(): Promise<Node> {
    const { client, nodeName, labels, taints, podCidr, six, machine } = this.#options;
    const { architecture } = await machine();
    const ownLabels = {
      ...labels, 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': architecture, 'beta.kubernetes.io/os': 'linux', 'beta.kubernetes.io/arch': architecture,
    };
    const status = await this.#status();
    try {
      const node = await client.create(nodes, {
        metadata: { name: nodeName, labels: ownLabels, annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } },
        spec: { ...(podCidr && { podCIDR: podCidr, podCIDRs: [podCidr, ...(six ? [six.pods] : [])] }), ...(taints?.length && { taints }) }, status,
      });
      // The status of a new object is the server's to take or leave.
      return await this.#patchStatus(node, status);
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
    }
    const present = await client.get(nodes, { name: nodeName });
    if (Object.entries(ownLabels).every(([key, value]) => present.metadata.labels?.[key] === value)) return present;
    return client.patch(nodes, { name: nodeName }, { type: 'application/strategic-merge-patch+json', body: { metadata: { labels: ownLabels } } });
  }

  async #patchStatus(node: Node, status: NonNullable<Node['status']>): Promise<Node> {
    const { client, nodeName, clock } = this.#options;
    const previous = node.status ?? {};
    const body: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(status)) if (!isEqual(value, (previous as Record<string, unknown>)[key])) body[key] = key === 'addresses' ? [{ $patch: 'replace' }, ...status.addresses!] : value;
    for (const key of Object.keys(previous)) if (!(key in status)) body[key] = null;
    this.#lastReportMs = clock.now();
    this.#tellConditions(this.#told, status);
    this.#told = status;
    if (Object.keys(body).length === 0) return node;
    return client.patch(nodes, { name: nodeName }, { type: 'application/strategic-merge-patch+json', body: { status: body } }, { subresource: 'status' });
  }

  async #report(): Promise<void> {
    if (!this.#node) return;
    await this.#checkRuntime();
    const status = await this.#status(this.#node.status);
    const due = this.#options.clock.now() - this.#lastReportMs >= REPORT_MS;
    if (!due && isEqual(withoutHeartbeats(status), withoutHeartbeats(this.#node.status ?? {}))) return this.#noteReady(this.#node);
    const node = await this.#patchStatus(this.#node, status).catch(async (error: unknown) => {
      // Somebody deleted the node: it registers again, as upstream's does when it restarts.
      if (isReason(error, 'NotFound')) return this.#registerOnce();
      throw error;
    });
    this.#node = node;
    this.#noteReady(node);
  }

  #noteReady(node: Node): void {
    if (node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')) this.#ready.resolve();
  }

  async #runLeases(): Promise<void> {
    const { clock, log, leaseSeconds } = this.#options;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      let waitMs = leaseSeconds * 250;
      try {
        await this.#renew();
      } catch (error) {
        if (signal.aborted) return;
        log.warn('cannot renew the lease of the node', { error });
        this.#lease = undefined;
        waitMs = RETRY_MS;
      }
      await this.#options.housekeeping();
      const before = this.#runtimeFault;
      await this.#checkRuntime();
      if (before !== this.#runtimeFault || clock.now() - this.#lastReportMs >= REPORT_MS) this.report();
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
  }

  async #renew(): Promise<void> {
    const { client, nodeName, clock, leaseSeconds: leaseDurationSeconds } = this.#options;
    const key = { namespace: LEASE_NAMESPACE, name: nodeName };
    const renewTime = rfc3339Micro(clock.now());
    this.#lease ??= await client.get(leases, key).catch((error: unknown) => {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    });
    if (this.#lease) {
      this.#lease = await client.update(leases, { ...this.#lease, spec: { ...this.#lease.spec, holderIdentity: nodeName, leaseDurationSeconds, renewTime } });
      return;
    }
    const owner = this.#node && [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: this.#node.metadata.uid }];
    this.#lease = await client.create(leases, {
      metadata: { ...key, ...(owner && { ownerReferences: owner }) }, spec: { holderIdentity: nodeName, leaseDurationSeconds, renewTime },
    });
  }
}
