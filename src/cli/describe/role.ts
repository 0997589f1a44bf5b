import type { PolicyRule, Role } from '../../api/generated/rbac-v1.ts';
import type { DescribeContext } from './describe-context.ts';

interface Simple { readonly group?: string; readonly resource?: string; readonly url?: string; readonly name?: string; readonly verbs: string[] }

/** Roles and cluster roles. Upstream: describe.go, RoleDescriber; pkg/util/rbac. */
export function describeRole({ metadata, rules }: Role, { out }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.line(0, 'PolicyRule:');
  out.line(1, 'Resources\tNon-Resource URLs\tResource Names\tVerbs');
  out.line(1, '---------\t-----------------\t--------------\t-----');
  for (const rule of compactRules(rules ?? [])) out.line(1, `${qualifiedResource(rule)}\t[${rule.url ?? ''}]\t[${rule.name ?? ''}]\t[${rule.verbs.join(' ')}]`);
}

/** `deployments.apps/scale`. */
export function qualifiedResource({ group, resource }: Simple): string {
  if (resource === undefined) return '';
  const slash = resource.indexOf('/');
  const [base, subresource] = slash < 0 ? [resource, ''] : [resource.slice(0, slash), resource.slice(slash)];
  return `${base}${group ? `.${group}` : ''}${subresource}`;
}

/** One rule for each resource (and name), with all its verbs; URLs stay one rule for each verb. */
export function compactRules(rules: readonly PolicyRule[]): Simple[] {
  const byResource = new Map<string, Simple>();
  const urls: Simple[] = [];
  for (const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [], verbs } of rules) {
    for (const group of apiGroups) {
      for (const resource of resources) {
        for (const name of resourceNames.length > 0 ? resourceNames : [undefined]) {
          const key = JSON.stringify([group, resource, name]);
          const known = byResource.get(key) ?? { group, resource, ...(name !== undefined && { name }), verbs: [] };
          for (const verb of verbs) if (!known.verbs.includes(verb)) known.verbs.push(verb);
          byResource.set(key, known);
        }
      }
    }
    for (const url of nonResourceURLs) for (const verb of verbs) urls.push({ url, verbs: [verb] });
  }
  const text = ({ group, resource, url, name, verbs }: Simple): string => `[${verbs.join(' ')}],APIGroups:[${group ?? ''}],Resources:[${resource ?? ''}],ResourceNames:[${name ?? ''}],NonResourceURLs:[${url ?? ''}]`;
  return [...urls, ...byResource.values()].toSorted((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}
