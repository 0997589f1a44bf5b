import type { NamedRuleWithOperations, RuleWithOperations } from '../../api/generated/admissionregistration-v1.ts';
import type { LabelSelector } from '../../api/generated/meta-v1.ts';
import { namespaces } from '../../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { selectorOf } from '../../api/selector.ts';
import type { AdmissionAttributes } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

type Rule = RuleWithOperations & Pick<NamedRuleWithOperations, 'resourceNames'>;
type Services = Pick<AdmissionServices, 'objects' | 'registry'>;

/** What decides whether a webhook or a policy is asked about a request. */
export interface RequestMatch {
  readonly rules?: readonly Rule[];
  readonly excluded?: readonly Rule[];
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  /** Unless `Exact`, a rule for one version of a resource means all in which the same objects are served. */
  readonly matchPolicy?: string;
}

const CONFIGURATIONS = new Set([
  'validatingwebhookconfigurations', 'mutatingwebhookconfigurations', 'validatingadmissionpolicies', 'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings',
]);

/** Nobody can lock the cluster by a webhook about webhooks. Upstream: rules.IsExemptAdmissionConfigurationResource. */
export const isExempt = ({ resource }: AdmissionAttributes): boolean => resource.group === 'admissionregistration.k8s.io' && CONFIGURATIONS.has(resource.resource);

/**
 * The resource, in the version in which the rules name it, where they are about the request; undefined where they are not.
 * Upstream: apiserver pkg/admission/plugin/webhook/generic.ShouldCallHook, plugin/policy/matching.
 */
export function matchedResource(services: Services, match: RequestMatch, attributes: AdmissionAttributes): ResourceType<KubeObject> | undefined {
  const named = namedResource(services, match.rules, match.matchPolicy, attributes);
  if (!named || namedResource(services, match.excluded, match.matchPolicy, attributes)) return undefined;
  return namespaceMatches(services, match.namespaceSelector, attributes) && objectMatches(match.objectSelector, attributes) ? named : undefined;
}

function namedResource({ registry }: Services, rules: readonly Rule[] | undefined, matchPolicy: string | undefined, attributes: AdmissionAttributes): ResourceType<KubeObject> | undefined {
  const concerned = (rules ?? []).filter((rule) => concerns(rule, attributes));
  if (concerned.length === 0) return undefined;
  const isNamed = ({ group, version }: ResourceType<KubeObject>): boolean => concerned.some(({ apiGroups, apiVersions }) => has(apiGroups, group) && has(apiVersions, version));
  const { resource } = attributes;
  if (isNamed(resource)) return resource;
  if (matchPolicy === 'Exact') return undefined;
  for (const { served: { resource: other } } of registry.all()) {
    if (other.resource === resource.resource && family(other) === family(resource) && isNamed(other)) return other;
  }
  return undefined;
}

/** The same objects are served in all versions of a group; events in two groups. */
const family = ({ group, resource }: ResourceType<KubeObject>): string => (resource === 'events' && group === 'events.k8s.io' ? '' : group);

const has = (list: readonly string[] | undefined, value: string): boolean => list?.includes('*') === true || list?.includes(value) === true;

/** All of a rule but group and version. */
function concerns({ operations, scope, resources, resourceNames }: Rule, { operation, resource, subresource, namespace, name }: AdmissionAttributes): boolean {
  if (!has(operations, operation)) return false;
  if (resourceNames?.length && !resourceNames.includes(name)) return false;
  const isNamespace = resource.group === '' && resource.resource === 'namespaces';
  if (scope === 'Namespaced' && (isNamespace || !namespace)) return false;
  if (scope === 'Cluster' && !isNamespace && namespace) return false;
  return (resources ?? []).some((pattern) => {
    const [main, part = ''] = pattern.split('/');
    return (main === '*' || main === resource.resource) && (part === '*' || part === subresource);
  });
}

function namespaceMatches({ objects }: Services, selector: LabelSelector | undefined, attributes: AdmissionAttributes): boolean {
  const { resource, subresource, operation, namespace, name, object } = attributes;
  const isNamespace = resource.group === '' && resource.resource === 'namespaces';
  if (!selector || (!namespace && !isNamespace)) return true;
  const parsed = selectorOf(selector);
  if (parsed.requirements.length === 0) return true;
  const own = isNamespace && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE');
  return parsed.matches(own ? object?.metadata.labels : objects.get(namespaces, { name: namespace || name })?.metadata.labels);
}

function objectMatches(selector: LabelSelector | undefined, { object, oldObject }: AdmissionAttributes): boolean {
  if (!selector) return true;
  const parsed = selectorOf(selector);
  if (parsed.requirements.length === 0) return true;
  return [object, oldObject].some((o: KubeObject | undefined) => o?.metadata !== undefined && parsed.matches(o.metadata.labels));
}
