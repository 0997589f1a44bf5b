/** Upstream: pkg/registry/apps/controllerrevision/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { ControllerRevision } from '../generated/apps-v1.ts';
import { controllerRevisions } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { immutable, nonNegative } from '../validation/fields.ts';
import { ageColumn, count, nameColumn, text } from './table-columns.ts';

export const controllerRevision: KindDefinition<ControllerRevision> = {
  resource: controllerRevisions,
  validate: (object) => [...nonNegative('revision', object.revision)],
  validateCreate({ data }) {
    if (data === undefined || data === null) return [fieldError.required('data', 'data is mandatory')];
    return typeof data === 'object' && !Array.isArray(data) ? [] : [fieldError.required('data', 'data must be a valid JSON object')];
  },
  validateUpdate: (next, previous) => [...immutable('data', next.data, previous.data)],
  columns: [
    nameColumn,
    text('Controller', 'Whose revision it is.', (object) => controllerOf(object)),
    count('Revision', 'The number of the revision.', (object) => object.revision ?? 0),
    ageColumn,
  ],
};

/** `statefulset.apps/db`. */
function controllerOf(object: ControllerRevision): string {
  const owner = object.metadata.ownerReferences?.find((reference) => reference.controller);
  if (!owner) return '<none>';
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}
