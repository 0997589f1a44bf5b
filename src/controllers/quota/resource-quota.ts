import type { ResourceQuota } from '../../api/generated/core-v1.ts';
import { customResourceDefinitions, resourceQuotas } from '../../api/generated/resources.ts';
import { keyOf, type KubeObject } from '../../api/object.ts';
import { addQuantities, compareQuantities } from '../../api/quantity.ts';
import { quotaMatches } from '../../api/quota/quota-scopes.ts';
import { countsFor, quotaUsage } from '../../api/quota/quota-usage.ts';
import type { Informer } from '../../client/informer.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { customResource, storedResources, type StoredResource } from '../served-resources.ts';

/** What only time changes (a pod stuck in its deletion stops counting) is seen this late at most. Upstream's full resync is of 5 minutes. */
const RECOUNT_MS = 5 * 60_000;

/**
 * Admission charges a quota before the object that it charges for is stored, let alone seen here. So a count that is lower
 * than what is charged is believed only when nothing was charged for so long.
 */
const CALM_MS = 200;

interface Counted {
  readonly resource: StoredResource;
  readonly informer: Informer<KubeObject>;
}

/** Counts what a namespace uses of its quotas; admission charges against that count. Upstream: pkg/controller/resourcequota. */
export const resourceQuotaController: Controller = {
  name: 'resourcequota-controller',
  start(context) {
    const { client, clock, informers } = context;
    const quotas = informers.informer(resourceQuotas);
    const definitions = informers.informer(customResourceDefinitions);
    const counted = new Map<string, Counted>();
    /** When each quota was changed last, by anybody. */
    const changedMs = new Map<string, number>();

    async function reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
      const quota = quotas.get(key);
      if (!quota) return void changedMs.delete(key);
      const hard = quota.spec?.hard ?? {};
      const names = Object.keys(hard);
      for (const resource of countable()) if (names.some((name) => countsFor(resource, name))) await watch(resource).untilSynced(signal);
      const used = usageOf(quota, names);
      const calmIn = (changedMs.get(key) ?? 0) + CALM_MS - clock.now();
      if (calmIn > 0 && names.some((name) => compareQuantities(used[name], quota.status?.used?.[name]) < 0)) return { requeueAfterMs: calmIn };
      if (!semanticEqual(quota.status?.hard, hard) || !sameAmounts(quota.status?.used, used)) {
        await client.updateStatus(resourceQuotas, { ...quota, status: { hard, used } });
      }
      return { requeueAfterMs: RECOUNT_MS };
    }

    function usageOf(quota: ResourceQuota, names: readonly string[]): Record<string, string> {
      const used: Record<string, string> = Object.fromEntries(names.map((name) => [name, '0']));
      for (const { resource, informer } of counted.values()) {
        if (!names.some((name) => countsFor(resource, name))) continue;
        for (const object of informer.list(quota.metadata.namespace)) {
          if (!quotaMatches(quota, resource, object, names)) continue;
          for (const [name, amount] of Object.entries(quotaUsage(resource, object, clock.now()))) if (name in used) used[name] = addQuantities(used[name], amount);
        }
      }
      return used;
    }

    const countable = (): readonly StoredResource[] => storedResources(definitions.list(), 'list', 'watch').filter((resource) => resource.namespaced);

    /** Only kinds that some quota limits are watched. */
    function watch(resource: StoredResource): Informer<KubeObject> {
      const name = `${resource.resource}.${resource.group}`;
      let entry = counted.get(name);
      if (!entry) {
        entry = { resource, informer: informers.informer<KubeObject>(resource) };
        counted.set(name, entry);
        loop.follow(entry.informer, (object) => quotas.list(object.metadata.namespace).map(keyOf), { gatherMs: 100 });
      }
      return entry.informer;
    }

    const loop = startLoop(context, { name: 'resourcequota-controller', queue: 'resourcequota_primary', needs: [quotas, definitions], workers: 5, reconcile });
    loop.own(quotas.subscribe({ update: (_, quota) => void changedMs.set(keyOf(quota), clock.now()) }));
    loop.follow(quotas, itself);
    loop.own(definitions.subscribe({ delete: (definition) => customResource(definition).forEach(({ resource, group }) => counted.delete(`${resource}.${group}`)) }));
    return loop;
  },
};

/** `1` and `1000m` are one amount. */
function sameAmounts(a: Readonly<Record<string, string>> | undefined, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(b);
  return a !== undefined && Object.keys(a).length === names.length && names.every((name) => a[name] !== undefined && compareQuantities(a[name], b[name]) === 0);
}
