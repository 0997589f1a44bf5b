import type { Image, LinuxContainerSecurityContext, LinuxSandboxSecurityContext, NamespaceOption, SecurityProfile, UserNamespace } from '../../cri/runtime.ts';
import type { AppArmorProfile, Pod, SeccompProfile, SecurityContext } from '../../api/generated/core-v1.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import { podContainers } from '../pod/pod-containers.ts';
import { configError } from './config-error.ts';

const MASKED_PATHS = ['/proc/asound', '/proc/acpi', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats',
  '/proc/sched_debug', '/proc/scsi', '/sys/firmware', '/sys/devices/virtual/powercap'];
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** `targetId`: of the container whose processes an ephemeral container shares. */
export function namespaceOptions(pod: Pod, userNamespace: UserNamespace | undefined, targetId?: string): NamespaceOption {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace } = pod.spec;
  return {
    network: hostNetwork ? 'NODE' : 'POD', ipc: hostIPC ? 'NODE' : 'POD',
    pid: targetId ? 'TARGET' : hostPID ? 'NODE' : shareProcessNamespace ? 'POD' : 'CONTAINER', ...(targetId && { targetId }), ...(userNamespace && { usernsOptions: userNamespace }),
  };
}

function securityProfile(profile: SeccompProfile | undefined): SecurityProfile {
  if (profile?.type === 'RuntimeDefault') return { profileType: 'RuntimeDefault' };
  if (profile?.type === 'Localhost') return { profileType: 'Localhost', localhostRef: `/var/lib/kubelet/seccomp/${profile.localhostProfile ?? ''}` };
  return { profileType: 'Unconfined' };
}

function appArmorProfile(profile: AppArmorProfile | undefined): SecurityProfile | undefined {
  if (profile?.type === 'Unconfined' || profile?.type === 'RuntimeDefault') return { profileType: profile.type };
  return profile?.type === 'Localhost' ? { profileType: 'Localhost', localhostRef: profile.localhostProfile ?? '' } : undefined;
}

export const isPrivileged = (container: AnyContainer): boolean => container.securityContext?.privileged ?? false;

/** Privileged where any container is: the runtime demands it. The sandbox itself runs nothing but the pause program. */
export function sandboxSecurityContext(pod: Pod, userNamespace?: UserNamespace): LinuxSandboxSecurityContext {
  const own = pod.spec.securityContext ?? {};
  const groups = [...(own.fsGroup === undefined ? [] : [own.fsGroup]), ...(own.supplementalGroups ?? [])];
  return {
    namespaceOptions: namespaceOptions(pod, userNamespace), privileged: podContainers(pod).some(({ container }) => isPrivileged(container)),
    seccomp: { profileType: 'RuntimeDefault' },
    ...(own.runAsUser !== undefined && { runAsUser: { value: own.runAsUser } }),
    ...(own.runAsUser !== undefined && own.runAsGroup !== undefined && { runAsGroup: { value: own.runAsGroup } }),
    ...(groups.length > 0 && { supplementalGroups: groups }),
  };
}

/** The container's own settings over the pod's. Upstream: securitycontext.DetermineEffectiveSecurityContext, kuberuntime/security_context.go. */
export function containerSecurityContext(pod: Pod, container: AnyContainer, image: Pick<Image, 'uid' | 'username'>, targetId?: string, userNamespace?: UserNamespace): LinuxContainerSecurityContext {
  const podContext = pod.spec.securityContext ?? {};
  const own: SecurityContext = container.securityContext ?? {};
  const runAsUser = own.runAsUser ?? podContext.runAsUser;
  const runAsGroup = own.runAsGroup ?? podContext.runAsGroup;
  const user = runAsUser ?? image.uid?.value;
  if (own.runAsNonRoot ?? podContext.runAsNonRoot) verifyNonRoot(pod, container, runAsUser, image);
  const groups = [...(podContext.fsGroup === undefined ? [] : [podContext.fsGroup]), ...(podContext.supplementalGroups ?? [])];
  const privileged = own.privileged ?? false;
  const unmasked = own.procMount === 'Unmasked' || privileged;
  const { add = [], drop = [] } = own.capabilities ?? {};
  const apparmor = appArmorProfile(own.appArmorProfile ?? podContext.appArmorProfile);
  const selinux = own.seLinuxOptions ?? podContext.seLinuxOptions;
  return {
    privileged, readonlyRootfs: own.readOnlyRootFilesystem ?? false, namespaceOptions: namespaceOptions(pod, userNamespace, targetId),
    noNewPrivs: own.allowPrivilegeEscalation === false && !privileged,
    seccomp: privileged ? { profileType: 'Unconfined' } : securityProfile(own.seccompProfile ?? podContext.seccompProfile),
    capabilities: { addCapabilities: add, dropCapabilities: drop },
    maskedPaths: unmasked ? [] : MASKED_PATHS, readonlyPaths: unmasked ? [] : READONLY_PATHS,
    ...(user !== undefined ? { runAsUser: { value: user } } : image.username && { runAsUsername: image.username }),
    ...(runAsGroup !== undefined && { runAsGroup: { value: runAsGroup } }),
    ...(groups.length > 0 && { supplementalGroups: groups }),
    ...(podContext.supplementalGroupsPolicy === 'Strict' && { supplementalGroupsPolicy: 'Strict' }),
    ...(selinux && { selinuxOptions: selinux }), ...(apparmor && { apparmor }),
  };
}

/** Upstream: kuberuntime verifyRunAsNonRoot; the same words. */
function verifyNonRoot(pod: Pod, container: AnyContainer, runAsUser: number | undefined, image: Pick<Image, 'uid' | 'username'>): void {
  const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name})`;
  if (runAsUser !== undefined) {
    if (runAsUser === 0) throw configError(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  if (image.uid?.value === 0 || (image.uid === null && image.username === '')) throw configError(`container has runAsNonRoot and image will run as root ${where}`);
  if (image.uid === null && image.username !== '') throw configError(`container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`);
}
