/** Upstream: pkg/api/pod/warnings.go. */
import type { Container, ContainerPort, PodAffinityTerm, PodSpec, Volume, WeightedPodAffinityTerm } from '../../generated/core-v1.ts';
import type { ObjectMeta } from '../../generated/meta-v1.ts';
import { milliValue } from '../../quantity.ts';
import { ipWarnings } from '../formats.ts';

/** What a writer of a pod should know. `path` is the spec's, `metadataPath` that of the metadata beside it. */
export function podSpecWarnings(path: string, spec: PodSpec, metadata: Pick<ObjectMeta, 'annotations'>, metadataPath = 'metadata'): readonly string[] {
  return [
    ...placementWarnings(path, spec),
    ...annotationWarnings(metadataPath, metadata.annotations ?? {}),
    ...(spec.volumes ?? []).flatMap((volume, i) => volumeWarnings(`${path}.volumes[${i}]`, volume)),
    ...duplicates(`${path}.hostAliases`, 'ip', (spec.hostAliases ?? []).map((alias) => alias.ip)),
    ...pullSecretWarnings(path, spec),
    ...fractionWarnings(`${path}.overhead`, spec.overhead),
    ...withPaths(path, spec).flatMap(([at, container]) => containerWarnings(at, container)),
    ...portWarnings(withPaths(path, spec)),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0 ? [`${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`] : []),
    ...affinityWarnings(`${path}.affinity`, spec),
    ...(spec.dnsConfig?.nameservers ?? []).flatMap((server, i) => ipWarnings(`${path}.dnsConfig.nameservers[${i}]`, server)),
    ...(spec.hostAliases ?? []).flatMap((alias, i) => ipWarnings(`${path}.hostAliases[${i}].ip`, alias.ip)),
  ];
}

/** Init containers, containers, ephemeral containers: the order in which upstream visits them. */
function withPaths(path: string, spec: PodSpec): readonly (readonly [string, Container])[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    ((spec[list] ?? []) as readonly Container[]).map((container, i) => [`${path}.${list}[${i}]`, container] as const));
}

const deprecatedNodeLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

function placementWarnings(path: string, spec: PodSpec): readonly string[] {
  const selector = Object.keys(spec.nodeSelector ?? {}).filter((key) => key in deprecatedNodeLabels).map((key) => `${path}.nodeSelector[${key}]: ${deprecatedNodeLabels[key]}`);
  const spread = (spec.topologySpreadConstraints ?? []).flatMap(({ topologyKey, labelSelector }, i) => {
    const at = `${path}.topologySpreadConstraints[${i}]`;
    return [
      ...(topologyKey in deprecatedNodeLabels ? [`${at}.topologyKey: ${topologyKey} is ${deprecatedNodeLabels[topologyKey]}`] : []),
      ...(labelSelector ? [] : [`${at}.labelSelector: a null labelSelector results in matching no pod`]),
    ];
  });
  return [...selector, ...spread];
}

const deprecatedAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};

function annotationWarnings(path: string, annotations: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(annotations).filter((key) => key in deprecatedAnnotations).map((key) => `${path}.annotations[${key}]: ${deprecatedAnnotations[key]}`);
}

const deprecatedVolumes: { readonly [K in keyof Volume]?: string } = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};

function volumeWarnings(path: string, volume: Volume): readonly string[] {
  const named: Readonly<Record<string, string>> = { storageos: 'storageOS' };
  return (Object.keys(deprecatedVolumes) as (keyof Volume)[]).filter((field) => volume[field] !== undefined).map((field) => `${path}.${named[field] ?? field}: ${deprecatedVolumes[field]}`);
}

function duplicates(path: string, field: string, values: readonly string[]): readonly string[] {
  return values.flatMap((value, i) => (values.indexOf(value) < i ? [`${path}[${i}].${field}: duplicate ${field} ${JSON.stringify(value)}`] : []));
}

