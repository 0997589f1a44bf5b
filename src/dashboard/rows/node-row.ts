import type { Node } from '../../api/generated/core-v1.ts';
import { rolesOf } from '../../api/kinds/node.ts';
import { quantityToNumber } from '../../api/quantity.ts';
import { baseRow } from './base-row.ts';
import type { NodeRow, Tone } from './row.ts';

export function nodeRow(node: Node): NodeRow {
  const { spec, status } = node;
  const conditions = status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  const pressure = conditions.filter(({ type, status: value }) => type !== 'Ready' && value === 'True');
  const cordoned = spec?.unschedulable ?? false;
  const tone: Tone = ready?.status !== 'True' || pressure.length > 0 ? 'bad' : cordoned ? 'idle' : 'ok';
  const why =
    ready?.status !== 'True'
      ? (ready?.message ?? 'The node has not reported yet')
      : pressure.map(({ type, message }) => message || type).join('; ');
  const ip = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  const room = status?.allocatable ?? {};
  return {
    ...baseRow(node),
    tone,
    status: `${ready?.status === 'True' ? 'Ready' : ready ? 'Not ready' : 'Unknown'}${cordoned ? ', takes no new pods' : ''}`,
    ...(why && { why }),
    roles: rolesOf(node).join(', '),
    version: status?.nodeInfo?.kubeletVersion ?? '',
    runtime: status?.nodeInfo?.containerRuntimeVersion ?? '',
    os: status?.nodeInfo?.osImage ?? '',
    ...(ip && { ip }),
    ...(spec?.podCIDR && { podCidr: spec.podCIDR }),
    cpu: quantityToNumber(room['cpu']),
    memory: quantityToNumber(room['memory']),
    podLimit: quantityToNumber(room['pods']),
    cordoned,
    taints: (spec?.taints ?? []).map(({ key, value, effect }) => `${key}${value ? `=${value}` : ''}:${effect}`),
  };
}
