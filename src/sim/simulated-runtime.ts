import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { RecentMap } from '../base/recent-map.ts';
import {
  RuntimeError, type Container, type ContainerConfig, type ContainerStats, type ContainerStatus, type CriRuntime, type ExecRequest, type ExecSyncResult,
  type PodSandboxConfig, type PodSandboxStats, type PodSandboxStatus, type RuntimeEvent,
} from '../cri/runtime.ts';
import { AddressPool } from './address-pool.ts';
import { scriptOf, type Step } from './behaviour.ts';
import { appendLogLine, openLog } from './container-log.ts';
import { ImageStore, type PullRule } from './image-store.ts';
import { StreamingServer } from './streaming-server.ts';

export interface SimulatedRuntimeOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** `10.244.1.0/24` */
  readonly podCidr: string;
  /** Address of pods on the host network. */
  readonly hostAddress?: string;
  /** How long things take, in milliseconds. */
  readonly pullMs?: number;
  readonly sandboxMs?: number;
  readonly startMs?: number;
  readonly pullRules?: readonly PullRule[];
  /** Images there from the beginning. */
  readonly images?: readonly string[];
  /** Overrides what a container does; undefined: by its command (behaviour.ts). */
  readonly behaviour?: (config: ContainerConfig) => readonly Step[] | undefined;
  /** Whether container logs are written to the files that the configuration names. Default true. */
  readonly writeLogs?: boolean;
}

/** Of configurations only what is asked for later is kept: there may be ten thousand pods. */
interface Sandbox {
  readonly config: Pick<PodSandboxConfig, 'hostname' | 'logDirectory'>;
  readonly ip: string;
  readonly pooled: boolean;
  readonly startedMs: number;
  status: PodSandboxStatus;
}

interface Process {
  readonly envs: NonNullable<ContainerConfig['envs']>;
  readonly sandboxId: string;
  status: ContainerStatus;
  readonly steps: readonly Step[];
  readonly timers: Disposable[];
}

const NANOS = 1e6;
/** A pod annotated so uses that many thousandths of a CPU while it runs, for autoscaling to see. */
const CPU_ANNOTATION = 'wherry.dev/simulated-cpu-millis';
const MEMORY_BYTES = 16 * 2 ** 20;

/**
 * A runtime without containers: sandboxes get addresses, images are pulled in no time or a set time, containers follow a script
 * (behaviour.ts) or run until stopped. Everything else is as a kubelet expects of a real one. State is in memory only.
 */
export class SimulatedRuntime implements CriRuntime, AsyncDisposable {
  readonly images: ImageStore;
  /** How often each method was called, for tests of frugality. */
  readonly calls: Record<string, number> = {};
  readonly #options: SimulatedRuntimeOptions;
  readonly #clock: Clock;
  readonly #pool: AddressPool;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #containers = new Map<string, Process>();
  readonly #streaming = new StreamingServer();
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();

  constructor(options: SimulatedRuntimeOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#pool = new AddressPool(options.podCidr);
    this.images = new ImageStore({ clock: options.clock, pullMs: options.pullMs ?? 0, rules: options.pullRules, present: options.images });
  }

  async version() {
    return { version: '0.1.0', runtimeName: 'simulated', runtimeVersion: '1.0.0', runtimeApiVersion: 'v1' };
  }

  async status() {
    const condition = (type: string) => ({ type, status: true, reason: '', message: '' });
    return { status: { conditions: [condition('RuntimeReady'), condition('NetworkReady')] }, info: {} };
  }

  async runtimeConfig() {
    return { linux: { cgroupDriver: 'CGROUPFS' as const } };
  }

