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

/** What is quoted already stays as it is. */
const quoted = (values: Iterable<string>): string => [...values].map((value) => `"${value}"`).join(', ');
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

const procMountMasked: Check = ({ spec }) => {
  const { names, values } = bad(spec, (c) => when(c.securityContext?.procMount !== undefined && c.securityContext.procMount !== 'Default', c.securityContext?.procMount));
  return names.length ? { reason: 'procMount', detail: `${named(names)} must not set securityContext.procMount to ${quoted(values)}` } : undefined;
};

const SELINUX_TYPES: ReadonlySet<string> = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t']);

const seLinuxOptions = (allowed: ReadonlySet<string>): Check => ({ spec }) => {
  const seen = [spec, ...containersOf(spec)].map((holder) => ({ holder, options: holder.securityContext?.seLinuxOptions }))
    .filter(({ options }) => options && (!allowed.has(options.type ?? '') || options.user || options.role));
  if (!seen.length) return undefined;
  const types = sorted(seen.map(({ options }) => options?.type ?? '').filter((type) => !allowed.has(type)));
  const data = [
    ...when(types.length > 0, `${plural('type', types.length)} ${quoted(types)}`),
    ...when(seen.some(({ options }) => options?.user), 'user may not be set'), ...when(seen.some(({ options }) => options?.role), 'role may not be set'),
  ];
  const names = seen.filter(({ holder }) => holder !== spec).map(({ holder }) => (holder as Container).name);
  return { reason: 'seLinuxOptions', detail: `${setters(seen[0]!.holder === spec, names)} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}` };
};

