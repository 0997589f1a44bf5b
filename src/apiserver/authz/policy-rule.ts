import type { PolicyRule } from '../../api/generated/rbac-v1.ts';
import type { AuthorizationAttributes } from './authorizer.ts';

/** Whether one rule permits the request. Upstream: plugin/pkg/auth/authorizer/rbac.RuleAllows. */
export function ruleAllows(rule: PolicyRule, { verb, resource, path }: AuthorizationAttributes): boolean {
  if (!matches(rule.verbs, verb)) return false;
  if (!resource) return path !== undefined && (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, path));
  const full = resource.subresource ? `${resource.resource}/${resource.subresource}` : resource.resource;
  return matches(rule.apiGroups ?? [], resource.group)
    && (rule.resources ?? []).some((r) => r === '*' || r === full || (resource.subresource !== '' && r === `*/${resource.subresource}`))
    && (!rule.resourceNames?.length || rule.resourceNames.includes(resource.name));
}

const matches = (list: readonly string[], value: string): boolean => list.includes('*') || list.includes(value);

/** `/healthz/*` covers all that begins with `/healthz/`. */
export function pathMatches(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, '')));
}

/**
 * The rules of one role, arranged so that a request looks at few of them: by group and resource where both are written out,
 * and the rest (wildcards, paths) apart.
 */
export class RuleSet {
  readonly rules: readonly PolicyRule[];
  readonly #exact = new Map<string, PolicyRule[]>();
  readonly #rest: PolicyRule[] = [];
  readonly #paths: PolicyRule[] = [];

  constructor(rules: readonly PolicyRule[]) {
    this.rules = rules;
    for (const rule of rules) {
      if (rule.nonResourceURLs?.length) this.#paths.push(rule);
      if (!rule.resources?.length) continue;
      if (rule.apiGroups?.includes('*') || rule.resources.some((r) => r.startsWith('*'))) {
        this.#rest.push(rule);
        continue;
      }
      for (const group of rule.apiGroups ?? []) {
        for (const resource of rule.resources) {
          const key = `${group}/${resource}`;
          const at = this.#exact.get(key);
          if (at) at.push(rule);
          else this.#exact.set(key, [rule]);
        }
      }
    }
  }

  /** `key` is `group/resource[/subresource]` of the request's, made once for all roles. */
  allows(attributes: AuthorizationAttributes, key: string): boolean {
    if (!attributes.resource) return some(this.#paths, attributes);
    const exact = this.#exact.get(key);
    return (exact !== undefined && some(exact, attributes)) || some(this.#rest, attributes);
  }
}

function some(rules: readonly PolicyRule[], attributes: AuthorizationAttributes): boolean {
  for (const rule of rules) if (ruleAllows(rule, attributes)) return true;
  return false;
}

/** The key by which RuleSet finds the rules for a request. */
export function ruleKey({ resource }: AuthorizationAttributes): string {
  if (!resource) return '';
  return resource.subresource ? `${resource.group}/${resource.resource}/${resource.subresource}` : `${resource.group}/${resource.resource}`;
}
