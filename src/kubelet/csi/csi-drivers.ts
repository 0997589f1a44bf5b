import { watch, type FSWatcher } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isReason } from '../../api/errors.ts';
import { csiNodes, nodes } from '../../api/generated/resources.ts';
import type { CSINode, CSINodeDriver } from '../../api/generated/storage-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { csiNodeService, registrationService } from './csi-protocol.ts';
import { PluginSocket } from './plugin-socket.ts';

export type NodeCapability = 'STAGE_UNSTAGE_VOLUME' | 'SINGLE_NODE_MULTI_WRITER' | 'VOLUME_MOUNT_GROUP' | 'EXPAND_VOLUME' | 'GET_VOLUME_STATS' | 'VOLUME_CONDITION';

/** A driver that has registered itself on this node. */
export interface CsiDriver {
  readonly name: string;
  readonly socket: PluginSocket;
  readonly capabilities: ReadonlySet<NodeCapability>;
}

interface PluginInfo {
  readonly type: string;
  readonly name: string;
  readonly endpoint: string;
  readonly supportedVersions: readonly string[];
}

interface NodeInfo {
  readonly nodeId: string;
  readonly maxVolumesPerNode: number;
  readonly accessibleTopology: { readonly segments: Readonly<Record<string, string>> } | null;
}

export interface CsiDriversOptions {
  /** Sockets of plugins appear in it. */
  readonly folder: string;
  readonly nodeName: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
}

const NODE_IDS = 'csi.volume.kubernetes.io/nodeid';
const SETTLE_MS = 100;
/** A plugin that could not be registered is tried again so often, in milliseconds. */
const RETRY_MS = 5000;
const QUICK_MS = 10_000;

/**
 * The storage drivers of a node: each is found by the socket that its registrar puts into a folder, asked who it is, and told to the API as part of
 * the node's CSINode. Upstream: kubelet/pluginmanager, pkg/volume/csi RegisterPlugin, nodeinfomanager.
 */