/** Before there was a field for it, profiles were named by annotations. */
const seccompAnnotations: Check = ({ annotations, spec }) => {
  const keys = ['seccomp.security.alpha.kubernetes.io/pod', ...containersOf(spec).map(({ name }) => `container.seccomp.security.alpha.kubernetes.io/${name}`)];
  const isGood = (value: string): boolean => value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/');
  const forbidden = sorted(keys.filter((key) => annotations[key] !== undefined && !isGood(annotations[key])).map((key) => `${key}=${JSON.stringify(annotations[key])}`));
  return forbidden.length ? { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', forbidden.length)} ${forbidden.join(', ')}` } : undefined;
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

const SAFE_SYSCTLS = ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start'];
/** What came to be safe in which minor version. */
const SAFE_SINCE: readonly (readonly [since: number, names: readonly string[]])[] = [
  [0, SAFE_SYSCTLS], [27, ['net.ipv4.ip_local_reserved_ports']], [29, ['net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes']],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
];

const sysctls = (allowed: ReadonlySet<string>): Check => ({ spec }) => {
  const names = (spec.securityContext?.sysctls ?? []).map((sysctl) => sysctl.name).filter((name) => !allowed.has(name));
  return names.length ? { reason: 'forbidden sysctls', detail: names.join(', ') } : undefined;
};

const windowsHostProcess: Check = ({ spec }) => {
  const pod = spec.securityContext?.windowsOptions?.hostProcess === true;
  const { names } = bad(spec, (c) => when(c.securityContext?.windowsOptions?.hostProcess));
  return pod || names.length ? { reason: 'hostProcess', detail: `${setters(pod, names)} must not set securityContext.windowsOptions.hostProcess=true` } : undefined;
};

const allowPrivilegeEscalation: Check = ({ spec }) => {
  const { names } = bad(spec, (c) => when(c.securityContext?.allowPrivilegeEscalation !== false));
  return names.length ? { reason: 'allowPrivilegeEscalation != false', detail: `${named(names)} must set securityContext.allowPrivilegeEscalation=false` } : undefined;
};

const capabilitiesRestricted: Check = ({ spec }) => {
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
  const own = spec.securityContext?.runAsNonRoot;
  const explicit = bad(spec, (c) => when(c.securityContext?.runAsNonRoot === false));
  if (own === false || explicit.names.length) return { reason: 'runAsNonRoot != true', detail: `${setters(own === false, explicit.names)} must not set securityContext.runAsNonRoot=false` };
  const implicit = own ? [] : bad(spec, (c) => when(c.securityContext?.runAsNonRoot === undefined)).names;
  return implicit.length ? { reason: 'runAsNonRoot != true', detail: `pod or ${named(implicit)} must set securityContext.runAsNonRoot=true` } : undefined;
};

const runAsUser: Check = ({ spec }) => {
  const pod = spec.securityContext?.runAsUser === 0;
  const { names } = bad(spec, (c) => when(c.securityContext?.runAsUser === 0));
  return pod || names.length ? { reason: 'runAsUser=0', detail: `${setters(pod, names)} must not set runAsUser=0` } : undefined;
};

const seccompRestricted: Check = (pod) => {
  const { spec } = pod;
  const set = seccompBaseline(pod);
  if (set) return set;
  const implicit = isSeccomp(spec.securityContext?.seccompProfile?.type) ? [] : bad(spec, (c) => when(!c.securityContext?.seccompProfile)).names;
  return implicit.length ? { reason: 'seccompProfile', detail: `pod or ${named(implicit)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"` } : undefined;
};

/** A check that those pass of whom `excused` holds. */
const unless = (excused: (spec: PodSpec) => boolean, check: Check): Check => (pod) => (excused(pod.spec) ? undefined : check(pod));

/** What a standard demands since which minor version of Kubernetes, the oldest first. */
interface VersionedCheck {
  readonly level: 'baseline' | 'restricted';
  readonly id: string;
  readonly versions: readonly (readonly [since: number, check: Check])[];
  /** The baseline check about the same thing, whose place it takes. */
  readonly overrides?: string;
}

/** In the order in which violations are told: by id, baseline first. Upstream: pod-security-admission/policy/check_*.go. */
const CHECKS: readonly VersionedCheck[] = [
  { level: 'baseline', id: 'appArmorProfile', versions: [[0, appArmorProfile]] },
  { level: 'baseline', id: 'capabilities_baseline', versions: [[0, capabilitiesBaseline]] },
  { level: 'baseline', id: 'hostNamespaces', versions: [[0, hostNamespaces]] },
  { level: 'baseline', id: 'hostPathVolumes', versions: [[0, hostPathVolumes]] },
  { level: 'baseline', id: 'hostPorts', versions: [[0, hostPorts]] },
  { level: 'baseline', id: 'hostProbesAndHostLifecycle', versions: [[34, hostProbes]] },
  { level: 'baseline', id: 'privileged', versions: [[0, privileged]] },
  { level: 'baseline', id: 'procMount', versions: [[0, procMountMasked], [35, unless(isUserNamespaced, procMountMasked)]] },
  { level: 'baseline', id: 'seLinuxOptions', versions: [[0, seLinuxOptions(SELINUX_TYPES)], [31, seLinuxOptions(new Set([...SELINUX_TYPES, 'container_engine_t']))]] },
  { level: 'baseline', id: 'seccompProfile_baseline', versions: [[0, seccompAnnotations], [19, seccompBaseline]] },
  { level: 'baseline', id: 'sysctls', versions: SAFE_SINCE.map(([since], i) => [since, sysctls(new Set(SAFE_SINCE.slice(0, i + 1).flatMap(([, names]) => names)))]) },
  { level: 'baseline', id: 'windowsHostProcess', versions: [[0, windowsHostProcess]] },
  { level: 'restricted', id: 'allowPrivilegeEscalation', versions: [[8, allowPrivilegeEscalation], [25, unless(isWindows, allowPrivilegeEscalation)]] },
  { level: 'restricted', id: 'capabilities_restricted', versions: [[22, capabilitiesRestricted], [25, unless(isWindows, capabilitiesRestricted)]], overrides: 'capabilities_baseline' },
  { level: 'restricted', id: 'procMount_restricted', versions: [[35, procMountMasked]], overrides: 'procMount' },
  { level: 'restricted', id: 'restrictedVolumes', versions: [[0, restrictedVolumes]], overrides: 'hostPathVolumes' },
  { level: 'restricted', id: 'runAsNonRoot', versions: [[0, runAsNonRoot], [35, unless(isUserNamespaced, runAsNonRoot)]] },
  { level: 'restricted', id: 'runAsUser', versions: [[23, runAsUser], [35, unless(isUserNamespaced, runAsUser)]] },
  { level: 'restricted', id: 'seccompProfile_restricted', versions: [[19, seccompRestricted], [25, unless(isWindows, seccompRestricted)]], overrides: 'seccompProfile_baseline' },
];

/** By level and minor version, those that apply. */
const applicable = new Map<string, readonly Check[]>();

function checksOf(level: 'baseline' | 'restricted', minor: number): readonly Check[] {
  const key = `${level} ${minor}`;
  let checks = applicable.get(key);
  if (!checks) {
    const asOf = CHECKS.filter((check) => level === 'restricted' || check.level === 'baseline').flatMap(({ id, overrides, versions }) => {
      const version = versions.findLast(([since]) => since <= minor);
      return version ? [{ id, overrides, check: version[1] }] : [];
    });
    applicable.set(key, (checks = asOf.filter(({ id }) => !asOf.some(({ overrides }) => overrides === id)).map(({ check }) => check)));
  }
  return checks;
}

/** Nothing has changed since this minor version: later ones and `latest` are the same as it. */
const NEWEST = Math.max(...CHECKS.flatMap(({ versions }) => versions.map(([since]) => since)));

/** What in a pod the Pod Security Standards of a level forbid, as of a version: `latest` or `v1.25`. Upstream: pod-security-admission/policy/registry.go. */
export function podSecurityViolations({ level, version }: { readonly level: PodSecurityLevel; readonly version: string }, pod: CheckedPod): readonly Violation[] {
  if (level === 'privileged') return [];
  const minor = version === 'latest' ? NEWEST : Math.min(NEWEST, Number(version.slice('v1.'.length)));
  return checksOf(level, minor).flatMap((check) => check(pod) ?? []);
}
