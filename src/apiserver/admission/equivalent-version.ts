import type { RuleWithOperations } from '../../api/generated/admissionregistration-v1.ts';
import { apiVersionOf, type KubeObject, type ResourceType } from '../../api/object.ts';
import type { AdmissionAttributes } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';
import { ruleMatches } from './webhook-rules.ts';

/**
 * The request as those who wrote the rules want to see it: as it came where they name its version, else with its objects converted to a version
 * of the kind that they do name. Upstream: apiserver pkg/admission/plugin/webhook/generic.ShouldCallHook and VersionedAttributes.
 */
export async function inWantedVersion({ registry }: Pick<AdmissionServices, 'registry'>, rules: readonly RuleWithOperations[], attributes: AdmissionAttributes): Promise<AdmissionAttributes> {
  const { resource, subresource, object, oldObject } = attributes;
  const named = (version: ResourceType<KubeObject>): boolean => rules.some((rule) => ruleMatches(rule, { ...attributes, resource: version }, false));
  if (named(resource)) return attributes;
  for (const { served } of registry.all()) {
    const other = served.resource;
    if (other.group !== resource.group || other.resource !== resource.resource || other.version === resource.version || !named(other)) continue;
    // What a subresource of its own kind shows is the same in all versions.
    const own = (value: KubeObject | undefined): boolean => value !== undefined && (subresource === '' || value.kind === resource.kind);
    return {
      ...attributes, resource: other, requested: resource,
      ...(own(object) && { object: await converted({ registry }, object!, resource, other) }), ...(own(oldObject) && { oldObject: await converted({ registry }, oldObject!, resource, other) }),
    };
  }
  return attributes;
}

/** An object in another version of its kind; as it is where the kind has none. */
export async function converted({ registry }: Pick<AdmissionServices, 'registry'>, object: KubeObject, from: ResourceType<KubeObject>, to: ResourceType<KubeObject>): Promise<KubeObject> {
  const version = registry.find(from.group, from.version, from.resource)?.store?.versions?.(apiVersionOf(to));
  return version ? await version.convert({ ...object, apiVersion: apiVersionOf(from) }) : object;
}
