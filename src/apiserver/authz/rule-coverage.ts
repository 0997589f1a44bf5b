import type { PolicyRule } from '../../api/generated/rbac-v1.ts';
import { pathMatches } from './policy-rule.ts';

/**
 * The rules among `wanted`, taken apart to one verb, group, resource and name each, that no rule of `owned` covers.
 * Upstream: component-helpers auth/rbac/validation.Covers.
 */
export function covers(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  return wanted.flatMap(breakdown).filter((rule) => !owned.some((owner) => ruleCovers(owner, rule)));
}

function breakdown(rule: PolicyRule): readonly PolicyRule[] {
  const simple: PolicyRule[] = [];
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs) {
        if (rule.resourceNames?.length) {
          for (const name of rule.resourceNames) simple.push({ verbs: [verb], apiGroups: [group], resources: [resource], resourceNames: [name] });
        } else simple.push({ verbs: [verb], apiGroups: [group], resources: [resource] });
      }
    }
  }
  for (const path of rule.nonResourceURLs ?? []) for (const verb of rule.verbs) simple.push({ verbs: [verb], nonResourceURLs: [path] });
  return simple;
}

function ruleCovers(owner: PolicyRule, wanted: PolicyRule): boolean {
  const has = (all: readonly string[] | undefined, some: readonly string[] | undefined): boolean => all?.includes('*') === true || (some ?? []).every((s) => all?.includes(s));
  if (!has(owner.verbs, wanted.verbs)) return false;
  if (wanted.nonResourceURLs) return wanted.nonResourceURLs.every((path) => (owner.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, path)));
  const resourceCovered = (wanted.resources ?? []).every((resource) => (owner.resources ?? []).some((own) => {
    const slash = resource.indexOf('/');
    return own === '*' || own === resource || (slash >= 0 && own === `*${resource.slice(slash)}`);
  }));
  const namesCovered = !owner.resourceNames?.length || (!!wanted.resourceNames?.length && wanted.resourceNames.every((name) => owner.resourceNames!.includes(name)));
  return resourceCovered && has(owner.apiGroups, wanted.apiGroups) && namesCovered;
}

/** Joins rules that differ only in their verbs. Upstream: pkg/registry/rbac/validation.CompactRules. */
export function compactRules(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  const joined = new Map<string, PolicyRule>();
  const others: PolicyRule[] = [];
  for (const rule of rules) {
    if (rule.apiGroups?.length !== 1 || rule.resources?.length !== 1 || rule.nonResourceURLs?.length || (rule.resourceNames?.length ?? 0) > 1) {
      others.push(rule);
      continue;
    }
    const key = JSON.stringify([rule.apiGroups, rule.resources, rule.resourceNames]);
    const present = joined.get(key);
    joined.set(key, present ? { ...present, verbs: [...present.verbs, ...rule.verbs] } : rule);
  }
  return [...others, ...joined.values()];
}

/** `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}` */
export function ruleText(rule: PolicyRule): string {
  const list = (values: readonly string[]): string => `[${values.map((v) => JSON.stringify(v)).join(' ')}]`;
  const parts: readonly [string, readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups], ['Resources', rule.resources], ['NonResourceURLs', rule.nonResourceURLs], ['ResourceNames', rule.resourceNames], ['Verbs', rule.verbs],
  ];
  return `{${parts.flatMap(([name, values]) => (values?.length ? [`${name}:${list(values)}`] : [])).join(', ')}}`;
}