  async runPodSandbox(config: PodSandboxConfig): Promise<string> {
    this.#count('runPodSandbox');
    await this.#take(this.#options.sandboxMs);
    for (const { status } of this.#sandboxes.values()) {
      if (status.metadata.uid === config.metadata.uid && status.metadata.attempt === config.metadata.attempt) {
        throw new RuntimeError('Unknown', `failed to reserve sandbox name "${config.metadata.name}": name is reserved for "${status.id}"`);
      }
    }
    const onHost = config.linux?.securityContext?.namespaceOptions?.network === 'NODE';
    const ip = onHost ? this.#options.hostAddress ?? '127.0.0.1' : this.#pool.take();
    const id = this.#newId();
    const status: PodSandboxStatus = {
      id, metadata: config.metadata, state: 'SANDBOX_READY', createdAt: this.#clock.now() * NANOS, labels: config.labels ?? {}, annotations: config.annotations ?? {},
      runtimeHandler: '', network: { ip: onHost ? '' : ip, additionalIps: [] },
      linux: { namespaces: { options: config.linux?.securityContext?.namespaceOptions ?? null } },
    };
    this.#sandboxes.set(id, { config: { hostname: config.hostname, logDirectory: config.logDirectory }, ip, pooled: !onHost, startedMs: this.#clock.now(), status });
    this.#emit({ type: 'started', id });
    return id;
  }

