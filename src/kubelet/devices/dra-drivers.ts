import { resourceSlices } from '../../api/generated/resources.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { isRuntimeError } from '../../cri/runtime.ts';
import type { Plugin, PluginHandler, RegisteredPlugin } from '../plugins/plugin-registry.ts';
import { PluginSocket } from '../plugins/plugin-socket.ts';
import { DeviceHealths, type ReportedHealth } from './device-health.ts';
import { draHealthService, draService, draServices } from './dra-protocol.ts';

/** A claim as drivers are told of it. */
export interface DriverClaim {
  readonly namespace: string;
  readonly uid: string;
  readonly name: string;
}

/** A device that a driver has made ready. */
export interface PreparedDevice {
  readonly requestNames: readonly string[];
  readonly poolName: string;
  readonly deviceName: string;
  readonly cdiDeviceIds: readonly string[];
  /** Which share of a device that several have; empty: all of it. */
  readonly shareId: string;
}

/** One running driver of devices. Answers are by the uid of the claim. */
export interface DraDriver {
  readonly name: string;
  prepare(claims: readonly DriverClaim[]): Promise<Readonly<Record<string, { readonly devices: readonly PreparedDevice[]; readonly error: string }>>>;
  unprepare(claims: readonly DriverClaim[]): Promise<Readonly<Record<string, { readonly error: string }>>>;
}

interface Running {
  readonly driver: DraDriver;
  isConnected: boolean;
}

export interface DraDriversOptions {
  readonly nodeName: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  /** A driver can be asked: pods may have waited for it. */
  readonly came: () => void;
  /** Devices (`POOL/DEVICE`) of a driver are otherwise than before. */
  readonly healthChanged: (driver: string, devices: readonly string[]) => void;
}

/** Upstream: defaultClientCallTimeout, defaultWipingDelay. */
const CALL_MS = 45_000;
const WIPE_MS = 30_000;
const HEALTH_RETRY_MS = 5000;
const WIPE_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 5 * 60_000;

/**
 * The drivers of devices on this node (dynamic resource allocation). What a driver that is away told of its devices is taken from the API after a
 * while, so that no pod is sent here for them. Upstream: kubelet/cm/dra/plugin.
 */
export class DraDrivers implements PluginHandler, Disposable {
  readonly type = 'DRAPlugin';
  readonly health: DeviceHealths;
  readonly #options: DraDriversOptions;
  /** By name, the newest last: a new version may run before the old one has gone. */
  readonly #running = new Map<string, Running[]>();
  readonly #wipes = new Map<string, Disposable>();
  readonly #ended = new AbortController();

  constructor(options: DraDriversOptions) {
    this.#options = options;
    this.health = new DeviceHealths(options.clock);
  }

  /** Throws in upstream's words. */
  get(name: string): DraDriver {
    const running = this.#running.get(name) ?? [];
    const found = running.findLast(({ isConnected }) => isConnected) ?? running.at(-1);
    if (!found) throw new Error(`DRA driver ${name} is not registered`);
    return found.driver;
  }

  /** No driver has registered yet, and some may never: what they once told of this node counts for nothing. The node must be registered. Never rejects. */
  start(): Promise<void> {
    return this.#wipe('');
  }

