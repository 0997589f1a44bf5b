import type { Node, Pod } from '../../api/generated/core-v1.ts';
import { milliValue, quantityValue } from '../../api/quantity.ts';
import { podResourceRequests } from '../../api/pod/resources.ts';
import { podContainers } from './pod-containers.ts';

export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/** What besides the node's object decides. */
export interface AdmissionPolicy {
  readonly unsafeSysctls?: readonly string[];
  /** false: the kernel does not confine by AppArmor profiles. */
  readonly appArmor?: boolean;
}

/** Whether the node can take a pod that was assigned to it. `others`: the pods it has taken. Upstream: kubelet/lifecycle/predicate.go. */
export function admitPod(pod: Pod, others: readonly Pod[], node: Node, policy: AdmissionPolicy = {}): Refusal | undefined {
  const allocatable = node.status?.allocatable ?? {};
  const maxPods = quantityValue(allocatable['pods'] ?? '110');
  if (others.length + 1 > maxPods) return shortage('pods', 1, others.length, maxPods);
  for (const [name, asked] of requestedAmounts(pod)) {
    if (asked === 0) continue;
    // Of extended resources that the node does not have, drivers of devices give what was claimed for the pod. Upstream: removeMissingExtendedResources.
    if (name.includes('/') && allocatable[name] === undefined) continue;
    const used = others.reduce((sum, other) => sum + (requestedAmounts(other).get(name) ?? 0), 0);
    const capacity = amountOf(name, allocatable[name]);
    if (used + asked > capacity) return shortage(name, asked, used, capacity);
  }
  if (pod.spec.os?.name && pod.spec.os.name !== 'linux') return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" };
  if (pod.spec.securityContext?.supplementalGroupsPolicy === 'Strict' && !node.status?.features?.supplementalGroupsPolicy) {
    return { reason: 'SupplementalGroupsPolicyNotSupported', message: 'SupplementalGroupsPolicy=Strict is not supported in this node' };
  }
  if (policy.appArmor === false && wantsAppArmor(pod)) return { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' };
  const sysctl = pod.spec.securityContext?.sysctls?.find(({ name }) => !isAllowed(name.replaceAll('/', '.'), policy.unsafeSysctls ?? []));
  if (sysctl) return { reason: 'SysctlForbidden', message: `forbidden sysctl: "${sysctl.name}" not allowlisted` };
  if (!matchesSelector(pod, node)) return { reason: 'NodeAffinity', message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector" };
  if (hostPortsTaken(pod, others)) return { reason: 'NodePorts', message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports" };
  return undefined;
}

const amountOf = (name: string, quantity: string | undefined): number => (name === 'cpu' ? milliValue : quantityValue)(quantity);

/** What a pod asks for, millicores or whole units by name. Each pod that comes is compared with all that are there. */
function requestedAmounts(pod: Pod): ReadonlyMap<string, number> {
  let known = amounts.get(pod.spec);
  if (!known) amounts.set(pod.spec, (known = new Map(Object.entries(podResourceRequests(pod)).map(([name, quantity]) => [name, amountOf(name, quantity)]))));
  return known;
}

const amounts = new WeakMap<Pod['spec'], ReadonlyMap<string, number>>();

function wantsAppArmor(pod: Pod): boolean {
  return podContainers(pod).some(({ container }) => {
    const profile = container.securityContext?.appArmorProfile ?? pod.spec.securityContext?.appArmorProfile;
    return profile !== undefined && profile.type !== 'Unconfined';
  });
}

/** Kernel parameters of a pod's own that do no harm to others. Upstream: kubelet/sysctl/safe_sysctls.go. */
const SAFE_SYSCTLS: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports', 'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem',
]);

/** `kernel.msg*` allows all that begin so. */
function isAllowed(name: string, unsafe: readonly string[]): boolean {
  return SAFE_SYSCTLS.has(name) || unsafe.some((allowed) => (allowed.endsWith('*') ? name.startsWith(allowed.slice(0, -1)) : name === allowed));
}

function shortage(resource: string, requested: number, used: number, capacity: number): Refusal {
  return { reason: `OutOf${resource}`, message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}` };
}

/** The plain selector; affinity was the scheduler's to judge. */
function matchesSelector(pod: Pod, node: Node): boolean {
  return Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => node.metadata.labels?.[key] === value);
}

function hostPorts(pod: Pod): string[] {
  return podContainers(pod).flatMap(({ container }) => container.ports ?? []).filter((port) => port.hostPort)
    .map((port) => `${port.protocol ?? 'TCP'} ${port.hostIP || '0.0.0.0'} ${port.hostPort}`);
}

function hostPortsTaken(pod: Pod, others: readonly Pod[]): boolean {
  const wanted = hostPorts(pod);
  if (wanted.length === 0) return false;
  const taken = others.flatMap(hostPorts);
  return wanted.some((port) => {
    const [protocol, ip, number] = port.split(' ');
    return taken.some((other) => {
      const [otherProtocol, otherIp, otherNumber] = other.split(' ');
      return protocol === otherProtocol && number === otherNumber && (ip === otherIp || ip === '0.0.0.0' || otherIp === '0.0.0.0');
    });
  });
}
