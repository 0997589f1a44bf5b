import type { FlowSchema, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from '../../api/generated/flowcontrol-v1.ts';
import type { User } from '../../api/kind.ts';
import type { RequestInfo } from '../request.ts';

/** Which schema a request falls under: the first that matches, by precedence, then by name. Upstream: apiserver pkg/util/flowcontrol/rule.go. */
export class FlowMatcher {
  readonly #schemas: readonly FlowSchema[];
  /** The schemas that a user's requests can fall under. Users of certificates are the same objects in all their requests. */
  readonly #byUser = new WeakMap<User, readonly FlowSchema[]>();

  constructor(schemas: readonly FlowSchema[]) {
    this.#schemas = [...schemas].sort((a, b) => (a.spec.matchingPrecedence ?? 0) - (b.spec.matchingPrecedence ?? 0) || (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  get schemas(): readonly FlowSchema[] {
    return this.#schemas;
  }

  /** The last of all where none matches: `catch-all`. */
  match(user: User, info: RequestInfo): FlowSchema {
    let candidates = this.#byUser.get(user);
    if (!candidates) {
      candidates = this.#schemas.filter(({ spec }) => spec.rules?.some(({ subjects }) => subjects.some((subject) => matchesSubject(subject, user))));
      this.#byUser.set(user, candidates);
    }
    for (const schema of candidates) for (const rule of schema.spec.rules!) if (matchesRule(rule, user, info)) return schema;
    return this.#schemas.at(-1)!;
  }
}

function matchesRule({ subjects, resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects, user: User, info: RequestInfo): boolean {
  const asks = info.isResourceRequest ? resourceRules.some((rule) => matchesResource(rule, info)) : nonResourceRules.some((rule) => matchesPath(rule, info));
  return asks && subjects.some((subject) => matchesSubject(subject, user));
}

const ACCOUNT = 'system:serviceaccount:';

function matchesSubject({ kind, user, group, serviceAccount }: Subject, { name, groups }: User): boolean {
  switch (kind) {
    case 'User': return user !== undefined && (user.name === '*' || user.name === name);
    case 'Group': return group !== undefined && (group.name === '*' || groups.includes(group.name));
    case 'ServiceAccount': {
      if (!serviceAccount) return false;
      const prefix = `${ACCOUNT}${serviceAccount.namespace}:`;
      return serviceAccount.name === '*' ? name.startsWith(prefix) : name === prefix + serviceAccount.name;
    }
    default: return false;
  }
}

/** `*` stands for all only where it is alone. */
const holds = (list: readonly string[] | undefined, wanted: string): boolean => list !== undefined && ((list.length === 1 && list[0] === '*') || list.includes(wanted));

function matchesResource({ verbs, apiGroups, resources, clusterScope, namespaces }: ResourcePolicyRule, { verb, group, resource, subresource, namespace }: RequestInfo): boolean {
  return holds(verbs, verb) && holds(resources, subresource ? `${resource}/${subresource}` : resource) && holds(apiGroups, group) && (namespace ? holds(namespaces, namespace) : clusterScope === true);
}

function matchesPath({ verbs, nonResourceURLs }: NonResourcePolicyRule, { verb, path }: RequestInfo): boolean {
  return holds(verbs, verb) && nonResourceURLs.some((url) => {
    if (url === '*' || url === path) return true;
    const prefix = url.endsWith('*') ? url.slice(0, -1) : url;
    return path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
  });
}
