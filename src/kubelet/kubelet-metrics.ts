import type { ContainerStatus, PodStatus } from '../api/generated/core-v1.ts';
import { MetricRegistry } from '../base/metrics.ts';

/** Reasons that are counted by name. Upstream: kubelet.go admissionRejectionReasons. */
const REASONS: ReadonlySet<string> = new Set([
  'AppArmor', 'Evicted', 'InitContainerRestartPolicyForbidden', 'InvalidNodeInfo', 'NodeShutdown', 'OutOfcpu', 'OutOfephemeral-storage', 'OutOfmemory', 'OutOfpods', 'PodFeatureUnsupported',
  'PodLevelResourcesNotSupported', 'PodOSNotSupported', 'PodOSSelectorNodeLabelDoesNotMatch', 'SupplementalGroupsPolicyNotSupported', 'SysctlForbidden', 'TopologyAffinityError', 'UnexpectedAdmissionError',
  'UnexpectedPredicateFailureType', 'UnknownReason', 'VolumeAttachmentLimitExceeded',
]);

const STATUS_LISTS = [['init_container', 'initContainerStatuses'], ['container', 'containerStatuses'], ['ephemeral_container', 'ephemeralContainerStatuses']] as const;

/** What the kubelet counts as it goes, for its `/metrics`. Upstream: kubelet/metrics/metrics.go. */
export class KubeletMetrics {
  readonly #registry = new MetricRegistry();
  readonly #terminated = this.#registry.counter('kubelet_terminated_containers_total', '[ALPHA] Cumulative number of container terminations.', ['container_type', 'exit_code', 'reason']);
  readonly #rejections = this.#registry.counter('kubelet_admission_rejections_total', '[ALPHA] Cumulative number pod admission rejections by the Kubelet.', ['reason']);

  constructor(nodeName: string) {
    this.#registry.gauge('kubelet_node_name', '[ALPHA] The node\'s name. The count is always 1.', ['node']).of(nodeName).value = 1;
  }

  /** Counts the containers that ended between two statuses of a pod. */
  statusChanged(before: PodStatus, after: PodStatus): void {
    for (const [type, list] of STATUS_LISTS) {
      if (before[list] === after[list]) continue;
      for (const { exitCode, reason = '' } of newlyEnded(before[list] ?? [], after[list] ?? [])) this.#terminated.of(type, String(exitCode), reason).add();
    }
  }

  /** Reasons that name a resource of somebody's own making count as one, so that the series stay few. */
  rejected(reason: string): void {
    this.#rejections.of(REASONS.has(reason) ? reason : reason.startsWith('OutOf') ? 'OutOfExtendedResources' : 'Other').add();
  }

  text(): string {
    return this.#registry.text();
  }
}

function* newlyEnded(before: readonly ContainerStatus[], after: readonly ContainerStatus[]) {
  for (const { name, state } of after) {
    if (state?.terminated && !before.find((status) => status.name === name)?.state?.terminated) yield state.terminated;
  }
}
