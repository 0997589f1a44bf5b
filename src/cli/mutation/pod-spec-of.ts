import type { Container } from '../../api/generated/core-v1.ts';
import { KubectlError } from '../command/kubectl-error.ts';

export interface PodSpecLike {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
}

/** Where the pod's spec is in a kind that has one. */
export function podSpecPath(kind: string): readonly string[] {
  if (kind === 'Pod') return ['spec'];
  return kind === 'CronJob' ? ['spec', 'jobTemplate', 'spec', 'template', 'spec'] : ['spec', 'template', 'spec'];
}

/** The pod's spec of an object. Throws KubectlError where it has none, naming the object by its resource where that is given. */
export function podSpecOf(object: { readonly apiVersion?: string; readonly kind: string; readonly metadata?: { readonly name: string } }, resource?: string): PodSpecLike {
  let value: unknown = object;
  for (const key of podSpecPath(object.kind)) value = (value as Record<string, unknown> | undefined)?.[key];
  if (!value) {
    const fault = 'the object is not a pod or does not have a pod template';
    // The type is named as in Go.
    throw new KubectlError(resource ? `${resource}/${object.metadata?.name} ${fault}: *${object.apiVersion?.split('/').at(-1)}.${object.kind}` : fault);
  }
  return value as PodSpecLike;
}

/** `inner` at the place of the pod's spec, as a patch has it. */
export function aroundPodSpec(kind: string, inner: unknown): unknown {
  return podSpecPath(kind).reduceRight((below, key) => ({ [key]: below }), inner);
}
