import { nodes as nodeResource } from '../../api/generated/resources.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { firstFreeSubnet } from './subnets.ts';

const DEFAULT_MASK_SIZE = 24;

/** Gives each node without one a range of its own for its pods. Upstream: pkg/controller/nodeipam, RangeAllocator. */
export const nodeIpamController: Controller = {
  name: 'node-ipam-controller',
  eventSource: 'cidrAllocator',
  start(context) {
    const { client, informers, recorder, options } = context;
    const nodes = informers.informer(nodeResource);
    /** Given out, and perhaps not in the cache yet. */
    const given = new Map<string, string>();

    async function reconcile(name: string): Promise<void> {
      const node = nodes.get(name);
      if (!node) return void given.delete(name);
      if (node.spec?.podCIDR || !options.clusterCidr) return;
      const taken = [...nodes.list().flatMap((other) => other.spec?.podCIDRs ?? (other.spec?.podCIDR ? [other.spec.podCIDR] : [])), ...given.values()];
      const free = given.get(name) ?? firstFreeSubnet(options.clusterCidr, options.nodeCidrMaskSize ?? DEFAULT_MASK_SIZE, taken);
      if (!free) {
        recorder.event(node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`);
        throw new Error(`no range is left for the pods of node ${name}: all of ${options.clusterCidr} is given out`);
      }
      given.set(name, free);
      await client.patch(nodeResource, { name }, { type: 'application/strategic-merge-patch+json', body: { spec: { podCIDR: free, podCIDRs: [free, ...(options.secondNodeCidr ? [options.secondNodeCidr(free)] : [])] } } });
    }

    // One worker: what one node gets, the next must not.
    const loop = startLoop(context, { name: 'node-ipam-controller', queue: 'node', needs: [nodes], workers: 1, reconcile });
    loop.follow(nodes, itself);
    return loop;
  },
};
