import type { Container, Pod } from '../../api/generated/core-v1.ts';
import { typeSchema } from '../../api/schema/schema.ts';
import { applyStrategic } from '../patches/strategic-patch.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** How one looks into something: by a container added to a running pod, by a changed copy of the pod, or by a pod of its own on a node. */
export type DebugStyle = 'ephemeral' | 'copy' | 'node';

export const debugProfiles = ['legacy', 'general', 'baseline', 'netadmin', 'restricted', 'sysadmin'] as const;
export type DebugProfile = (typeof debugProfiles)[number];

/** What of the original pod a copy keeps. */
export interface KeptParts {
  readonly labels: boolean;
  readonly annotations: boolean;
  readonly liveness: boolean;
  readonly readiness: boolean;
  readonly startup: boolean;
  readonly initContainers: boolean;
}

type Draft = Pick<Pod, 'metadata' | 'spec'>;
type Security = NonNullable<Container['securityContext']>;

/** The pod with what the profile gives its debug container and, of a copy, without what it does not keep. Upstream: kubectl pkg/cmd/debug/profiles.go. */
export function withProfile<T extends Draft>(pod: T, container: string, profile: DebugProfile, style: DebugStyle, kept: KeptParts): T {
  const secured = onContainer(pod, container, (one) => ({ ...one, ...securityOf(profile, style, one.securityContext) }));
  if (style === 'node') return onNode(secured, container, profile);
  return style === 'copy' ? trimmed(secured, profile, kept) : secured;
}

function onContainer<T extends Draft>(pod: T, name: string, change: (container: Container) => Container): T {
  const list = (containers: readonly Container[] | undefined) => containers?.map((one) => (one.name === name ? change(one) : one));
  const { containers, ephemeralContainers } = pod.spec;
  return { ...pod, spec: { ...pod.spec, containers: list(containers)!, ...(ephemeralContainers && { ephemeralContainers: list(ephemeralContainers as readonly Container[]) as never }) } };
}

const adding = (security: Security | undefined, ...names: readonly string[]): Security => ({ ...security, capabilities: { ...security?.capabilities, add: [...new Set([...(security?.capabilities?.add ?? []), ...names])] } });

function securityOf(profile: DebugProfile, style: DebugStyle, present: Security | undefined): { readonly securityContext?: Security } {
  switch (profile) {
    case 'legacy': return {};
    case 'general': return style === 'node' ? { securityContext: undefined as never } : { securityContext: adding(present, 'SYS_PTRACE') };
    case 'baseline': return { securityContext: undefined as never };
    case 'netadmin': return { securityContext: adding(present, 'NET_ADMIN', 'NET_RAW') };
    case 'sysadmin': return { securityContext: { ...present, privileged: true } };
    case 'restricted': return { securityContext: { runAsNonRoot: true, capabilities: { drop: ['ALL'] }, allowPrivilegeEscalation: false, seccompProfile: { type: 'RuntimeDefault' } } };
  }
}

/** The node's own network, processes and files, as far as the profile grants them. */
function onNode<T extends Draft>(pod: T, container: string, profile: DebugProfile): T {
  const files = ['legacy', 'general', 'sysadmin'].includes(profile);
  const mounted = files ? onContainer(pod, container, (one) => ({ ...one, volumeMounts: [...(one.volumeMounts ?? []), { mountPath: '/host', name: 'host-root' }] })) : pod;
  return {
    ...mounted,
    spec: {
      ...mounted.spec, ...(files && { volumes: [...(mounted.spec.volumes ?? []), { name: 'host-root', hostPath: { path: '/' } }] }),
      ...((files || profile === 'netadmin') && { hostNetwork: true, hostPID: true, hostIPC: true }),
    },
  };
}

/** A copy is not found by the services of the original, nor ended by its probes. */
function trimmed<T extends Draft>(pod: T, profile: DebugProfile, kept: KeptParts): T {
  const { labels, annotations, ...metadata } = pod.metadata;
  if (profile === 'legacy') return { ...pod, metadata: { ...metadata, ...(annotations && { annotations }) } };
  const { initContainers, ...spec } = pod.spec;
  const containers = spec.containers.map(({ livenessProbe, readinessProbe, startupProbe, ...rest }) => ({
    ...rest, ...(kept.liveness && livenessProbe && { livenessProbe }), ...(kept.readiness && readinessProbe && { readinessProbe }), ...(kept.startup && startupProbe && { startupProbe }),
  }));
  return {
    ...pod, metadata: { ...metadata, ...(kept.labels && labels && { labels }), ...(kept.annotations && annotations && { annotations }) },
    spec: { ...spec, containers, ...(kept.initContainers && initContainers && { initContainers }), ...(spec.shareProcessNamespace === undefined && { shareProcessNamespace: true }) },
  };
}

/** The pod with a partial container spec of the person's (`--custom`) laid over its debug container. Throws KubectlError where it says too much. */
export function withCustomContainer<T extends Draft>(pod: T, container: string, custom: Readonly<Record<string, unknown>>): T {
  if (['name', 'command', 'image', 'lifecycle', 'volumeDevices'].some((field) => custom[field] !== undefined)) throw new KubectlError('name, command, image, lifecycle and volume devices are not modifiable via custom profile');
  return onContainer(pod, container, (one) => applyStrategic(one, custom, typeSchema('io.k8s.api.core.v1.Container'), { lists: 'server' }) as Container);
}
