import { badRequest, conflict, fieldError, invalid, type FieldError } from '../../api/errors.ts';
import type { Binding, Pod, PodCondition } from '../../api/generated/core-v1.ts';
import { bindings, pods } from '../../api/generated/resources.ts';
import { without } from '../../api/kinds/fill.ts';
import type { ObjectKey, ResourceType } from '../../api/object.ts';
import { rfc3339 } from '../../base/clock.ts';
import { admitPost } from './admitted-post.ts';
import { storeOf } from './store-of.ts';
import { SUCCESS, type PostCall, type SubresourceHandler, type SubresourceServices } from './subresource-handler.ts';
import type { UpdateSubresource } from './update-subresource.ts';

/** The write behind a binding: the one way by which a pod's node is ever set. */
export const podBindingUpdate: UpdateSubresource<Pod> = { resource: pods, subresource: 'binding', keepsGeneration: true, prepare: (next) => next };

/**
 * `POST pods/<name>/binding`: the scheduler's decision. Sets the node and the condition PodScheduled; Conflict where the pod has a node already,
 * goes, or is gated. Upstream: pkg/registry/core/pod/storage.BindingREST.
 */
export function podBinding(services: SubresourceServices): SubresourceHandler {
  return {
    resource: pods, subresource: 'binding', methods: ['POST'],
    post: (call) => bind(services, pods, 'binding', call, call.key),
  };
}

/** `POST bindings`, the older form: the name is in the body. */
export function legacyBinding(services: SubresourceServices): SubresourceHandler {
  return {
    resource: bindings, subresource: '', methods: ['POST'],
    post: (call) => {
      const name = (call.body as Partial<Binding>).metadata?.name;
      if (!name) throw badRequest('name is required');
      return bind(services, bindings, '', call, { ...call.key, name });
    },
  };
}

async function bind(services: SubresourceServices, resource: ResourceType<unknown>, subresource: string, call: PostCall, key: ObjectKey): Promise<unknown> {
  const body = call.body as Binding;
  if (body.metadata?.name !== undefined && body.metadata.name !== key.name) throw badRequest('name in URL does not match name in Binding object');
  const errors = validateBinding(body);
  if (errors.length) throw invalid({ group: '', kind: 'Binding' }, key.name, errors);
  const binding = await admitPost(services, resource, subresource, { ...call, key }, body);
  const now = rfc3339(services.clock.now());
  await storeOf(services, pods).update(call.context, key, (current) => bound(current!, binding, now), { subresource: 'binding', dryRun: call.dryRun });
  return SUCCESS;
}

function validateBinding(binding: Binding): readonly FieldError[] {
  const { kind = '', name = '' } = binding.target ?? {};
  return [
    ...(kind === '' || kind === 'Node' ? [] : [fieldError.notSupported('target.kind', kind, ['Node', '<empty>'])]),
    ...(name ? [] : [fieldError.required('target.name')]),
  ];
}

/** The pod with its node. Throws Conflict where it cannot be bound. */
export function bound(pod: Pod, binding: Binding, now: string): Pod {
  const { name, uid, resourceVersion, deletionTimestamp } = pod.metadata;
  const refuse = (cause: string): never => {
    throw conflict({ group: '', resource: 'pods/binding' }, name, cause);
  };
  const wanted = binding.metadata;
  if (wanted?.uid && wanted.uid !== uid) refuse(`Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`);
  if (wanted?.resourceVersion && wanted.resourceVersion !== resourceVersion) {
    refuse(`Precondition failed: ResourceVersion in precondition: ${wanted.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`);
  }
  if (deletionTimestamp) refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec.nodeName) refuse(`pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  if (pod.spec.schedulingGates?.length) refuse(`pod ${name} has non-empty .spec.schedulingGates`);
  const status = without(pod.status ?? {}, 'nominatedNodeName');
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      ...(wanted?.annotations && { annotations: { ...pod.metadata.annotations, ...wanted.annotations } }),
      ...(wanted?.labels && { labels: { ...pod.metadata.labels, ...wanted.labels } }),
    },
    spec: { ...pod.spec, nodeName: binding.target.name! },
    status: { ...status, conditions: withCondition(status.conditions ?? [], { type: 'PodScheduled', status: 'True' }, now) },
  };
}

/** The list with this condition in place of the one of its type; the time of transition stays where the status does. */
export function withCondition(conditions: readonly PodCondition[], condition: PodCondition, now: string): readonly PodCondition[] {
  const present = conditions.find((c) => c.type === condition.type);
  const next = { ...condition, lastTransitionTime: present?.status === condition.status ? (present.lastTransitionTime ?? now) : now };
  return present ? conditions.map((c) => (c === present ? next : c)) : conditions.concat(next);
}
