import { apiVersionOf, type KubeObject } from '../../api/object.ts';
import type { AdmissionAttributes } from './admission.ts';

const OPTIONS: Readonly<Record<string, string>> = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' };

/** The kind of what is admitted: the subresource's own where it is posted to one, else the resource's. */
export function kindOf({ object, resource, subresource }: AdmissionAttributes): { readonly group: string; readonly version: string; readonly kind: string } {
  if (!subresource || !object?.kind || object.kind === resource.kind) return { group: resource.group, version: resource.version, kind: resource.kind };
  const [version, group = ''] = (object.apiVersion ?? 'v1').split('/').reverse() as [string, string?];
  return { group, version, kind: object.kind };
}

/** The question that a webhook is asked, and that policies see as `request`. Upstream: webhook/request.CreateAdmissionObjects. */
export function reviewOf(attributes: AdmissionAttributes, uid: string) {
  const { resource, subresource, namespace, name, operation, context: { user }, object, oldObject, dryRun, options } = attributes;
  const kind = kindOf(attributes);
  const plural = { group: resource.group, version: resource.version, resource: resource.resource };
  const { requested = resource } = attributes;
  const requestKind = kind.kind === resource.kind && kind.group === resource.group ? { group: requested.group, version: requested.version, kind: kind.kind } : kind;
  // On a namespace itself upstream gives its name as the namespace too.
  const where = namespace || (resource.group === '' && resource.resource === 'namespaces' ? name : '');
  return {
    kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1',
    request: {
      uid, kind, resource: plural, ...(subresource && { subResource: subresource }),
      requestKind, requestResource: { group: requested.group, version: requested.version, resource: requested.resource }, ...(subresource && { requestSubResource: subresource }),
      ...(name && { name }), ...(where && { namespace: where }), operation,
      userInfo: { username: user.name, ...(user.uid && { uid: user.uid }), groups: user.groups, ...(user.extra && { extra: user.extra }) },
      object: withKind(object, apiVersionOf(resource), resource.kind), oldObject: withKind(oldObject, apiVersionOf(resource), resource.kind), dryRun,
      options: OPTIONS[operation] ? { kind: OPTIONS[operation], apiVersion: 'meta.k8s.io/v1', ...options } : null,
    },
  };
}

const withKind = (object: KubeObject | undefined, apiVersion: string, kind: string): KubeObject | null => (object ? { ...object, apiVersion: object.apiVersion || apiVersion, kind: object.kind || kind } : null);
