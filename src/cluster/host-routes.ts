import type { Routes } from '../balancer/index.ts';
import { run, type AddressPlan } from '../machine/index.ts';

/** Marks the routes to load-balancer addresses as ours (rtnetlink's numbers from 192 on are free for use). */
const PROTOCOL = '232';

/** Routes of the host to load-balancer addresses, by way of a node on the bridge. They go with the bridge at the latest. */
export function hostRoutes(plan: AddressPlan): Routes {
  const link = ['dev', plan.bridge];
  return {
    async list() {
      const rows = JSON.parse((await run(['ip', '-j', 'route', 'show', 'protocol', PROTOCOL, ...link])) || '[]') as readonly { readonly dst: string; readonly gateway: string }[];
      return new Map(rows.map(({ dst, gateway }) => [dst, gateway]));
    },
    async set(address, node) {
      await run(['ip', 'route', 'replace', `${address}/32`, 'via', node, ...link, 'protocol', PROTOCOL]);
    },
    async remove(address) {
      if ((await this.list()).has(address)) await run(['ip', 'route', 'del', `${address}/32`, ...link, 'protocol', PROTOCOL]);
    },
  };
}

/** Of simulated nodes, which nothing reaches: kept in mind only. */
export function noRoutes(): Routes {
  const routes = new Map<string, string>();
  return {
    list: async () => routes,
    set: async (address, node) => void routes.set(address, node),
    remove: async (address) => void routes.delete(address),
  };
}
