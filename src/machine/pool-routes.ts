import type { AddressPlan } from './address-plan.ts';
import { ROUTE_PROTOCOL, type RouteRow } from './root-network.ts';
import { run } from './run.ts';

/** The host's routes to load balancers' addresses, each by way of one node. They go with the bridge, whatever happens to us. */
export interface PoolRoutes {
  list(): Promise<ReadonlyMap<string, string>>;
  set(address: string, node: string): Promise<void>;
  remove(address: string): Promise<void>;
}

export function poolRoutes(plan: AddressPlan): PoolRoutes {
  const proto = String(ROUTE_PROTOCOL);
  return {
    async list() {
      const routes = JSON.parse((await run(['ip', '-j', '-4', 'route', 'show', 'dev', plan.bridge, 'proto', proto])) || '[]') as RouteRow[];
      return new Map(routes.flatMap(({ dst, gateway }) => (gateway && !dst.includes('/') ? [[dst, gateway] as const] : [])));
    },
    async set(address, node) {
      await run(['ip', 'route', 'replace', `${address}/32`, 'via', node, 'dev', plan.bridge, 'proto', proto]);
    },
    async remove(address) {
      await run(['ip', 'route', 'del', `${address}/32`, 'dev', plan.bridge, 'proto', proto]);
    },
  };
}
