import { BlockList } from 'node:net';
import type { Condition } from '../api/generated/meta-v1.ts';
import type { IPAddress, ServiceCIDR } from '../api/generated/networking-v1.ts';
import { ipAddresses, serviceCIDRs } from '../api/generated/resources.ts';
import { isReason } from '../api/errors.ts';
import { rfc3339 } from '../base/clock.ts';
import type { ReconcileResult } from '../client/reconciler.ts';
import { withCondition } from './conditions.ts';
import { startLoop } from './control-loop.ts';
import type { Controller } from './controller.ts';

const FINALIZER = 'networking.k8s.io/service-cidr-finalizer';
/** Allocators hear of the deletion late: for so long an address may still be taken from a range that is going. */
const GRACE_MS = 10_000;

/** Keeps a range of service addresses as long as services have addresses of it. Upstream: pkg/controller/servicecidrs. */
export const serviceCidrController: Controller = {
  name: 'service-cidr-controller',
  start(context) {
    const { client, clock, informers } = context;
    const ranges = informers.informer(serviceCIDRs);
    const addresses = informers.informer(ipAddresses);

    async function reconcile(name: string): Promise<ReconcileResult> {
      const range = ranges.get(name);
      if (!range) return;
      const { finalizers = [], deletionTimestamp } = range.metadata;
      if (!deletionTimestamp) {
        const guarded = finalizers.includes(FINALIZER) ? range : await client.update(serviceCIDRs, { ...range, metadata: { ...range.metadata, finalizers: [...finalizers, FINALIZER] } });
        return await note(guarded, 'True', '', 'Kubernetes Service CIDR is ready');
      }
      if (isNeeded(range, ranges.list(), addresses.list())) {
        return await note(range, 'False', 'Terminating', 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR');
      }
      const left = Date.parse(deletionTimestamp) + GRACE_MS - clock.now();
      if (left > 0) return { requeueAfterMs: left };
      if (!finalizers.includes(FINALIZER)) return;
      try {
        await client.update(serviceCIDRs, { ...range, metadata: { ...range.metadata, finalizers: finalizers.filter((other) => other !== FINALIZER) } });
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }

    async function note(range: ServiceCIDR, status: 'True' | 'False', reason: string, message: string): Promise<void> {
      const { conditions } = range.status ?? {};
      const condition: Condition = { type: 'Ready', status, reason, message, lastTransitionTime: rfc3339(clock.now()) };
      const next = withCondition(conditions, condition);
      if (next !== conditions) await client.updateStatus(serviceCIDRs, { ...range, status: { ...range.status, conditions: next } });
    }

    const loop = startLoop(context, { name: 'service-cidr-controller', queue: 'ipaddresses', needs: [ranges, addresses], workers: 1, reconcile });
    loop.follow(ranges, () => ranges.list().map((range) => range.metadata.name));
    loop.own(addresses.subscribe({
      delete: () => ranges.list().filter((range) => range.metadata.deletionTimestamp).forEach((range) => loop.enqueue(range.metadata.name)),
    }));
    return loop;
  },
};

const family = (address: string): 'ipv4' | 'ipv6' => (address.includes(':') ? 'ipv6' : 'ipv4');

function contains(range: string, address: string): boolean {
  const [network = '', bits] = range.split('/');
  if (family(network) !== family(address)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family(network));
  return list.check(address, family(address));
}

/** Whether some address would be of no range if this one went: not when another range holds all of it. */
export function isNeeded(range: ServiceCIDR, all: readonly ServiceCIDR[], addresses: readonly IPAddress[]): boolean {
  const others = all.filter((other) => other.metadata.uid !== range.metadata.uid).flatMap((other) => other.spec?.cidrs ?? []);
  const uncovered = (range.spec?.cidrs ?? []).filter((cidr) => {
    const [network = '', bits] = cidr.split('/');
    return !others.some((other) => Number(other.split('/')[1]) <= Number(bits) && contains(other, network));
  });
  return addresses.some(({ metadata: { name } }) => uncovered.some((cidr) => contains(cidr, name)) && !others.some((other) => contains(other, name)));
}
