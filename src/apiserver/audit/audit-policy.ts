import { ConfigurationReader } from '../configuration/configuration-reader.ts';
import type { User } from '../../api/kind.ts';
import type { RequestInfo } from '../request.ts';

/** How much of a request is written down, from least to most. */
export const LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type AuditLevel = (typeof LEVELS)[number];

export const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type AuditStage = (typeof STAGES)[number];

interface GroupResources {
  readonly group: string;
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

interface AuditRule {
  readonly level: AuditLevel;
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly resources: readonly GroupResources[];
  readonly namespaces: readonly string[];
  readonly nonResourceURLs: readonly string[];
  readonly omitStages: readonly AuditStage[];
  readonly omitManagedFields: boolean | undefined;
}

export interface AuditPolicy {
  readonly rules: readonly AuditRule[];
  readonly omitStages: readonly AuditStage[];
  readonly omitManagedFields: boolean;
}

export interface AuditDecision {
  readonly level: AuditLevel;
  readonly omitStages: readonly AuditStage[];
  readonly omitManagedFields: boolean;
}

/** Reads a document of the kind `Policy` in `audit.k8s.io/v1`. Throws UserError. Upstream: apiserver pkg/apis/audit/validation. */
export function readAuditPolicy(reader: ConfigurationReader): AuditPolicy {
  reader.knows('apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields');
  const rules = reader.list('rules').map((rule): AuditRule => {
    rule.knows('level', 'users', 'userGroups', 'verbs', 'resources', 'namespaces', 'nonResourceURLs', 'omitStages', 'omitManagedFields');
    const resources = rule.list('resources').map((entry): GroupResources => {
      entry.knows('group', 'resources', 'resourceNames');
      const read = { group: entry.text('group') ?? '', resources: entry.texts('resources'), resourceNames: entry.texts('resourceNames') };
      if (read.resourceNames.length > 0 && read.resources.length === 0) throw entry.fault('resourceNames', 'using resourceNames requires at least one resource');
      return read;
    });
    const nonResourceURLs = rule.texts('nonResourceURLs');
    if (nonResourceURLs.length > 0 && (resources.length > 0 || rule.texts('namespaces').length > 0)) throw rule.fault('nonResourceURLs', 'rules cannot apply to both regular resources and non-resource URLs');
    for (const url of nonResourceURLs) {
      if (url !== '*' && !url.startsWith('/')) throw rule.fault('nonResourceURLs', 'non-resource URL rules must begin with a \'/\' character');
      if (url !== '*' && url.slice(0, -1).includes('*')) throw rule.fault('nonResourceURLs', 'non-resource URL wildcards \'*\' must be the final character of the rule');
    }
    return {
      level: rule.oneOf('level', LEVELS), users: rule.texts('users'), userGroups: rule.texts('userGroups'), verbs: rule.texts('verbs'), resources, namespaces: rule.texts('namespaces'), nonResourceURLs,
      omitStages: rule.someOf('omitStages', STAGES), omitManagedFields: rule.truth('omitManagedFields'),
    };
  });
  if (rules.length === 0) throw reader.fault('rules', 'a policy without rules writes nothing down');
  return { rules, omitStages: reader.someOf('omitStages', STAGES), omitManagedFields: reader.truth('omitManagedFields') ?? false };
}

/** The first rule that matches decides; without one nothing is written. Upstream: apiserver pkg/audit/policy.EvaluatePolicyRule. */
export function decideAudit(policy: AuditPolicy, user: User, info: RequestInfo): AuditDecision {
  const rule = policy.rules.find((candidate) => matches(candidate, user, info));
  if (!rule) return { level: 'None', omitStages: policy.omitStages, omitManagedFields: policy.omitManagedFields };
  return { level: rule.level, omitStages: [...policy.omitStages, ...rule.omitStages], omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields };
}

const among = (list: readonly string[], value: string): boolean => list.length === 0 || list.includes(value);

function matches({ users, userGroups, verbs, resources, namespaces, nonResourceURLs }: AuditRule, user: User, info: RequestInfo): boolean {
  if (!among(users, user.name) || !among(verbs, info.verb)) return false;
  if (userGroups.length > 0 && !userGroups.some((group) => user.groups.includes(group))) return false;
  if (namespaces.length > 0 || resources.length > 0) return info.isResourceRequest && among(namespaces, info.namespace) && (resources.length === 0 || resources.some((entry) => matchesResource(entry, info)));
  if (nonResourceURLs.length > 0) return !info.isResourceRequest && nonResourceURLs.some((url) => (url.endsWith('*') ? info.path.startsWith(url.slice(0, -1)) : info.path === url));
  return true;
}

function matchesResource({ group, resources, resourceNames }: GroupResources, info: RequestInfo): boolean {
  if (group !== info.group) return false;
  if (resources.length === 0) return true;
  if (resourceNames.length > 0 && !resourceNames.includes(info.name)) return false;
  const { resource, subresource } = info;
  const full = subresource ? `${resource}/${subresource}` : resource;
  return resources.some((wanted) => wanted === '*' || wanted === full || (subresource !== '' && (wanted === `*/${subresource}` || wanted === `${resource}/*`)));
}
