import type { FieldError } from '../../api/errors.ts';
import type { StrategyContext } from '../../api/kind.ts';
import { without } from '../../api/kinds/fill.ts';
import type { KubeObject } from '../../api/object.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../api/validation/object-meta.ts';
import { isSame } from '../../api/validation/same.ts';
import type { UpdateSubresource } from '../subresources/update-subresource.ts';
import { deepEqual } from './deep-equal.ts';
import { metaOf } from './fill-metadata.ts';
import { subresourceOf, type ServedResource } from './served-resource.ts';

/** What of an object a write goes to: all but its status (undefined), its status, or what a subresource of its own shows. */
export type WrittenPart = undefined | 'status' | UpdateSubresource;

type WithStatus = KubeObject & { readonly status?: unknown };

/**
 * What generic code and the kind's definition together make of an object on its way into storage. Pure.
 * Upstream: apiserver pkg/registry/rest.BeforeCreate, BeforeUpdate, and the strategies of the kinds.
 */
export class WriteStrategy {
  readonly #served: ServedResource;
  #empty: WithStatus | undefined;

  constructor(served: ServedResource) {
    this.#served = served;
  }

  prepareForCreate(object: KubeObject, context: StrategyContext): KubeObject {
    const { definition } = this.#served;
    let prepared = object;
    if (this.hasStatus && !definition.statusOnCreate && 'status' in prepared) {
      const rest = without(prepared as WithStatus, 'status') as KubeObject;
      const status = this.#emptyStatus();
      prepared = status === undefined ? rest : this.#served.schema.defaults({ ...rest, status } as KubeObject, prepared);
    }
    if (this.#countsGenerations) prepared = { ...prepared, metadata: { ...prepared.metadata, generation: 1 } };
    return definition.prepareForCreate?.(prepared, context) ?? prepared;
  }

  prepareForUpdate(next: KubeObject, previous: KubeObject, part: WrittenPart, context: StrategyContext): KubeObject {
    const { definition } = this.#served;
    if (part && part !== 'status') {
      const prepared = part.prepare(next, previous, context);
      return part.keepsGeneration ? prepared : this.#withGeneration(prepared, previous);
    }
    if (part === 'status') {
      const { labels, annotations, finalizers, managedFields, ownerReferences } = next.metadata;
      const fixed = without(previous.metadata, 'labels', 'annotations', 'finalizers', 'managedFields', 'ownerReferences');
      const metadata = {
        ...fixed, ...(labels && { labels }), ...(annotations && { annotations }), ...(ownerReferences && { ownerReferences }),
        ...(finalizers && { finalizers }), ...(managedFields && { managedFields }),
      };
      const kept = { ...previous, metadata: this.#served.custom ? { ...previous.metadata, ...(managedFields && { managedFields }) } : metadata, status: (next as WithStatus).status } as KubeObject & { status?: unknown };
      if (kept.status === undefined) delete kept.status;
      return definition.prepareForStatusUpdate?.(kept, previous, context) ?? kept;
    }
    let prepared = next;
    if (this.hasStatus) {
      const status = (previous as WithStatus).status;
      const rest = without(next as WithStatus, 'status');
      prepared = (status === undefined ? rest : { ...rest, status }) as KubeObject;
    }
    prepared = this.#withGeneration(prepared, previous);
    return definition.prepareForUpdate?.(prepared, previous, context) ?? prepared;
  }

  /** The status of an object that nobody has reported on: most kinds have one from the start, and patches count on it. */
  #emptyStatus(): unknown {
    this.#empty ??= this.#served.schema.decode({ metadata: {} }).object;
    return this.#empty.status;
  }

  #withGeneration(next: KubeObject, previous: KubeObject): KubeObject {
    if (!this.#countsGenerations || !contentDiffers(next, previous, this.hasStatus, this.#served.custom ? deepEqual : isSame)) return next;
    return { ...next, metadata: { ...next.metadata, generation: (previous.metadata.generation ?? 0) + 1 } };
  }

  /** What is wrong with a new object. */
  createErrors(object: KubeObject): readonly FieldError[] {
    const { definition, schema } = this.#served;
    return [...this.#metadataErrors(object), ...(schema.validate?.(object) ?? []), ...(definition.validate?.(object) ?? []), ...(definition.validateCreate?.(object) ?? [])];
  }

  /** What is wrong with a changed one. */
  updateErrors(next: KubeObject, previous: KubeObject, part: WrittenPart): readonly FieldError[] {
    const { definition, schema } = this.#served;
    const errors: FieldError[] = [...this.#metadataErrors(next, previous), ...validateObjectMetaUpdate(next.metadata, previous.metadata), ...(schema.validate?.(next, previous) ?? [])];
    if (part === 'status') errors.push(...(definition.validateStatusUpdate?.(next, previous) ?? []));
    else if (part) errors.push(...(part.validatesWhole ? (definition.validate?.(next) ?? []) : []), ...(part.validate?.(next, previous) ?? []));
    else errors.push(...(definition.validate?.(next) ?? []), ...(definition.validateUpdate?.(next, previous) ?? []));
    return errors;
  }

  /** Whether the status has a door of its own. */
  get hasStatus(): boolean {
    return subresourceOf(this.#served, 'status') !== undefined;
  }

  get #countsGenerations(): boolean {
    return this.#served.definition.generation ?? (this.hasStatus && this.#served.schema.type.fields.has('spec'));
  }

  /** `before`: what this answered for the object before something changed it. */
  withDefaults(object: KubeObject, before?: KubeObject): KubeObject {
    const filled = this.#served.schema.defaults(object, before);
    return this.#served.definition.defaults?.(filled) ?? filled;
  }

  #metadataErrors(object: KubeObject, previous?: KubeObject): readonly FieldError[] {
    const { custom, definition } = this.#served;
    return validateObjectMeta(object.metadata, {
      namespaced: this.#served.resource.namespaced, ...(definition.nameRule && { nameRule: definition.nameRule }), ...((custom || definition.shortFinalizers) && { shortFinalizers: true }),
      ...(previous && { previous: previous.metadata }),
    });
  }
}

/** What no update changes. Upstream: apiserver pkg/registry/rest.BeforeUpdate. */
export function keepMetadata(proposed: KubeObject, previous: KubeObject): KubeObject['metadata'] {
  const next = without(metaOf(proposed) as KubeObject['metadata'] & { readonly selfLink?: string }, 'selfLink');
  const { name, namespace, uid, resourceVersion, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds } = previous.metadata;
  const metadata: Record<string, unknown> = {
    ...next, name, ...(namespace && { namespace }), uid, resourceVersion, creationTimestamp,
    generation, deletionTimestamp, deletionGracePeriodSeconds,
  };
  if (!namespace) delete metadata['namespace'];
  for (const key of ['generation', 'deletionTimestamp', 'deletionGracePeriodSeconds']) if (metadata[key] === undefined) delete metadata[key];
  return metadata as unknown as KubeObject['metadata'];
}

/** Whether anything but metadata, and the status where it has a door of its own, differs. An empty list of a custom resource is something else than none. */
function contentDiffers(next: KubeObject, previous: KubeObject, statusApart: boolean, equal: (a: unknown, b: unknown) => boolean): boolean {
  const left = next as unknown as Readonly<Record<string, unknown>>;
  const right = previous as unknown as Readonly<Record<string, unknown>>;
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    if (key !== 'metadata' && (key !== 'status' || !statusApart) && !equal(left[key], right[key])) return true;
  }
  return false;
}