  async stopPodSandbox(id: string): Promise<void> {
    this.#count('stopPodSandbox');
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return;
    for (const process of this.#containers.values()) if (process.sandboxId === id) this.#end(process, 137, 'Error');
    if (sandbox.status.state === 'SANDBOX_NOTREADY') return;
    if (sandbox.pooled) this.#pool.free(sandbox.ip);
    sandbox.status = { ...sandbox.status, state: 'SANDBOX_NOTREADY', network: { ip: '', additionalIps: [] } };
    this.#emit({ type: 'stopped', id });
  }

  async removePodSandbox(id: string): Promise<void> {
    this.#count('removePodSandbox');
    await this.stopPodSandbox(id);
    for (const [containerId, process] of this.#containers) if (process.sandboxId === id) this.#containers.delete(containerId);
    this.#sandboxes.delete(id);
  }

  async podSandboxStatus(id: string): Promise<PodSandboxStatus> {
    this.#count('podSandboxStatus');
    return this.#sandbox(id).status;
  }

  async listPodSandbox(filter?: Parameters<CriRuntime['listPodSandbox']>[0]) {
    this.#count('listPodSandbox');
    return [...this.#sandboxes.values()].map((s) => s.status)
      .filter((s) => (!filter?.id || s.id === filter.id) && (!filter?.state || s.state === filter.state.state) && matches(s.labels, filter?.labelSelector));
  }

  async createContainer(podSandboxId: string, config: ContainerConfig): Promise<string> {
    this.#count('createContainer');
    this.#sandbox(podSandboxId);
    const image = this.images.find(config.image);
    if (!image) throw new RuntimeError('NotFound', `failed to get image "${config.image.image}": not found`);
    const id = this.#newId();
    const logDirectory = this.#sandbox(podSandboxId).config.logDirectory;
    const status: ContainerStatus = {
      id, metadata: config.metadata, state: 'CONTAINER_CREATED', createdAt: this.#clock.now() * NANOS, startedAt: 0, finishedAt: 0, exitCode: 0,
      image: { image: image.repoTags[0] ?? image.id }, imageRef: image.repoDigests[0] ?? image.id, reason: '', message: '', labels: config.labels ?? {},
      annotations: shared(config.annotations ?? {}), mounts: [], logPath: logDirectory && config.logPath ? `${logDirectory}/${config.logPath}` : '',
      resources: { linux: config.linux?.resources ?? null }, user: null,
    };
    this.#containers.set(id, { envs: shared(config.envs ?? []), sandboxId: podSandboxId, status, timers: [], steps: this.#options.behaviour?.(config) ?? scriptOf([...(config.command ?? []), ...(config.args ?? [])], environmentOf(config.envs)) });
    this.#emit({ type: 'created', id });
    return id;
  }

  async startContainer(id: string): Promise<void> {
    this.#count('startContainer');
    await this.#take(this.#options.startMs);
    const process = this.#process(id);
    if (process.status.state !== 'CONTAINER_CREATED') throw new RuntimeError('Unknown', `container is in ${process.status.state} state`);
    process.status = { ...process.status, state: 'CONTAINER_RUNNING', startedAt: this.#clock.now() * NANOS };
    if (this.#writesLog(process)) openLog(process.status.logPath);
    this.#emit({ type: 'started', id });
    for (const step of process.steps) {
      const act = (): void => ('exit' in step ? this.#end(process, step.exit) : this.#log(process, step.line));
      process.timers.push(this.#clock.timer(step.afterMs, act));
    }
  }

  async stopContainer(id: string, _timeoutSeconds = 0): Promise<void> {
    this.#count('stopContainer');
    const process = this.#containers.get(id);
    if (process) this.#end(process, 143);
  }

  async removeContainer(id: string): Promise<void> {
    this.#count('removeContainer');
    const process = this.#containers.get(id);
    if (!process) return;
    this.#end(process, 137);
    this.#containers.delete(id);
    this.#emit({ type: 'deleted', id });
  }

  async listContainers(filter?: Parameters<CriRuntime['listContainers']>[0]): Promise<readonly Container[]> {
    this.#count('listContainers');
    return [...this.#containers.values()].map(({ status, sandboxId }) => ({ ...status, podSandboxId: sandboxId }))
      .filter((c) => (!filter?.id || c.id === filter.id) && (!filter?.podSandboxId || c.podSandboxId === filter.podSandboxId)
        && (!filter?.state || c.state === filter.state.state) && matches(c.labels, filter?.labelSelector));
  }

  async containerStatus(id: string): Promise<ContainerStatus> {
    this.#count('containerStatus');
    return this.#process(id).status;
  }

  async updateContainerResources(id: string, resources: NonNullable<NonNullable<ContainerConfig['linux']>['resources']>): Promise<void> {
    const process = this.#process(id);
    process.status = { ...process.status, resources: { linux: { ...process.status.resources?.linux, ...resources } } };
  }

  async reopenContainerLog(id: string): Promise<void> {
    this.#process(id);
  }

  /** Runs the script of the command without its waits; `env`, `hostname` and `cat /etc/hostname` answer from the configuration. */
  async execSync(id: string, command: readonly string[]): Promise<ExecSyncResult> {
    this.#count('execSync');
    const { envs, status, sandboxId } = this.#process(id);
    if (status.state !== 'CONTAINER_RUNNING') throw new RuntimeError('Unknown', `failed to exec in container: container is in ${status.state} state`);
    const env = environmentOf(envs);
    const answer = (text: string, exitCode = 0): ExecSyncResult => ({ stdout: Buffer.from(text), stderr: Buffer.alloc(0), exitCode });
    const plain = command[0] === 'sh' && command[1] === '-c' ? (command[2] ?? '').trim().split(/\s+/) : command;
    if (plain[0] === 'env' || plain[0] === 'printenv') return answer(Object.entries(env).map(([key, value]) => `${key}=${value}\n`).join(''));
    if (plain[0] === 'hostname' || plain.join(' ') === 'cat /etc/hostname') return answer(`${this.#sandbox(sandboxId).config.hostname}\n`);
    const steps = scriptOf(command, env);
    const end = steps.find((step) => 'exit' in step);
    return answer(steps.map((step) => ('line' in step ? `${step.line}\n` : '')).join(''), end && 'exit' in end ? end.exit : 0);
  }

  async exec({ containerId, cmd, stdin, tty }: ExecRequest): Promise<string> {
    this.#process(containerId);
    return this.#streaming.offer({ command: cmd, stdin, tty, run: (command) => this.execSync(containerId, command) });
  }

  async attach(): Promise<string> {
    throw new RuntimeError('Unimplemented', 'simulated containers have no processes to attach to');
  }

  async portForward(): Promise<string> {
    throw new RuntimeError('Unimplemented', 'simulated pods have no network to forward ports to');
  }

  async containerStats(id: string): Promise<ContainerStats> {
    return this.#stats(this.#process(id));
  }

  async listContainerStats(filter?: Parameters<CriRuntime['listContainerStats']>[0]): Promise<readonly ContainerStats[]> {
    return [...this.#containers.values()]
      .filter((p) => p.status.state === 'CONTAINER_RUNNING' && (!filter?.id || p.status.id === filter.id) && (!filter?.podSandboxId || p.sandboxId === filter.podSandboxId))
      .map((p) => this.#stats(p));
  }

  async podSandboxStats(id: string): Promise<PodSandboxStats> {
    const { status } = this.#sandbox(id);
    return { attributes: { id, metadata: status.metadata, labels: status.labels }, linux: null };
  }

  async listPodSandboxStats(): Promise<readonly PodSandboxStats[]> {
    return Promise.all([...this.#sandboxes.keys()].map((id) => this.podSandboxStats(id)));
  }

  async pullImage(image: { readonly image: string }, _auth?: unknown, _config?: unknown, signal?: AbortSignal): Promise<string> {
    this.#count('pullImage');
    return this.images.pull(image, signal);
  }

  async listImages() {
    return this.images.list();
  }

  async imageStatus(image: { readonly image: string }) {
    this.#count('imageStatus');
    return this.images.find(image);
  }

  async removeImage(image: { readonly image: string }): Promise<void> {
    this.images.remove(image);
  }

  async imageFsInfo() {
    const used = this.images.list().reduce((sum, image) => sum + image.size, 0);
    return [{ timestamp: this.#clock.now() * NANOS, fsId: { mountpoint: '/' }, usedBytes: { value: used }, inodesUsed: { value: this.images.list().length * 100 } }];
  }

  /** Simulated images hold no files. */
  async viewImage() {
    return [];
  }

  async releaseImageView(): Promise<void> {
    // Nothing is kept for a view.
  }

  async *events(signal: AbortSignal): AsyncGenerator<RuntimeEvent> {
    const queue: RuntimeEvent[] = [{ type: 'resync' }];
    let wake: (() => void) | undefined;
    const listener = (event: RuntimeEvent): void => {
      queue.push(event);
      wake?.();
    };
    const abort = (): void => wake?.();
    this.#listeners.add(listener);
    signal.addEventListener('abort', abort, { once: true });
    try {
      while (!signal.aborted) {
        while (queue.length > 0) yield queue.shift()!;
        if (!signal.aborted) await new Promise<void>((resolve) => { wake = resolve; });
      }
    } finally {
      this.#listeners.delete(listener);
      signal.removeEventListener('abort', abort);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#containers.values()) for (const timer of process.timers.splice(0)) timer[Symbol.dispose]();
    await this.#streaming[Symbol.asyncDispose]();
  }

  /** The network of simulated pods, for probes and hooks of a kubelet: whoever has a running container answers. */
  readonly network = {
    http: async ({ host, port }: { readonly host: string; readonly port: number }) => {
      this.#reach(host, port);
      return { status: 200, headers: {}, body: this.#sandboxAt(host)?.config.hostname ?? '' };
    },
    tcp: async (host: string, port: number): Promise<void> => this.#reach(host, port),
    grpc: async (host: string, port: number): Promise<string> => {
      this.#reach(host, port);
      return 'SERVING';
    },
  };

  #sandboxAt(host: string): Sandbox | undefined {
    return [...this.#sandboxes.values()].find((sandbox) => sandbox.ip === host && sandbox.status.state === 'SANDBOX_READY');
  }

  #reach(host: string, port: number): void {
    const sandbox = this.#sandboxAt(host);
    const runs = [...this.#containers.values()].some((p) => p.sandboxId === sandbox?.status.id && p.status.state === 'CONTAINER_RUNNING');
    if (!runs) throw new Error(`dial tcp ${host}:${port}: connect: connection refused`);
  }

  /** Ends a running container from outside, as a crash would. Names it by id or by `pod/container`. */
  crash(name: string, exitCode: number, reason?: string): void {
    const process = this.#containers.get(name) ?? [...this.#containers.values()].reverse().find((p) => p.status.state === 'CONTAINER_RUNNING'
      && `${p.status.labels['io.kubernetes.pod.name']}/${p.status.metadata.name}` === name);
    if (!process) throw new Error(`no running container is called ${name}`);
    this.#end(process, exitCode, reason);
  }

  #end(process: Process, exitCode: number, reason = exitCode === 0 ? 'Completed' : 'Error'): void {
    for (const timer of process.timers.splice(0)) timer[Symbol.dispose]();
    if (process.status.state !== 'CONTAINER_RUNNING') return;
    process.status = { ...process.status, state: 'CONTAINER_EXITED', exitCode, reason, finishedAt: this.#clock.now() * NANOS };
    this.#emit({ type: 'stopped', id: process.status.id });
  }

  #writesLog({ status }: Process): boolean {
    return this.#options.writeLogs !== false && status.logPath !== '';
  }

  #log(process: Process, line: string): void {
    if (this.#writesLog(process)) appendLogLine(process.status.logPath, this.#clock.now(), line);
  }

  #stats({ status, sandboxId }: Process): ContainerStats {
    const now = this.#clock.now();
    const millis = Number(this.#sandbox(sandboxId).status.annotations[CPU_ANNOTATION] ?? 1);
    const ranMs = status.startedAt ? now - status.startedAt / NANOS : 0;
    return {
      attributes: { id: status.id, metadata: status.metadata, labels: status.labels, annotations: status.annotations },
      cpu: { timestamp: now * NANOS, usageCoreNanoSeconds: { value: Math.round(ranMs * millis * 1000) }, usageNanoCores: { value: millis * NANOS } },
      memory: {
        timestamp: now * NANOS, workingSetBytes: { value: MEMORY_BYTES }, availableBytes: null, usageBytes: { value: MEMORY_BYTES }, rssBytes: { value: MEMORY_BYTES },
        pageFaults: { value: 0 }, majorPageFaults: { value: 0 },
      },
      writableLayer: { timestamp: now * NANOS, fsId: { mountpoint: '/' }, usedBytes: { value: 4096 }, inodesUsed: { value: 4 } },
    };
  }

  #sandbox(id: string): Sandbox {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) throw new RuntimeError('NotFound', `an error occurred when try to find sandbox "${id}": not found`);
    return sandbox;
  }

  #process(id: string): Process {
    const process = this.#containers.get(id);
    if (!process) throw new RuntimeError('NotFound', `an error occurred when try to find container "${id}": not found`);
    return process;
  }

  #emit(event: RuntimeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  async #take(milliseconds = 0): Promise<void> {
    if (milliseconds > 0) await this.#clock.sleep(milliseconds);
  }

  #count(method: string): void {
    this.calls[method] = (this.calls[method] ?? 0) + 1;
  }

  #newId(): string {
    // Through bytes: joined strings would stay a tree of their parts, five times as large, in every place that keeps the id.
    return Buffer.from((this.#options.random.uuid() + this.#options.random.uuid()).replaceAll('-', ''), 'hex').toString('hex');
  }
}

/** What was asked for lately, mostly by pods of one template on all nodes. */
const asked = new RecentMap<unknown>(256);

function shared<T>(value: T): T {
  return asked.get(JSON.stringify(value), () => value) as T;
}

function environmentOf(envs: ContainerConfig['envs'] = []): Record<string, string> {
  return Object.fromEntries(envs.map(({ key, value }) => [key, value]));
}

function matches(labels: Readonly<Record<string, string>>, selector: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