export class CsiDrivers implements AsyncDisposable {
  readonly #options: CsiDriversOptions;
  /** By the socket they registered with. */
  readonly #registered = new Map<string, { readonly inode: number; readonly driver: CsiDriver }>();
  #watcher: FSWatcher | undefined;
  #timer: Disposable | undefined;
  #looking: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(options: CsiDriversOptions) {
    this.#options = options;
  }

  /** Throws in upstream's words. */
  get(name: string): CsiDriver {
    for (const { driver } of this.#registered.values()) if (driver.name === name) return driver;
    throw new Error(`driver name ${name} not found in the list of registered CSI drivers`);
  }

  /** Makes the folder and follows what appears in it. The node must be registered. */
  async start(): Promise<void> {
    const { folder, log } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o750 });
    this.#watcher = watch(folder, () => this.#lookSoon(SETTLE_MS));
    this.#watcher.on('error', (error) => log.debug('cannot watch the sockets of plugins', { error }));
    await this.#initialize();
    this.#lookSoon(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#watcher?.close();
    this.#timer?.[Symbol.dispose]();
    await this.#looking;
    for (const { driver } of this.#registered.values()) driver.socket[Symbol.dispose]();
  }

  #lookSoon(milliseconds: number): void {
    if (this.#ended) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#options.clock.timer(milliseconds, () => {
      this.#timer = undefined;
      this.#looking = this.#looking.then(() => this.#look()).catch((error: unknown) => {
        this.#options.log.warn('cannot see which storage drivers there are', { error });
        this.#lookSoon(RETRY_MS);
      });
    });
  }

  /** Upstream makes the object before there are drivers: the scheduler asks it for limits. */
  async #initialize(): Promise<void> {
    const { client, nodeName } = this.#options;
    const node = await client.get(nodes, { name: nodeName });
    try {
      await client.create(csiNodes, { metadata: { name: nodeName, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid }] }, spec: { drivers: [] } });
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
    }
  }

  async #look(): Promise<void> {
    if (this.#ended) return;
    const { folder, log } = this.#options;
    const present = new Map<string, number>();
    for (const name of await readdir(folder)) {
      if (name.startsWith('.')) continue;
      const found = await stat(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      if (found?.isSocket()) present.set(join(folder, name), found.ino);
    }
    for (const [path, { inode, driver }] of this.#registered) {
      if (present.get(path) === inode) continue;
      this.#registered.delete(path);
      driver.socket[Symbol.dispose]();
      log.info('a storage driver has gone', { driver: driver.name });
      await this.#tell(driver.name, undefined);
    }
    for (const [path, inode] of present) {
      if (this.#registered.has(path)) continue;
      try {
        await this.#register(path, inode);
      } catch (error) {
        log.warn('cannot register a plugin', { path, error });
        this.#lookSoon(RETRY_MS);
      }
    }
  }

  async #register(path: string, inode: number): Promise<void> {
    const { clock, log } = this.#options;
    using registrar = new PluginSocket(path, registrationService, clock);
    const info = await registrar.call<PluginInfo>('GetInfo', {}, QUICK_MS);
    if (info.type !== 'CSIPlugin') throw new Error(`no handler registered for plugin type: ${info.type} at socket ${path}`);
    const refuse = async (error: string): Promise<never> => {
      await registrar.call('NotifyRegistrationStatus', { pluginRegistered: false, error }, QUICK_MS);
      throw new Error(error);
    };
    if (!info.supportedVersions.some((version) => /^v?1\./.test(version))) await refuse(`CSI driver ${info.name} supports none of the versions that this kubelet speaks: ${info.supportedVersions.join(', ')}`);
    const socket = new PluginSocket(info.endpoint || path, csiNodeService, clock);
    try {
      const node = await socket.call<NodeInfo>('NodeGetInfo', {}, QUICK_MS);
      const { capabilities } = await socket.call<{ capabilities: readonly { rpc: { type: NodeCapability } | null }[] }>('NodeGetCapabilities', {}, QUICK_MS);
      await this.#tell(info.name, node);
      this.#registered.set(path, { inode, driver: { name: info.name, socket, capabilities: new Set(capabilities.flatMap(({ rpc }) => (rpc ? [rpc.type] : []))) } });
    } catch (error) {
      socket[Symbol.dispose]();
      return refuse((error as Error).message);
    }
    log.info('a storage driver has registered', { driver: info.name });
    await registrar.call('NotifyRegistrationStatus', { pluginRegistered: true, error: '' }, QUICK_MS);
  }

  /** Writes what a driver says of this node into CSINode, and its topology and id into the Node; `undefined`: it is gone. */
  async #tell(name: string, info: NodeInfo | undefined): Promise<void> {
    const { client, nodeName } = this.#options;
    const segments = info?.accessibleTopology?.segments ?? {};
    const node = await client.get(nodes, { name: nodeName });
    const ids = JSON.parse(node.metadata.annotations?.[NODE_IDS] ?? '{}') as Record<string, string>;
    if (info) ids[name] = info.nodeId;
    else delete ids[name];
    const annotation = Object.keys(ids).length > 0 ? JSON.stringify(ids) : null;
    const body = { metadata: { annotations: { [NODE_IDS]: annotation }, ...(Object.keys(segments).length > 0 && { labels: segments }) } };
    await client.patch(nodes, { name: nodeName }, { type: 'application/strategic-merge-patch+json', body });
    for (;;) {
      const present: CSINode = await client.get(csiNodes, { name: nodeName });
      const others = present.spec.drivers.filter((driver) => driver.name !== name);
      const own: CSINodeDriver[] = info ? [{
        name, nodeID: info.nodeId, ...(Object.keys(segments).length > 0 && { topologyKeys: Object.keys(segments) }), ...(info.maxVolumesPerNode > 0 && { allocatable: { count: info.maxVolumesPerNode } }),
      }] : [];
      try {
        await client.update(csiNodes, { ...present, spec: { ...present.spec, drivers: [...others, ...own] } });
        return;
      } catch (error) {
        if (!isReason(error, 'Conflict')) throw error;
      }
    }
  }
}
