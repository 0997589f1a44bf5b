import type { Pod } from '../../api/generated/core-v1.ts';
import { everything, Selector, selectorOf, selectorOfMap, type Requirement } from '../../api/selector.ts';
import type { PluginContext } from './plugin-context.ts';

/**
 * What binds a pod to its likes: the selectors of the services that it belongs to and of its controller, all at once; selects everything
 * where there is none. Upstream: plugins/helper/spread.go DefaultSelector.
 */
export function defaultSelector(pod: Pod, context: Pick<PluginContext, 'services' | 'replicationControllers' | 'replicaSets' | 'statefulSets'>): Selector {
  const { namespace, labels, ownerReferences } = pod.metadata;
  const requirements = new Map<string, Requirement>();
  const take = (selector: Selector): void => {
    for (const requirement of selector.requirements) requirements.set(`${requirement.key} ${requirement.operator} ${requirement.values.join()}`, requirement);
  };
  for (const service of context.services.list(namespace)) {
    const selector = selectorOfMap(service.spec.selector);
    if (!selector.empty && selector.matches(labels)) take(selector);
  }
  const owner = ownerReferences?.find((reference) => reference.controller);
  if (owner) {
    const key = `${namespace}/${owner.name}`;
    if (owner.kind === 'ReplicationController' && owner.apiVersion === 'v1') take(selectorOfMap(context.replicationControllers.get(key)?.spec.selector));
    else if (owner.apiVersion.startsWith('apps/')) {
      const controller = owner.kind === 'ReplicaSet' ? context.replicaSets.get(key) : owner.kind === 'StatefulSet' ? context.statefulSets.get(key) : undefined;
      if (controller) take(selectorOf(controller.spec.selector));
    }
  }
  return requirements.size === 0 ? everything : new Selector([...requirements.values()]);
}
