import type { Container, PodSpec, Volume } from '../../api/generated/core-v1.ts';

/** From the loosest to the strictest. */
export const LEVELS = ['privileged', 'baseline', 'restricted'] as const;
export type PodSecurityLevel = (typeof LEVELS)[number];

export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

export interface CheckedPod {
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}

type Check = (pod: CheckedPod) => Violation | undefined;

const quoted = (values: Iterable<string>): string => [...values].map((v) => JSON.stringify(v)).join(', ');
const plural = (word: string, count: number): string => (count === 1 ? word : `${word}s`);
const named = (names: readonly string[]): string => `${plural('container', names.length)} ${quoted(names)}`;
const sorted = (values: Iterable<string>): readonly string[] => [...new Set(values)].sort();

/** Every container in upstream's order: init, main, ephemeral. */
function containersOf(spec: PodSpec): readonly Container[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...((spec.ephemeralContainers ?? []) as readonly Container[])];
}

/** Containers with what `find` finds bad in them. */
function bad(spec: PodSpec, find: (container: Container) => readonly string[]): { readonly names: readonly string[]; readonly values: readonly string[] } {
  const found = containersOf(spec).map((container) => ({ name: container.name, values: find(container) })).filter(({ values }) => values.length > 0);
  return { names: found.map((f) => f.name), values: sorted(found.flatMap((f) => f.values)) };
}

const when = (condition: boolean | undefined, value = ''): readonly string[] => (condition ? [value] : []);

/** `pod`, or `container "a"`, or `pod and containers "a", "b"`: who set something. */
const setters = (pod: boolean, names: readonly string[]): string => [...when(pod, 'pod'), ...when(names.length > 0, named(names))].join(' and ');

/** In a user namespace root in the container is nobody outside. */
const isUserNamespaced = (spec: PodSpec): boolean => spec.hostUsers === false;
const isWindows = (spec: PodSpec): boolean => spec.os?.name === 'windows';

