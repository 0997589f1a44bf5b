import type { Pod } from '../../api/generated/core-v1.ts';
import { isPodTerminal } from '../../api/pod/conditions.ts';
import { podResourceLimits, podResourceRequests } from '../../api/pod/resources.ts';
import { quantitySign, quantityToNumber } from '../../api/quantity.ts';
import { MetricRegistry } from '../../base/metrics.ts';

/** What pods that are not over ask for and may have: `/metrics/resources`. Upstream: pkg/scheduler/metrics/resources, a page of the scheduler's. */
export function podResourceMetrics(pods: () => readonly Pod[]): MetricRegistry {
  const metrics = new MetricRegistry();
  const family = (name: string, help: string, of: typeof podResourceRequests): void => metrics.derived(name, help, 'gauge', ['namespace', 'pod', 'node', 'scheduler', 'priority', 'resource', 'unit'], function* () {
    for (const pod of pods()) {
      if (pod.spec.nodeName && isPodTerminal(pod)) continue;
      const { metadata: { namespace, name }, spec: { nodeName = '', schedulerName = '', priority } } = pod;
      for (const [resource, amount] of Object.entries(of(pod))) {
        if (quantitySign(amount) !== 0) yield [[namespace, name, nodeName, schedulerName, priority === undefined ? '' : String(priority), resource, unitOf(resource)], quantityToNumber(amount)];
      }
    }
  });
  family('kube_pod_resource_request', 'What a pod asks for, as scheduler and kubelet reckon with it.', podResourceRequests);
  family('kube_pod_resource_limit', 'What a pod may have at the most.', podResourceLimits);
  return metrics;
}

function unitOf(resource: string): string {
  if (resource === 'cpu') return 'cores';
  if (resource === 'memory' || resource === 'storage' || resource === 'ephemeral-storage' || resource.startsWith('hugepages-')) return 'bytes';
  return resource.startsWith('attachable-volumes-') ? 'integer' : '';
}
