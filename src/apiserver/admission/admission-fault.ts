import { forbidden, type StatusError } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import type { AdmissionAttributes } from './admission.ts';

/** The 403 of a plugin: names the object, or by its generateName where it has no name yet. Upstream: apiserver pkg/admission.NewForbidden. */
export function refused(attributes: AdmissionAttributes, cause: string): StatusError {
  return forbidden(attributes.resource, nameOf(attributes), cause);
}

function nameOf({ name, object }: AdmissionAttributes): string {
  const metadata = object?.metadata as (KubeObject['metadata'] & { readonly generateName?: string }) | undefined;
  return name || metadata?.name || metadata?.generateName || 'Unknown';
}

/** Whether a request is about a resource itself, or about one of its subresources where that is named. */
export function concerns({ resource, subresource }: AdmissionAttributes, group: string, name: string, part = ''): boolean {
  return resource.resource === name && resource.group === group && subresource === part;
}
