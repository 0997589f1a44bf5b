/** Upstream: pkg/registry/core/node/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { Node, NodeSpec } from '../generated/core-v1.ts';
import { nodes } from '../generated/resources.ts';
import { nodeErrors, nodeUpdateErrors } from '../validation/node.ts';
import { fill, mapMember } from './fill.ts';
import { ageColumn, nameColumn, text, wide } from './table-columns.ts';

export const node: KindDefinition<Node> = {
  resource: nodes,
  defaults: (object) => mapMember(mapMember(object, 'spec', bothRanges), 'status', (status) => (status.capacity ? fill(status, { allocatable: status.capacity }) : status)),
  validate: (object) => [...nodeErrors(object)],
  validateUpdate: (next, previous) => [...nodeUpdateErrors(next, previous)],
  validateStatusUpdate: (next, previous) => [...nodeUpdateErrors(next, previous)],
  warnings: ({ spec }) => [
    ...(spec?.configSource ? ['spec.configSource: the feature is removed'] : []),
    ...(spec?.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : []),
  ],
  generation: false,
  statusOnCreate: true,
  selectableFields: (object) => ({ 'spec.unschedulable': String(object.spec?.unschedulable ?? false) }),
  columns: [
    nameColumn,
    text('Status', 'Whether the node takes pods.', statusText),
    text('Roles', 'The roles of the node, from its labels.', (object) => rolesOf(object).join(',') || '<none>'),
    ageColumn,
    text('Version', 'The version of the kubelet.', (object) => object.status?.nodeInfo?.kubeletVersion ?? ''),
    wide(text('Internal-IP', 'The address inside the cluster.', (object) => address(object, 'InternalIP'))),
    wide(text('External-IP', 'The address outside the cluster.', (object) => address(object, 'ExternalIP'))),
    wide(text('OS-Image', 'The operating system.', (object) => object.status?.nodeInfo?.osImage || '<unknown>')),
    wide(text('Kernel-Version', 'The version of the kernel, and the architecture.', kernelText)),
    wide(text('Container-Runtime', 'The container runtime and its version.', (object) => object.status?.nodeInfo?.containerRuntimeVersion || '<unknown>')),
  ],
};

/** The one range is the first of the many, whichever of both is given. Upstream: pkg/apis/core/v1/conversion.go. */
function bothRanges(spec: NodeSpec): NodeSpec {
  const { podCIDR, podCIDRs } = spec;
  if (podCIDR) return podCIDRs?.[0] === podCIDR ? spec : { ...spec, podCIDRs: [podCIDR] };
  return podCIDRs?.[0] ? { ...spec, podCIDR: podCIDRs[0] } : spec;
}

function statusText(object: Node): string {
  const ready = object.status?.conditions?.find((condition) => condition.type === 'Ready');
  const status = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  return object.spec?.unschedulable ? `${status},SchedulingDisabled` : status;
}

/** The roles of a node, sorted: labels `node-role.kubernetes.io/ROLE` and `kubernetes.io/role=ROLE`. */
export function rolesOf(object: Node): readonly string[] {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.entries(object.metadata.labels ?? {}).map(([key, value]) => (key.startsWith(prefix) ? key.slice(prefix.length) : key === 'kubernetes.io/role' ? value : ''));
  return [...new Set(roles)].filter((role) => role !== '').sort();
}

const address = (object: Node, type: string): string => object.status?.addresses?.find((entry) => entry.type === type)?.address ?? '<none>';

function kernelText(object: Node): string {
  const { kernelVersion, architecture } = object.status?.nodeInfo ?? {};
  return `${kernelVersion || '<unknown>'}${architecture ? ` (${architecture})` : ''}`;
}
