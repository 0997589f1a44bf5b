import { conflict, fieldError, internalError, invalid } from '../../api/errors.ts';
import type { Scale } from '../../api/generated/autoscaling-v1.ts';
import { without } from '../../api/kinds/fill.ts';
import type { KubeObject } from '../../api/object.ts';
import type { ServedResource } from './served-resource.ts';

/** The scale subresource of an object. Upstream: ScaleREST of each kind. */
export function scaleOf({ definition, resource }: ServedResource, object: KubeObject): KubeObject {
  const mapping = definition.scale;
  if (!mapping) throw internalError(`${resource.kind} has no scale`);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = mapping.replicas(object);
  const selector = mapping.selector(object);
  return {
    apiVersion: 'autoscaling/v1', kind: 'Scale',
    metadata: { name, ...(namespace && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: replicas ? { replicas } : {},
    status: { replicas: mapping.statusReplicas(object), ...(selector && { selector }) },
  } as KubeObject;
}

/** The object with the replicas that `scale` asks for. Throws 422 for a negative number, 409 for a stale one. */
export function withScale({ definition, resource }: ServedResource, object: KubeObject, scale: KubeObject): KubeObject {
  const { metadata, spec } = scale as unknown as Partial<Scale>;
  const replicas = spec?.replicas ?? 0;
  if (replicas < 0) throw invalid({ group: 'autoscaling', kind: 'Scale' }, object.metadata.name, [fieldError.invalid('spec.replicas', replicas, 'must be greater than or equal to 0')]);
  if (metadata?.uid && metadata.uid !== object.metadata.uid) {
    throw conflict(resource, object.metadata.name, `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${object.metadata.uid}`);
  }
  const changed = definition.scale!.withReplicas(object, replicas);
  const rest = without(changed.metadata, 'resourceVersion');
  // A scale may always be written without saying which state it was read from.
  const basis = metadata?.resourceVersion || (definition.unconditionalUpdate === false ? object.metadata.resourceVersion : undefined);
  return { ...changed, metadata: { ...rest, ...(basis && { resourceVersion: basis }) } } as KubeObject;
}