const appArmorProfile: Check = ({ annotations, spec }) => {
  const isBad = (type: string | undefined): boolean => type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
  const own = spec.securityContext?.appArmorProfile?.type;
  const containers = bad(spec, (c) => when(isBad(c.securityContext?.appArmorProfile?.type), c.securityContext?.appArmorProfile?.type));
  const written = Object.entries(annotations)
    .filter(([key, value]) => key.startsWith('container.apparmor.security.beta.kubernetes.io/') && value !== '' && value !== 'runtime/default' && !value.startsWith('localhost/'))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`).sort();
  const who = [...when(isBad(own), 'pod'), ...when(containers.names.length > 0, named(containers.names)), ...when(written.length > 0, plural('annotation', written.length))];
  if (!who.length) return undefined;
  const values = [...sorted([...when(isBad(own), own), ...containers.values]), ...written];
  return { reason: plural('forbidden AppArmor profile', values.length), detail: `${who.join(' and ')} must not set AppArmor profile type to ${quoted(values)}` };
};

const DEFAULT_CAPABILITIES = new Set(['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT']);

const capabilitiesBaseline: Check = ({ spec }) => {
  const { names, values } = bad(spec, (c) => (c.securityContext?.capabilities?.add ?? []).filter((capability) => !DEFAULT_CAPABILITIES.has(capability)));
  return names.length ? { reason: 'non-default capabilities', detail: `${named(names)} must not include ${quoted(values)} in securityContext.capabilities.add` } : undefined;
};

const hostNamespaces: Check = ({ spec }) => {
  const used = [...when(spec.hostNetwork, 'hostNetwork=true'), ...when(spec.hostPID, 'hostPID=true'), ...when(spec.hostIPC, 'hostIPC=true')];
  return used.length ? { reason: 'host namespaces', detail: used.join(', ') } : undefined;
};

const hostPathVolumes: Check = ({ spec }) => {
  const names = (spec.volumes ?? []).filter((volume) => volume.hostPath).map((volume) => volume.name);
  return names.length ? { reason: 'hostPath volumes', detail: `${plural('volume', names.length)} ${quoted(names)}` } : undefined;
};

const hostPorts: Check = ({ spec }) => {
  const { names, values } = bad(spec, (c) => (c.ports ?? []).filter((port) => port.hostPort).map((port) => String(port.hostPort)));
  return names.length ? { reason: 'hostPort', detail: `${named(names)} ${names.length === 1 ? 'uses' : 'use'} ${plural('hostPort', values.length)} ${values.join(', ')}` } : undefined;
};

const hostProbes: Check = ({ spec }) => {
  const { names, values } = bad(spec, (c) => [c.livenessProbe, c.readinessProbe, c.startupProbe, c.lifecycle?.postStart, c.lifecycle?.preStop]
    .flatMap((handler) => [handler?.httpGet?.host ?? '', handler?.tcpSocket?.host ?? '']).filter((host) => host !== ''));
  if (!names.length) return undefined;
  return { reason: 'probe or lifecycle host', detail: `${named(sorted(names))} ${names.length === 1 ? 'uses' : 'use'} ${plural('probe or lifecycle host', values.length)} ${quoted(values)}` };
};

const privileged: Check = ({ spec }) => {
  const { names } = bad(spec, (c) => when(c.securityContext?.privileged));
  return names.length ? { reason: 'privileged', detail: `${named(names)} must not set securityContext.privileged=true` } : undefined;
};

const procMountRestricted: Check = ({ spec }) => {
  const { names, values } = bad(spec, (c) => when(c.securityContext?.procMount !== undefined && c.securityContext.procMount !== 'Default', c.securityContext?.procMount));
  return names.length ? { reason: 'procMount', detail: `${named(names)} must not set securityContext.procMount to ${quoted(values)}` } : undefined;
};
const procMount: Check = (pod) => (isUserNamespaced(pod.spec) ? undefined : procMountRestricted(pod));

const SELINUX_TYPES = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);

const seLinuxOptions: Check = ({ spec }) => {
  const seen = [spec, ...containersOf(spec)].map((holder) => ({ holder, options: holder.securityContext?.seLinuxOptions }))
    .filter(({ options }) => options && (!SELINUX_TYPES.has(options.type ?? '') || options.user || options.role));
  if (!seen.length) return undefined;
  const types = sorted(seen.map(({ options }) => options?.type ?? '').filter((type) => !SELINUX_TYPES.has(type)));
  const data = [
    ...when(types.length > 0, `${plural('type', types.length)} ${quoted(types)}`),
    ...when(seen.some(({ options }) => options?.user), 'user may not be set'), ...when(seen.some(({ options }) => options?.role), 'role may not be set'),
  ];
  const names = seen.filter(({ holder }) => holder !== spec).map(({ holder }) => (holder as Container).name);
  return { reason: 'seLinuxOptions', detail: `${setters(seen[0]!.holder === spec, names)} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}` };
};

const isSeccomp = (type: string | undefined): boolean => type === 'RuntimeDefault' || type === 'Localhost';

const seccompBaseline: Check = ({ spec }) => {
  const own = spec.securityContext?.seccompProfile;
  const podBad = own !== undefined && !isSeccomp(own.type);
  const containers = bad(spec, (c) => when(c.securityContext?.seccompProfile && !isSeccomp(c.securityContext.seccompProfile.type), c.securityContext?.seccompProfile?.type));
  if (!podBad && !containers.names.length) return undefined;
  const values = sorted([...when(podBad, own?.type), ...containers.values]);
  return { reason: 'seccompProfile', detail: `${setters(podBad, containers.names)} must not set securityContext.seccompProfile.type to ${quoted(values)}` };
};

const SAFE_SYSCTLS = new Set([
  'kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports', 'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem',
]);

const sysctls: Check = ({ spec }) => {
  const names = (spec.securityContext?.sysctls ?? []).map((sysctl) => sysctl.name).filter((name) => !SAFE_SYSCTLS.has(name));
  return names.length ? { reason: 'forbidden sysctls', detail: names.join(', ') } : undefined;
};

const windowsHostProcess: Check = ({ spec }) => {
  const pod = spec.securityContext?.windowsOptions?.hostProcess === true;
  const { names } = bad(spec, (c) => when(c.securityContext?.windowsOptions?.hostProcess));
  return pod || names.length ? { reason: 'hostProcess', detail: `${setters(pod, names)} must not set securityContext.windowsOptions.hostProcess=true` } : undefined;
};

const allowPrivilegeEscalation: Check = ({ spec }) => {
  if (isWindows(spec)) return undefined;
  const { names } = bad(spec, (c) => when(c.securityContext?.allowPrivilegeEscalation !== false));
  return names.length ? { reason: 'allowPrivilegeEscalation != false', detail: `${named(names)} must set securityContext.allowPrivilegeEscalation=false` } : undefined;
};

const capabilitiesRestricted: Check = ({ spec }) => {
  if (isWindows(spec)) return undefined;
  const keeping = bad(spec, (c) => when(!c.securityContext?.capabilities?.drop?.includes('ALL')));
  const adding = bad(spec, (c) => (c.securityContext?.capabilities?.add ?? []).filter((capability) => capability !== 'NET_BIND_SERVICE'));
  const details = [
    ...when(keeping.names.length > 0, `${named(keeping.names)} must set securityContext.capabilities.drop=["ALL"]`),
    ...when(adding.names.length > 0, `${named(adding.names)} must not include ${quoted(adding.values)} in securityContext.capabilities.add`),
  ];
  return details.length ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined;
};

const SAFE_VOLUMES: ReadonlySet<string> = new Set(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret']);

const restrictedVolumes: Check = ({ spec }) => {
  const kindOf = (volume: Volume): string => Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';
  const found = (spec.volumes ?? []).filter((volume) => !SAFE_VOLUMES.has(kindOf(volume)));
  if (!found.length) return undefined;
  const kinds = sorted(found.map(kindOf));
  const uses = found.length === 1 ? 'uses' : 'use';
  return { reason: 'restricted volume types', detail: `${plural('volume', found.length)} ${quoted(found.map((v) => v.name))} ${uses} ${plural('restricted volume type', kinds.length)} ${quoted(kinds)}` };
};

const runAsNonRoot: Check = ({ spec }) => {
  if (isUserNamespaced(spec)) return undefined;
  const own = spec.securityContext?.runAsNonRoot;
  const explicit = bad(spec, (c) => when(c.securityContext?.runAsNonRoot === false));
  if (own === false || explicit.names.length) return { reason: 'runAsNonRoot != true', detail: `${setters(own === false, explicit.names)} must not set securityContext.runAsNonRoot=false` };
  const implicit = own ? [] : bad(spec, (c) => when(c.securityContext?.runAsNonRoot === undefined)).names;
  return implicit.length ? { reason: 'runAsNonRoot != true', detail: `pod or ${named(implicit)} must set securityContext.runAsNonRoot=true` } : undefined;
};

const runAsUser: Check = ({ spec }) => {
  if (isUserNamespaced(spec)) return undefined;
  const pod = spec.securityContext?.runAsUser === 0;
  const { names } = bad(spec, (c) => when(c.securityContext?.runAsUser === 0));
  return pod || names.length ? { reason: 'runAsUser=0', detail: `${setters(pod, names)} must not set runAsUser=0` } : undefined;
};

const seccompRestricted: Check = (pod) => {
  const { spec } = pod;
  if (isWindows(spec)) return undefined;
  const set = seccompBaseline(pod);
  if (set) return set;
  const implicit = isSeccomp(spec.securityContext?.seccompProfile?.type) ? [] : bad(spec, (c) => when(!c.securityContext?.seccompProfile)).names;
  return implicit.length ? { reason: 'seccompProfile', detail: `pod or ${named(implicit)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"` } : undefined;
};

/** In the order in which violations are told. A restricted check takes the place of the baseline one about the same thing. */
const BASELINE: readonly Check[] = [
  appArmorProfile, capabilitiesBaseline, hostNamespaces, hostPathVolumes, hostPorts, hostProbes, privileged, procMount, seLinuxOptions, seccompBaseline, sysctls, windowsHostProcess,
];
const RESTRICTED: readonly Check[] = [
  appArmorProfile, hostNamespaces, hostPorts, hostProbes, privileged, seLinuxOptions, sysctls, windowsHostProcess,
  allowPrivilegeEscalation, capabilitiesRestricted, procMountRestricted, restrictedVolumes, runAsNonRoot, runAsUser, seccompRestricted,
];

/** What in a pod the Pod Security Standards of a level forbid, as of their latest version. Upstream: pod-security-admission/policy. */
export function podSecurityViolations(level: PodSecurityLevel, pod: CheckedPod): readonly Violation[] {
  const checks = level === 'privileged' ? [] : level === 'baseline' ? BASELINE : RESTRICTED;
  return checks.flatMap((check) => check(pod) ?? []);
}
