/** Upstream: apimachinery pkg/api/validation/objectmeta.go. */
import { fieldError, type FieldError } from '../errors.ts';
import type { KindDefinition } from '../kind.ts';
import type { ObjectMeta, OwnerReference } from '../generated/meta-v1.ts';
import { asGenerated, isDns1035Label, isDns1123Label, isDns1123Subdomain, isPathSegmentName, isQualifiedName } from '../names.ts';
import { formatErrors, immutable, labels, nonNegative, type FieldErrors } from './fields.ts';

export type NameRule = NonNullable<KindDefinition['nameRule']>;

const annotationsLimitBytes = 256 * 1024;
const initializersOfDeletion = ['orphan', 'foregroundDeletion'] as const;

/** What is wrong with a name under this rule. */
export function nameFaults(name: string, rule: NameRule): readonly string[] {
  switch (rule) {
    case 'subdomain': return isDns1123Subdomain(name);
    case 'label': return isDns1123Label(name);
    case 'label1035': return isDns1035Label(name);
    case 'path': return isPathSegmentName(name);
    case 'any': return [];
  }
}

export interface MetaOptions {
  readonly namespaced: boolean;
  readonly nameRule?: NameRule;
  /** Whether finalizers without a domain are allowed, as on custom resources. */
  readonly shortFinalizers?: boolean;
  /** The metadata of the state before, which was checked: what is still the same is not looked at again. */
  readonly previous?: ObjectMeta;
}

/** Checks the metadata of an object to be stored; its name has been generated already. */
export function validateObjectMeta(meta: ObjectMeta, { namespaced, nameRule = 'subdomain', shortFinalizers = false, previous }: MetaOptions): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (!previous || meta.name !== previous.name || meta.generateName !== previous.generateName) errors.push(...nameErrors(meta, nameRule));
  if (!previous || meta.namespace !== previous.namespace) errors.push(...namespaceErrors(meta, namespaced));
  errors.push(...nonNegative('metadata.generation', meta.generation), ...shared(meta, previous));
  if (meta.finalizers && meta.finalizers !== previous?.finalizers) errors.push(...finalizerErrors(meta.finalizers, shortFinalizers));
  return errors;
}

/** Checks the metadata of an update besides what `validateObjectMeta` checks at creation: what never changes, and labels, annotations and owners anew. */
export function validateObjectMetaUpdate(next: ObjectMeta, previous: ObjectMeta): readonly FieldError[] {
  return [...updateErrors(next, previous)];
}

function* nameErrors(meta: ObjectMeta, rule: NameRule): FieldErrors {
  if (meta.generateName) {
    yield* formatErrors('metadata.generateName', meta.generateName, nameFaults(asGenerated(meta.generateName), rule));
  }
  if (!meta.name) yield fieldError.required('metadata.name', 'name or generateName is required');
  else yield* formatErrors('metadata.name', meta.name, nameFaults(meta.name, rule));
}

function* namespaceErrors(meta: ObjectMeta, namespaced: boolean): FieldErrors {
  if (!namespaced) {
    if (meta.namespace) yield fieldError.forbidden('metadata.namespace', 'not allowed on this type');
  } else if (!meta.namespace) {
    yield fieldError.required('metadata.namespace');
  } else {
    yield* formatErrors('metadata.namespace', meta.namespace, isDns1123Label(meta.namespace));
  }
}

function* updateErrors(next: ObjectMeta, previous: ObjectMeta): FieldErrors {
  if (previous.deletionTimestamp) {
    const added = (next.finalizers ?? []).filter((finalizer) => !previous.finalizers?.includes(finalizer)).sort();
    if (added.length) {
      const shown = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
      yield fieldError.forbidden('metadata.finalizers', `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`);
    }
  }
  if ((next.generation ?? 0) < (previous.generation ?? 0)) yield fieldError.invalid('metadata.generation', next.generation ?? 0, 'must not be decremented');
  for (const field of ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    yield* immutable(`metadata.${field}`, next[field], previous[field]);
  }
  yield* shared(next, previous);
}

function* shared(meta: ObjectMeta, previous: ObjectMeta | undefined): FieldErrors {
  if (meta.labels && meta.labels !== previous?.labels) yield* labels('metadata.labels', meta.labels);
  if (meta.annotations && meta.annotations !== previous?.annotations) yield* annotationErrors('metadata.annotations', meta.annotations);
  if (meta.ownerReferences && meta.ownerReferences !== previous?.ownerReferences) yield* ownerErrors(meta.ownerReferences);
}

/** Upstream: ValidateAnnotations. */
export function* annotationErrors(path: string, annotations: Readonly<Record<string, string>> | undefined): FieldErrors {
  let size = 0;
  for (const key in annotations) {
    yield* formatErrors(path, key, isQualifiedName(key.toLowerCase()));
    size += Buffer.byteLength(key) + Buffer.byteLength(annotations[key]!);
  }
  if (size > annotationsLimitBytes) yield fieldError.tooLong(path, annotationsLimitBytes);
}

function* ownerErrors(owners: readonly OwnerReference[]): FieldErrors {
  const path = 'metadata.ownerReferences';
  let controller: string | undefined;
  for (const owner of owners) {
    if (!owner.apiVersion || owner.apiVersion.endsWith('/')) yield fieldError.invalid(`${path}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty');
    for (const field of ['kind', 'name', 'uid'] as const) if (!owner[field]) yield fieldError.invalid(`${path}.${field}`, '', 'must not be empty');
    if (owner.apiVersion === 'v1' && owner.kind === 'Event') yield fieldError.invalid(path, owner, '/v1, Kind=Event is disallowed from being an owner');
    if (!owner.controller) continue;
    const name = `${owner.kind}/${owner.name}`;
    if (controller) yield fieldError.invalid(path, owners, `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`);
    else controller = name;
  }
}

function* finalizerErrors(finalizers: readonly string[], short: boolean): FieldErrors {
  for (const finalizer of finalizers) yield* formatErrors('metadata.finalizers', finalizer, isQualifiedName(finalizer));
  if (initializersOfDeletion.every((finalizer) => finalizers.includes(finalizer))) {
    yield fieldError.invalid('metadata.finalizers', finalizers, `finalizer ${initializersOfDeletion[0]} and ${initializersOfDeletion[1]} cannot be both set`);
  }
  if (!short) for (const [i, finalizer] of finalizers.entries()) yield* standardFinalizer(`metadata.finalizers[${i}]`, finalizer);
}

const standardFinalizers = ['kubernetes', 'orphan', 'foregroundDeletion'];

/** A qualified name; the short ones are Kubernetes' own. Upstream: core validateFinalizerName. */
export function* finalizerNameErrors(path: string, finalizer: string): FieldErrors {
  yield* formatErrors(path, finalizer, isQualifiedName(finalizer));
  yield* standardFinalizer(path, finalizer);
}

function* standardFinalizer(path: string, finalizer: string): FieldErrors {
  if (!finalizer.includes('/') && !standardFinalizers.includes(finalizer)) {
    yield fieldError.invalid(path, finalizer, 'name is neither a standard finalizer name nor is it fully qualified');
  }
}
