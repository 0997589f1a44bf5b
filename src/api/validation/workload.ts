/** What the kinds that make pods from a template share. Upstream: pkg/apis/apps/validation. */
import { fieldError } from '../errors.ts';
import type { PodTemplateSpec } from '../generated/core-v1.ts';
import type { LabelSelector } from '../generated/meta-v1.ts';
import { labelSelectorMatches } from '../selector.ts';
import { isEmptySelector, labelSelector, nonNegative, type FieldErrors } from './fields.ts';
import { podTemplateErrors } from './pod/pod-template.ts';

/** A selector that is not empty and matches its template, whose pods always restart. `owner` is who makes the pods, for the messages. */
export function* selectedTemplateErrors(path: string, spec: { readonly selector?: LabelSelector; readonly template?: PodTemplateSpec }, owner: string): FieldErrors {
  const { selector, template } = spec;
  if (!selector) {
    yield fieldError.required(`${path}.selector`);
    // A selector that is not there matches nothing.
    yield fieldError.invalid(`${path}.template.metadata.labels`, template?.metadata?.labels ?? null, '`selector` does not match template `labels`');
  } else {
    const faults = [...labelSelector(`${path}.selector`, selector)];
    yield* faults;
    if (isEmptySelector(selector)) yield fieldError.invalid(`${path}.selector`, selector, 'empty selector is invalid for deployment');
    if (faults.length) {
      yield fieldError.invalid(`${path}.selector`, selector, 'invalid label selector');
      return;
    }
    yield* selectorMatchesTemplate(`${path}.template`, selector, template);
  }
  yield* podTemplateErrors(`${path}.template`, template ?? {});
  yield* alwaysRestartingErrors(`${path}.template`, template ?? {}, owner);
}

export function* selectorMatchesTemplate(path: string, selector: LabelSelector, template: PodTemplateSpec | undefined): FieldErrors {
  const labels = template?.metadata?.labels;
  if (!isEmptySelector(selector) && !labelSelectorMatches(selector, labels ?? {})) {
    yield fieldError.invalid(`${path}.metadata.labels`, labels ?? null, '`selector` does not match template `labels`');
  }
}

export function* alwaysRestartingErrors(path: string, template: PodTemplateSpec, owner: string): FieldErrors {
  if (template.spec?.restartPolicy !== 'Always') yield fieldError.notSupported(`${path}.spec.restartPolicy`, template.spec?.restartPolicy ?? '', ['Always']);
  if (template.spec?.activeDeadlineSeconds !== undefined) yield fieldError.forbidden(`${path}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${owner} is not Supported`);
}

/** Counts of a status: none below zero, none above `replicas`, no more available than ready. `prefix` stands before `readyReplicas` in that last message. */
export function* replicaCountErrors(status: object, counts: readonly string[], prefix = ''): FieldErrors {
  const count = (field: string): number => Number((status as Readonly<Record<string, unknown>>)[field] ?? 0);
  for (const field of counts) yield* nonNegative(`status.${field}`, count(field));
  for (const field of ['fullyLabeledReplicas', 'currentReplicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    if (count(field) > count('replicas')) yield fieldError.invalid(`status.${field}`, count(field), 'cannot be greater than status.replicas');
  }
  if (count('availableReplicas') > count('readyReplicas')) {
    yield fieldError.invalid('status.availableReplicas', count('availableReplicas'), `cannot be greater than ${prefix}readyReplicas`);
  }
}

/** The count of hash collisions only grows. */
export function* collisionCountErrors(next: { readonly collisionCount?: number } = {}, previous: { readonly collisionCount?: number } = {}): FieldErrors {
  if ((next.collisionCount ?? 0) < (previous.collisionCount ?? 0)) yield fieldError.invalid('status.collisionCount', next.collisionCount ?? 0, 'cannot be decremented');
}
