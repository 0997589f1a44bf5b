import { isReason } from '../../api/errors.ts';
import { csiNodes, nodes } from '../../api/generated/resources.ts';
import type { CSINode, CSINodeDriver } from '../../api/generated/storage-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import type { Plugin, PluginHandler, RegisteredPlugin } from '../plugins/plugin-registry.ts';
import { PluginSocket } from '../plugins/plugin-socket.ts';
import { csiNodeService } from './csi-protocol.ts';

export type NodeCapability = 'STAGE_UNSTAGE_VOLUME' | 'SINGLE_NODE_MULTI_WRITER' | 'VOLUME_MOUNT_GROUP' | 'EXPAND_VOLUME' | 'GET_VOLUME_STATS' | 'VOLUME_CONDITION';

/** A driver that has registered itself on this node. */
export interface CsiDriver {
  readonly name: string;
  readonly socket: PluginSocket;
  readonly capabilities: ReadonlySet<NodeCapability>;
}

interface NodeInfo {
  readonly nodeId: string;
  readonly maxVolumesPerNode: number;
  readonly accessibleTopology: { readonly segments: Readonly<Record<string, string>> } | null;
}

export interface CsiDriversOptions {
  readonly nodeName: string;
  readonly client: Client;
  readonly clock: Clock;
}

const NODE_IDS = 'csi.volume.kubernetes.io/nodeid';
const QUICK_MS = 10_000;

/** The storage drivers of a node: told to the API as part of the node's CSINode. Upstream: pkg/volume/csi RegisterPlugin, nodeinfomanager. */
export class CsiDrivers implements PluginHandler {
  readonly type = 'CSIPlugin';
  readonly #options: CsiDriversOptions;
  readonly #drivers = new Set<CsiDriver>();

  constructor(options: CsiDriversOptions) {
    this.#options = options;
  }

  /** Throws in upstream's words. */
  get(name: string): CsiDriver {
    for (const driver of this.#drivers) if (driver.name === name) return driver;
    throw new Error(`driver name ${name} not found in the list of registered CSI drivers`);
  }

  /** Upstream makes the object before there are drivers: the scheduler asks it for limits. The node must be registered. */
  async makeNodeObject(): Promise<void> {
    const { client, nodeName } = this.#options;
    const node = await client.get(nodes, { name: nodeName });
    try {
      await client.create(csiNodes, { metadata: { name: nodeName, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid }] }, spec: { drivers: [] } });
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
    }
  }

  async register({ name, endpoint, supportedVersions }: Plugin): Promise<RegisteredPlugin> {
    if (!supportedVersions.some((version) => /^v?1\./.test(version))) throw new Error(`CSI driver ${name} supports none of the versions that this kubelet speaks: ${supportedVersions.join(', ')}`);
    const socket = new PluginSocket(endpoint, csiNodeService, this.#options.clock);
    let driver: CsiDriver;
    try {
      const node = await socket.call<NodeInfo>('NodeGetInfo', {}, QUICK_MS);
      const { capabilities } = await socket.call<{ capabilities: readonly { rpc: { type: NodeCapability } | null }[] }>('NodeGetCapabilities', {}, QUICK_MS);
      await this.#tell(name, node);
      driver = { name, socket, capabilities: new Set(capabilities.flatMap(({ rpc }) => (rpc ? [rpc.type] : []))) };
    } catch (error) {
      socket[Symbol.dispose]();
      throw error;
    }
    this.#drivers.add(driver);
    return {
      gone: () => this.#tell(name, undefined),
      [Symbol.dispose]: () => {
        this.#drivers.delete(driver);
        socket[Symbol.dispose]();
      },
    };
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
