import type { RuleWithOperations } from '../../api/generated/admissionregistration-v1.ts';
import type { LabelSelector } from '../../api/generated/meta-v1.ts';
import { namespaces } from '../../api/generated/resources.ts';
import type { KubeObject } from '../../api/object.ts';
import { selectorOf } from '../../api/selector.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import type { AdmissionAttributes } from './admission.ts';

/** What decides whether a webhook or a policy is asked about a request. */
export interface RequestMatch {
  readonly rules?: readonly RuleWithOperations[];
  readonly excluded?: readonly RuleWithOperations[];
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  /** `Equivalent` lets a rule for one version of a group mean all of them. */
  readonly matchPolicy?: string;
}

const CONFIGURATIONS = new Set([
  'validatingwebhookconfigurations', 'mutatingwebhookconfigurations', 'validatingadmissionpolicies', 'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings',
]);

/** Nobody can lock the cluster by a webhook about webhooks. Upstream: rules.IsExemptAdmissionConfigurationResource. */
export const isExempt = ({ resource }: AdmissionAttributes): boolean => resource.group === 'admissionregistration.k8s.io' && CONFIGURATIONS.has(resource.resource);

/** Upstream: apiserver pkg/admission/plugin/webhook/generic.ShouldCallHook and predicates. */
export function requestMatches(objects: StoredObjects, match: RequestMatch, attributes: AdmissionAttributes): boolean {
  const anyVersion = match.matchPolicy !== 'Exact';
  if (!(match.rules ?? []).some((rule) => ruleMatches(rule, attributes, anyVersion))) return false;
  if ((match.excluded ?? []).some((rule) => ruleMatches(rule, attributes, anyVersion))) return false;
  return namespaceMatches(objects, match.namespaceSelector, attributes) && objectMatches(match.objectSelector, attributes);
}

export function ruleMatches(rule: RuleWithOperations, { operation, resource, subresource, namespace }: AdmissionAttributes, anyVersion: boolean): boolean {
  const has = (list: readonly string[] | undefined, value: string): boolean => list?.includes('*') === true || list?.includes(value) === true;
  if (!has(rule.operations, operation) || !has(rule.apiGroups, resource.group)) return false;
  if (!anyVersion && !has(rule.apiVersions, resource.version)) return false;
  const isNamespace = resource.group === '' && resource.resource === 'namespaces';
  if (rule.scope === 'Namespaced' && (isNamespace || !namespace)) return false;
  if (rule.scope === 'Cluster' && !isNamespace && namespace) return false;
  return (rule.resources ?? []).some((pattern) => {
    const [main, part = ''] = pattern.split('/');
    return (main === '*' || main === resource.resource) && (part === '*' || part === subresource);
  });
}

function namespaceMatches(objects: StoredObjects, selector: LabelSelector | undefined, attributes: AdmissionAttributes): boolean {
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
