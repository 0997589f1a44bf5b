import type { FieldError } from './errors.ts';
import type { KubeObject, ResourceType } from './object.ts';

/** Who makes a request. Upstream: authentication/user.Info. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** A column of a server-printed table. Priority 0 is always shown, 1 with `-o wide`. Upstream: printers/internalversion. */
export interface TableColumn<T> {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description: string;
  readonly priority?: number;
  /** `nowMs` is the server's wall clock, for ages. */
  value(object: T, nowMs: number): string | number | boolean;
}

export interface StrategyContext {
  readonly nowMs: number;
  readonly user: User;
}

/** How the scale subresource reads and writes a kind. */
export interface ScaleMapping<T> {
  replicas(object: T): number;
  statusReplicas(object: T): number;
  /** In text form, `app=kubia`. */
  selector(object: T): string;
  withReplicas(object: T, replicas: number): T;
}

/**
 * What differs between kinds, one object a kind in src/api/kinds/. Generic code never switches on a kind: it asks this object.
 * All functions are pure and return new objects (sharing what did not change). Absent members mean the generic behaviour.
 * Upstream: pkg/registry/<group>/<kind>/strategy.go, pkg/apis/<group>/validation, pkg/apis/<group>/v1/defaults.go.
 */
export interface KindDefinition<T extends KubeObject = KubeObject> {
  readonly resource: ResourceType<T>;
  /** Upstream's SetDefaults of the whole object, after the defaults of the field table. */
  defaults?(object: T): T;
  /** Before admission and validation of a create. Generic code has already dropped `status` where the kind has a status subresource and set generation 1 where `generation` is true. */
  prepareForCreate?(object: T, context: StrategyContext): T;
  /** On an update of the main resource. Generic code has already put back the old status, and raised the generation where the spec changed. */
  prepareForUpdate?(next: T, previous: T, context: StrategyContext): T;
  validate?(object: T): readonly FieldError[];
  /** Checked besides `validate` at creation alone. */
  validateCreate?(object: T): readonly FieldError[];
  /** Checked besides `validate` of the new object. */
  validateUpdate?(next: T, previous: T): readonly FieldError[];
  /** On an update of the status subresource; generic code has already put back the old spec and metadata (but labels and annotations as upstream). */
  prepareForStatusUpdate?(next: T, previous: T, context: StrategyContext): T;
  validateStatusUpdate?(next: T, previous: T): readonly FieldError[];
  /** Whether a create may bring a status: a kubelet registers its node with one. Default false. */
  readonly statusOnCreate?: boolean;
  /** Made of a CustomResourceDefinition. */
  readonly custom?: true;
  /** What whoever asks for the version at all is warned of: `v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice`. */
  readonly deprecation?: string;
  /** Warnings for the `Warning` header. */
  warnings?(object: T, previous?: T): readonly string[];
  /** Whether `metadata.generation` counts the changes of the spec. Default: true where the kind has a spec and a status. */
  readonly generation?: boolean;
  /** Whether an update may create (Node, Lease, Event, Endpoints …). Default false. */
  readonly createOnUpdate?: boolean;
  /** Whether an update without resourceVersion is allowed. Default true as for most kinds upstream. */
  readonly unconditionalUpdate?: boolean;
  /** How names are checked. Default `subdomain`. */
  readonly nameRule?: 'subdomain' | 'label' | 'label1035' | 'path' | 'any';
  /** Whether finalizers may be plain names, as that of the definitions of custom resources is. Default false: `domain/name`. */
  readonly shortFinalizers?: boolean;
  /** Seconds of grace when none is asked for; undefined: deleted at once. Pods answer from their spec and state. */
  gracePeriodSeconds?(object: T, requested: number | undefined): number | undefined;
  /** What the first delete request changes in an object, should it stay for a while: the phase of a namespace, the finalizer and condition of a CRD. */
  prepareForDelete?(object: T, nowMs: number): T;
  /** Whether something other than `metadata.finalizers` keeps an object whose deletion was asked for: the finalizers in a namespace's spec. */
  heldFromDeletion?(object: T): boolean;
  /** Whether a delete that names no propagation policy leaves the dependents, as it once did for every kind. Default false: they go too. */
  readonly orphansByDefault?: boolean;
  /** Whether the delete that removes an object is answered with the object, as for some kinds, and not with a Status. Upstream: registry.Store.ReturnDeletedObject. */
  readonly returnsDeleted?: boolean;
  /** Warned of at a delete that names no propagation policy. */
  readonly deletionWarning?: string;
  /** Values for field selectors besides metadata.name and metadata.namespace. */
  selectableFields?(object: T): Readonly<Record<string, string>>;
  readonly scale?: ScaleMapping<T>;
  readonly columns?: readonly TableColumn<T>[];
}
