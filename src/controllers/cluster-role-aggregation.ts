import type { ClusterRole, PolicyRule } from '../api/generated/rbac-v1.ts';
import { clusterRoles } from '../api/generated/resources.ts';
import { selectorOf } from '../api/selector.ts';
import { startLoop } from './control-loop.ts';
import type { Controller } from './controller.ts';
import { semanticEqual } from './semantic-equal.ts';

/** Cluster roles that are made of others: `admin`, `edit`, `view`. Upstream: pkg/controller/clusterroleaggregation. */
export const clusterRoleAggregationController: Controller = {
  name: 'clusterrole-aggregation-controller',
  start(context) {
    const roles = context.informers.informer(clusterRoles);

    async function reconcile(name: string): Promise<void> {
      const role = roles.get(name);
      if (!role?.aggregationRule) return;
      const rules = aggregatedRules(role, roles.list());
      if (semanticEqual(role.rules, rules)) return;
      await context.client.update(clusterRoles, { ...role, rules });
    }

    const loop = startLoop(context, { name: 'clusterrole-aggregation-controller', queue: 'ClusterRoleAggregator', needs: [roles], workers: 5, reconcile });
    loop.follow(roles, () => roles.list().filter((role) => role.aggregationRule).map((role) => role.metadata.name));
    return loop;
  },
};

/** The rules of all roles that one of the selectors picks, by the order of their names, none twice. A role never picks itself. */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[]): readonly PolicyRule[] {
  const rules: PolicyRule[] = [];
  const taken = new Set<string>([role.metadata.name]);
  const sorted = all.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    for (const other of sorted) {
      if (taken.has(other.metadata.name) || !selectorOf(selector).matches(other.metadata.labels)) continue;
      taken.add(other.metadata.name);
      for (const rule of other.rules ?? []) if (!rules.some((present) => semanticEqual(present, rule))) rules.push(rule);
    }
  }
  return rules;
}
