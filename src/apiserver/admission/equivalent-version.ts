import { apiVersionOf, type KubeObject, type ResourceType } from '../../api/object.ts';
import type { AdmissionAttributes } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

/**
 * The request as those who wrote the rules want to see it: as it came where they name its version, else with its objects converted to the one
 * that they do name. Upstream: apiserver pkg/admission.VersionedAttributes.
 */
export async function inVersion(services: Pick<AdmissionServices, 'registry'>, attributes: AdmissionAttributes, wanted: ResourceType<KubeObject>): Promise<AdmissionAttributes> {
  const { resource, subresource, object, oldObject } = attributes;
  if (wanted.version === resource.version && wanted.group === resource.group) return attributes;
  // What a subresource of its own kind shows is the same in all versions.
  const own = (value: KubeObject | undefined): boolean => value !== undefined && (subresource === '' || value.kind === resource.kind);
  return {
    ...attributes, resource: wanted, requested: resource,
    ...(own(object) && { object: await converted(services, object!, resource, wanted) }), ...(own(oldObject) && { oldObject: await converted(services, oldObject!, resource, wanted) }),
  };
}

/** What came of a request that was shown in another version, as the request has it. */
export async function inRequestedVersion(services: Pick<AdmissionServices, 'registry'>, { requested, resource, subresource }: AdmissionAttributes, object: KubeObject): Promise<KubeObject> {
  return requested && (subresource === '' || object.kind === resource.kind) ? await converted(services, object, resource, requested) : object;
}

/** An object in another version of its kind; as it is where the kind has none. */
async function converted({ registry }: Pick<AdmissionServices, 'registry'>, object: KubeObject, from: ResourceType<KubeObject>, to: ResourceType<KubeObject>): Promise<KubeObject> {
  const version = registry.find(from.group, from.version, from.resource)?.store?.versions?.(apiVersionOf(to));
  return version ? await version.convert({ ...object, apiVersion: apiVersionOf(from) }) : object;
}