function pullSecretWarnings(path: string, spec: PodSpec): readonly string[] {
  const names = (spec.imagePullSecrets ?? []).map((secret) => secret.name ?? '');
  return [
    ...duplicates(`${path}.imagePullSecrets`, 'name', names),
    ...names.flatMap((name, i) => (name === '' ? [`${path}.imagePullSecrets[${i}].name: invalid empty name ""`] : [])),
  ];
}

function fractionWarnings(path: string, list: Readonly<Record<string, string>> | undefined): readonly string[] {
  return ['memory', 'ephemeral-storage'].flatMap((name) => {
    const amount = list?.[name];
    return amount !== undefined && milliValue(amount) % 1000 !== 0 ? [`${path}[${name}]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`] : [];
  });
}

function containerWarnings(path: string, container: Container): readonly string[] {
  const warnings = [...fractionWarnings(`${path}.resources.limits`, container.resources?.limits), ...fractionWarnings(`${path}.resources.requests`, container.resources?.requests)];
  const seen = new Set<string>();
  for (const [i, { name, value = '', valueFrom }] of (container.env ?? []).entries()) {
    // A variable may be built on its former value, `X="$(X) more"`, but not replaced.
    const reference = `$(${name})`;
    const hides = valueFrom !== undefined || value === reference || !value.includes(reference);
    if (seen.has(name) && hides) warnings.push(`${path}.env[${i}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`);
    seen.add(name);
  }
  return warnings;
}

interface PlacedPort {
  readonly path: string;
  readonly port: ContainerPort;
}

function portWarnings(containers: readonly (readonly [string, Container])[]): readonly string[] {
  const warnings: string[] = [];
  const ports = containers.flatMap(([path, container]) => (container.ports ?? []).map((port, i): PlacedPort => ({ path: `${path}.ports[${i}]`, port })));
  const byPort = new Map<string, PlacedPort[]>();
  for (const placed of ports) {
    const { port, path } = placed;
    const key = `${port.containerPort}/${port.protocol}`;
    const others = byPort.get(key) ?? [];
    for (const other of others) {
      const conflict = portConflict(port, other.port);
      if (conflict) warnings.push(`${path}: ${conflict} port definition with ${other.path}`);
    }
    byPort.set(key, [...others, placed]);
  }
  const byName = new Map<string, string>();
  for (const { port: { name }, path } of ports) {
    if (!name) continue;
    const other = byName.get(name);
    if (other) warnings.push(`${path}: duplicate port name ${JSON.stringify(name)} with ${other}, services and probes that select ports by name will use ${other}`);
    else byName.set(name, path);
  }
  return warnings;
}

function portConflict(a: ContainerPort, b: ContainerPort): string | undefined {
  const [hostA, hostB] = [a.hostPort ?? 0, b.hostPort ?? 0];
  const [ipA, ipB] = [a.hostIP ?? '', b.hostIP ?? ''];
  if (ipA === ipB && hostA === hostB) return 'duplicate';
  if (hostA === 0 || hostB === 0) return 'overlapping';
  return hostA === hostB && (ipA === '') !== (ipB === '') ? 'dangerously ambiguous' : undefined;
}

function affinityWarnings(path: string, { affinity }: PodSpec): readonly string[] {
  const missing = (at: string, term: PodAffinityTerm | undefined): readonly string[] => (term?.labelSelector ? [] : [`${at}.labelSelector: a null labelSelector results in matching no pod`]);
  return (['podAffinity', 'podAntiAffinity'] as const).flatMap((field) => {
    const at = `${path}.${field}`;
    const { requiredDuringSchedulingIgnoredDuringExecution: required = [], preferredDuringSchedulingIgnoredDuringExecution: preferred = [] } = affinity?.[field] ?? {};
    return [
      ...required.flatMap((term: PodAffinityTerm, i: number) => missing(`${at}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`, term)),
      ...preferred.flatMap((weighted: WeightedPodAffinityTerm, i: number) => missing(`${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm`, weighted.podAffinityTerm)),
    ];
  });
}
