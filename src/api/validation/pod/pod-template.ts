import type { PodTemplateSpec } from '../../generated/core-v1.ts';
import { fieldError } from '../../errors.ts';
import { labels, type FieldErrors } from '../fields.ts';
import { annotationErrors } from '../object-meta.ts';
import { podSpecErrors } from './pod-spec.ts';

/** Upstream: ValidatePodTemplateSpec. */
export function* podTemplateErrors(path: string, template: PodTemplateSpec): FieldErrors {
  yield* labels(`${path}.labels`, template.metadata?.labels);
  yield* annotationErrors(`${path}.annotations`, template.metadata?.annotations);
  if (template.spec?.ephemeralContainers?.length) yield fieldError.forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template');
  yield* podSpecErrors(`${path}.spec`, template.spec ?? { containers: [] }, undefined);
}