  [Symbol.dispose](): void {
    this.#ended.abort(new Error('the kubelet is stopping'));
    for (const wipe of this.#wipes.values()) wipe[Symbol.dispose]();
  }

  async register({ name, endpoint, supportedVersions }: Plugin): Promise<RegisteredPlugin> {
    const version = draServices.find((one) => supportedVersions.includes(one));
    if (!version) {
      const quoted = (words: readonly string[]): string => `[${words.map((word) => JSON.stringify(word)).join(' ')}]`;
      const fault = supportedVersions.length === 0 ? 'empty list of supported gRPC services (aka supported versions)'
        : `none of services supported by the plugin (${quoted(supportedVersions)}) are supported by the kubelet (${quoted(draServices)})`;
      throw new Error(`invalid supported gRPC versions of DRA driver plugin ${name} at endpoint ${endpoint}: ${fault}`);
    }
    const { clock } = this.#options;
    const socket = new PluginSocket(endpoint, draService(version), clock);
    const call = async <R>(method: string, claims: readonly DriverClaim[]): Promise<Readonly<Record<string, R>>> => (await socket.call<{ readonly claims: Readonly<Record<string, R>> }>(method, { claims }, CALL_MS)).claims;
    const running: Running = { isConnected: false, driver: { name, prepare: (claims) => call('NodePrepareResources', claims), unprepare: (claims) => call('NodeUnprepareResources', claims) } };
    this.#running.set(name, [...this.#running.get(name) ?? [], running]);
    socket.followConnection((isConnected) => {
      running.isConnected = isConnected;
      this.#sync(name);
    });
    this.#sync(name);
    const healthSocket = new PluginSocket(endpoint, draHealthService, clock);
    const over = new AbortController();
    void this.#followHealth(name, healthSocket, AbortSignal.any([over.signal, this.#ended.signal]));
    this.#options.came();
    return {
      gone: async () => this.#sync(name),
      [Symbol.dispose]: () => {
        over.abort(new Error('the driver has gone'));
        this.#running.set(name, this.#running.get(name)!.filter((one) => one !== running));
        socket[Symbol.dispose]();
        healthSocket[Symbol.dispose]();
      },
    };
  }

  /** Takes away what a driver told of its devices, a while after the last that could answer for it has gone. */
  #sync(name: string): void {
    if (this.#ended.signal.aborted) return;
    if (this.#running.get(name)?.some(({ isConnected }) => isConnected)) {
      this.#wipes.get(name)?.[Symbol.dispose]();
      this.#wipes.delete(name);
      return;
    }
    if (this.#wipes.has(name)) return;
    this.#wipes.set(name, this.#options.clock.timer(WIPE_MS, () => {
      this.#wipes.delete(name);
      void this.#wipe(name);
    }));
  }

  /** Of one driver, or of all (empty). Tried until it has succeeded. Never rejects. */
  async #wipe(driver: string): Promise<void> {
    const { nodeName, client, clock, log } = this.#options;
    const { signal } = this.#ended;
    const fieldSelector = `spec.nodeName=${nodeName}${driver === '' ? '' : `,spec.driver=${driver}`}`;
    for (let waitMs = WIPE_RETRY_MS; !signal.aborted; waitMs = Math.min(2 * waitMs, LONGEST_RETRY_MS)) {
      if (driver !== '' && this.#running.get(driver)?.some(({ isConnected }) => isConnected)) return;
      try {
        return await client.deleteCollection(resourceSlices, { fieldSelector });
      } catch (error) {
        if (!signal.aborted) log.debug('cannot delete the slices of a driver that has gone', { driver, error });
      }
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
  }

  /** What the driver says of its devices' health, for as long as it does. Never rejects. */
  async #followHealth(name: string, socket: PluginSocket, signal: AbortSignal): Promise<void> {
    const { clock, log, healthChanged } = this.#options;
    while (!signal.aborted) {
      try {
        await socket.stream<{ readonly devices: readonly ReportedHealth[] }>('NodeWatchResources', {}, signal, ({ devices }) => {
          const changed = this.health.report(name, devices);
          if (changed.length > 0) healthChanged(name, changed);
        });
      } catch (error) {
        if (signal.aborted || isRuntimeError(error, 'Unimplemented')) break;
        log.debug('cannot follow the health of devices', { driver: name, error });
      }
      const forgotten = this.health.forget(name);
      if (forgotten.length > 0) healthChanged(name, forgotten);
      await clock.sleep(HEALTH_RETRY_MS, signal).catch(() => undefined);
    }
    const forgotten = this.health.forget(name);
    if (forgotten.length > 0 && !this.#ended.signal.aborted) healthChanged(name, forgotten);
  }
}
