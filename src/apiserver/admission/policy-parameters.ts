import { customResourceDefinitions } from '../../api/generated/resources.ts';
import type { ParamKind, ParamRef } from '../../api/generated/admissionregistration-v1.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { findKind, parseApiVersion } from '../../api/resources.ts';
import { labelSelectorMatches } from '../../api/selector.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';

/** A policy or binding does not fit the cluster as it is. */
export class PolicyConfigurationError extends Error {
  override readonly name = 'PolicyConfigurationError';
}

/**
 * The objects that a binding gives a policy as its `params`: one null where it takes none. Throws PolicyConfigurationError.
 * Upstream: policy/generic.CollectParams.
 */
export function policyParameters(objects: StoredObjects, kind: ParamKind | undefined, reference: ParamRef | undefined, requestNamespace: string): readonly (KubeObject | null)[] {
  if (!kind || !reference) return [null];
  const resource = resourceOfKind(objects, kind);
  if (!resource) throw new PolicyConfigurationError(`paramKind kind \`${kind.apiVersion}, Kind=${kind.kind}\` not known`);
  if (reference.namespace && !resource.namespaced) throw new PolicyConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  const namespace = reference.namespace || requestNamespace;
  if (resource.namespaced && !namespace) throw new PolicyConfigurationError('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources');
  let found: readonly KubeObject[];
  if (reference.name) {
    const one = objects.get(resource, resource.namespaced ? { namespace, name: reference.name } : { name: reference.name });
    found = one ? [one] : [];
  } else if (reference.selector) {
    found = objects.list(resource, resource.namespaced ? namespace : undefined).filter((object) => labelSelectorMatches(reference.selector, object.metadata.labels));
  } else throw new PolicyConfigurationError('one of name or selector must be provided');
  if (found.length === 0 && reference.parameterNotFoundAction === 'Deny') throw new PolicyConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction');
  return found;
}

function resourceOfKind(objects: StoredObjects, { apiVersion = '', kind = '' }: ParamKind): ResourceType<KubeObject> | undefined {
  const { group, version } = parseApiVersion(apiVersion);
  const builtIn = findKind(group, version, kind);
  if (builtIn) return builtIn;
  const custom = objects.list(customResourceDefinitions).find(({ spec }) => spec.group === group && spec.names.kind === kind);
  return custom && { group, version, resource: custom.spec.names.plural, kind, namespaced: custom.spec.scope === 'Namespaced' };
}
