import type { StatefulSet } from '../../api/generated/apps-v1.ts';
import type { PersistentVolumeClaim, Pod, PodTemplateSpec } from '../../api/generated/core-v1.ts';
import type { New } from '../../api/object.ts';
import { controllerReference } from '../ownership.ts';

export const POD_NAME = 'statefulset.kubernetes.io/pod-name';
export const POD_INDEX = 'apps.kubernetes.io/pod-index';
export const REVISION = 'controller-revision-hash';

export function startOf(set: StatefulSet): number {
  return set.spec.ordinals?.start ?? 0;
}

export function endOf(set: StatefulSet): number {
  return startOf(set) + (set.spec.replicas ?? 1) - 1;
}

/** The number at the end of a pod's name; undefined where the name is not one of the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const rest = pod.metadata.name.startsWith(prefix) ? pod.metadata.name.slice(prefix.length) : '';
  return /^\d+$/.test(rest) ? Number(rest) : undefined;
}

export function claimName(template: { readonly metadata: { readonly name?: string } }, podName: string): string {
  return `${template.metadata.name}-${podName}`;
}

/** The claims a pod of the set needs, one for each template, named `data-web-0`; labelled as the set selects. */
export function claimsFor(set: StatefulSet, podName: string): readonly New<PersistentVolumeClaim>[] {
  return (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    ...template,
    metadata: {
      ...template.metadata, name: claimName(template as { metadata: { name?: string } }, podName), namespace: set.metadata.namespace,
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
    },
  }));
}

/** The pod of an ordinal, with its name, host name and volumes. Upstream: stateful_set_utils.go, newStatefulSetPod. */
export function statefulPod(set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): New<Pod> {
  const name = `${set.metadata.name}-${ordinal}`;
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    metadata: {
      name, namespace: set.metadata.namespace, ownerReferences: [controllerReference(set)],
      labels: { ...labels, [POD_NAME]: name, [POD_INDEX]: String(ordinal), [REVISION]: revision },
      ...(annotations && { annotations }), ...(finalizers && { finalizers }),
    },
    spec: { ...template.spec!, hostname: name, subdomain: set.spec.serviceName ?? '', volumes: volumesFor(set, template, name) },
  };
}

function volumesFor(set: StatefulSet, template: PodTemplateSpec, podName: string): NonNullable<Pod['spec']['volumes']> {
  const claims = (set.spec.volumeClaimTemplates ?? []).map((claim) => ({ name: claim.metadata.name!, persistentVolumeClaim: { claimName: claimName(claim as { metadata: { name?: string } }, podName) } }));
  const own = new Set(claims.map((volume) => volume.name));
  return [...claims, ...(template.spec?.volumes ?? []).filter((volume) => !own.has(volume.name))];
}

/** A pod whose labels or volumes someone changed gets back what makes it its ordinal's; the same pod when all is well. */
export function withIdentity(set: StatefulSet, pod: Pod): Pod {
  const ordinal = ordinalOf(set, pod)!;
  const { name, labels } = pod.metadata;
  if (labels?.[POD_NAME] === name && labels[POD_INDEX] === String(ordinal)) return pod;
  return { ...pod, metadata: { ...pod.metadata, labels: { ...labels, [POD_NAME]: name, [POD_INDEX]: String(ordinal) } } };
}
