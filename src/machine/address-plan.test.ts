import { expect, it } from 'vitest';
import { ipv6Groups } from '../base/ipv6-address.ts';
import { addressPlan, HIGHEST_CLUSTER_INDEX, HIGHEST_NODE_NUMBER, nodeSix } from './address-plan.ts';
import { leakGuardSix } from './root-network.ts';

/** Whether two ranges of IPv6 share an address. */
function meet(a: string, b: string): boolean {
  const bits = (range: string): string => ipv6Groups(range.split('/')[0]!)!.map((group) => group.toString(2).padStart(16, '0')).join('').slice(0, Number(range.split('/')[1]));
  const [one, other] = [bits(a), bits(b)];
  return one.startsWith(other) || other.startsWith(one);
}

it('addresses of IPv6: clusters never meet, nor do the nodes of one, and the guard covers all of them', () => {
  const plans = Array.from({ length: HIGHEST_CLUSTER_INDEX + 1 }, (_, index) => addressPlan(index));
  const ranges = plans.flatMap(({ six: { pods, services, fabric } }) => [pods, services, fabric]);
  for (const [i, a] of ranges.entries()) for (const [j, b] of ranges.entries()) expect(meet(a, b), `${a} ${b}`).toBe(i === j);
  for (const plan of plans) {
    const nodes = [1, 2, 9, 10, 16, HIGHEST_NODE_NUMBER].map((number) => nodeSix(plan, number));
    for (const [i, { pods, address }] of nodes.entries()) {
      expect([meet(pods, plan.six.pods), meet(`${address}/128`, plan.six.fabric)]).toEqual([true, true]);
      for (const [j, other] of nodes.entries()) if (i !== j) expect([meet(pods, other.pods), address === other.address]).toEqual([false, false]);
    }
    expect(nodes.map(({ address }) => address)).not.toContain(plan.six.host);
    for (const range of [plan.six.pods, plan.six.services, plan.six.fabric]) expect(leakGuardSix(plan, 'replace')).toContain(`route replace unreachable ${range} metric 4294967295 `);
  }
});
