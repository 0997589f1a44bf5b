import { isReason } from '../../api/errors.ts';
import type { Lease } from '../../api/generated/coordination-v1.ts';
import type { Node, Pod } from '../../api/generated/core-v1.ts';
import type { ObjectList } from '../../api/object.ts';
import { addResources, podResourceLimits, podResourceRequests, type ResourceList } from '../../api/pod/resources.ts';
import { milliValue, quantityValue } from '../../api/quantity.ts';
import type { Session } from '../command/session.ts';
import type { DescribeContext } from './describe-context.ts';
import { rfc1123, since } from './times.ts';
import type { DescribeWriter } from './writer.ts';

const ROLE_PREFIX = 'node-role.kubernetes.io/';
const STANDARD = ['cpu', 'memory', 'ephemeral-storage', 'pods'];

/** Upstream: describe.go, describeNode. */
export async function describeNode(node: Node, { session, out, nowMs }: DescribeContext): Promise<void> {
  const { metadata, spec = {}, status = {} } = node;
  const fieldSelector = `spec.nodeName=${metadata.name},status.phase!=Failed,status.phase!=Succeeded`;
  const [lease, pods] = await Promise.all([leaseOf(session, metadata.name), podsIn(session, fieldSelector)]);
  const roles = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => (key.startsWith(ROLE_PREFIX) && key !== ROLE_PREFIX ? [key.slice(ROLE_PREFIX.length)] : key === 'kubernetes.io/role' && value ? [value] : []));
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Roles', [...new Set(roles)].toSorted().join(',') || '<none>');
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.field(0, 'CreationTimestamp', rfc1123(metadata.creationTimestamp));
  const taints = (spec.taints ?? []).toSorted((a, b) => (`${a.effect},${a.key}` < `${b.effect},${b.key}` ? -1 : 1));
  out.lines(0, 'Taints', taints.map(({ key, value, effect }) => `${key}${value ? `=${value}` : ''}${effect ? `:${effect}` : ''}`));
  out.field(0, 'Unschedulable', spec.unschedulable ?? false);
  if (typeof lease === 'string') {
    out.field(0, 'Lease', `Failed to get lease: ${lease}`);
  } else {
    out.line(0, 'Lease:');
    out.optional(1, 'HolderIdentity', lease.spec?.holderIdentity, '<unset>');
    out.field(1, 'AcquireTime', lease.spec?.acquireTime ? rfc1123(lease.spec.acquireTime) : '<unset>');
    out.field(1, 'RenewTime', lease.spec?.renewTime ? rfc1123(lease.spec.renewTime) : '<unset>');
  }
  if (status.conditions?.length) {
    out.line(0, 'Conditions:');
    out.line(1, 'Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage');
    out.line(1, '----\t------\t-----------------\t------------------\t------\t-------');
    for (const c of status.conditions) out.line(1, `${c.type} \t${c.status} \t${rfc1123(c.lastHeartbeatTime)} \t${rfc1123(c.lastTransitionTime)} \t${c.reason ?? ''} \t${c.message ?? ''}`);
  }
  out.line(0, 'Addresses:');
  for (const { type, address } of status.addresses ?? []) out.field(1, type, address);
  for (const [title, list] of [['Capacity', status.capacity], ['Allocatable', status.allocatable]] as const) {
    if (!list || Object.keys(list).length === 0) continue;
    out.line(0, `${title}:`);
    for (const resource of Object.keys(list).toSorted()) out.field(1, resource, list[resource]!);
  }
  describeSystem(out, node);
  out.present(0, 'PodCIDR', spec.podCIDR);
  out.present(0, 'PodCIDRs', spec.podCIDRs?.join(','));
  out.present(0, 'ProviderID', spec.providerID);
  if (pods) describePods(out, pods, status.allocatable && Object.keys(status.allocatable).length > 0 ? status.allocatable : (status.capacity ?? {}), nowMs);
  else out.field(0, 'Pods', 'not authorized');
}

async function leaseOf(session: Session, name: string): Promise<Lease | string> {
  try {
    return await session.json<Lease>(`/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`);
  } catch (error) {
    if (!isReason(error, 'NotFound', 'Forbidden')) throw error;
    return error.message;
  }
}

async function podsIn(session: Session, fieldSelector: string): Promise<readonly Pod[] | undefined> {
  try {
    return (await session.json<ObjectList<Pod>>('/api/v1/pods', { query: { fieldSelector, limit: '500' } })).items;
  } catch (error) {
    if (!isReason(error, 'Forbidden')) throw error;
    return undefined;
  }
}

function describeSystem(out: DescribeWriter, { status }: Node): void {
  const info = status?.nodeInfo;
  out.line(0, 'System Info:');
  for (const [name, value] of [
    ['Machine ID', info?.machineID], ['System UUID', info?.systemUUID], ['Boot ID', info?.bootID], ['Kernel Version', info?.kernelVersion], ['OS Image', info?.osImage],
    ['Operating System', info?.operatingSystem], ['Architecture', info?.architecture], ['Container Runtime Version', info?.containerRuntimeVersion], ['Kubelet Version', info?.kubeletVersion],
  ] as const) out.field(1, name, value ?? '');
}

/** `100m (5%)`: the share is cut, not rounded. */
function share(list: ResourceList, resource: string, allocatable: ResourceList): string {
  const measure = resource === 'cpu' ? milliValue : quantityValue;
  const whole = measure(allocatable[resource] ?? '0');
  return `${list[resource] ?? '0'} (${whole === 0 ? 0 : Math.trunc((measure(list[resource] ?? '0') / whole) * 100)}%)`;
}

function describePods(out: DescribeWriter, pods: readonly Pod[], allocatable: ResourceList, nowMs: number): void {
  out.field(0, 'Non-terminated Pods', `(${pods.length} in total)`);
  out.line(1, 'Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge');
  out.line(1, '---------\t----\t\t------------\t----------\t---------------\t-------------\t---');
  const [requests, limits] = [pods.map(podResourceRequests), pods.map(podResourceLimits)];
  pods.forEach(({ metadata }, i) => {
    const cells = (['cpu', 'memory'] as const).flatMap((resource) => [share(requests[i]!, resource, allocatable), share(limits[i]!, resource, allocatable)]);
    out.line(1, `${metadata.namespace}\t${metadata.name}\t\t${cells.join('\t')}\t${since(metadata.creationTimestamp, nowMs)}`);
  });
  const [requested, limited] = [addResources(...requests), addResources(...limits)];
  out.line(0, 'Allocated resources:');
  out.line(0, '  (Total limits may be over 100 percent, i.e., overcommitted.)');
  out.line(1, 'Resource\tRequests\tLimits');
  out.line(1, '--------\t--------\t------');
  const huge = Object.keys(allocatable).filter((name) => name.startsWith('hugepages-')).toSorted();
  for (const resource of ['cpu', 'memory', 'ephemeral-storage', ...huge]) out.line(1, `${resource}\t${share(requested, resource, allocatable)}\t${share(limited, resource, allocatable)}`);
  const others = Object.keys(allocatable).filter((name) => !STANDARD.includes(name) && !huge.includes(name)).toSorted();
  for (const resource of others) out.line(1, `${resource}\t${requested[resource] ?? '0'}\t${limited[resource] ?? '0'}`);
}
