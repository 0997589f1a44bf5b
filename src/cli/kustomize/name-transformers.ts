import { KubectlError } from '../command/kubectl-error.ts';
import { visitField } from './field-spec.ts';
import { namespaceFields } from './field-specs.ts';
import { idText, isClusterScoped, isTree, sameId, type Resource, type Tree } from './resource.ts';

/** Kinds whose names have a meaning of their own. */
function keepsName({ group, kind }: { readonly group: string; readonly kind: string }): boolean {
  return kind === 'CustomResourceDefinition' || kind === 'Namespace' || (group === 'apiregistration.k8s.io' && kind === 'APIService');
}

export function addPrefix(resources: readonly Resource[], prefix: string): void {
  for (const resource of resources) {
    if (keepsName(resource.original)) continue;
    resource.prefixes.push(prefix);
    resource.rememberId();
    resource.metadata['name'] = prefix + resource.id.name;
  }
}

export function addSuffix(resources: readonly Resource[], suffix: string): void {
  for (const resource of resources) {
    if (keepsName(resource.original)) continue;
    resource.suffixes.push(suffix);
    resource.rememberId();
    resource.metadata['name'] = resource.id.name + suffix;
  }
}

/** Moves namespaced resources into the namespace; one that is a Namespace takes its name. Throws KubectlError where two become one. */
export function setNamespace(resources: readonly Resource[], namespace: string): void {
  for (const resource of resources) {
    resource.rememberId();
    const { group, kind } = resource.id;
    if (!isClusterScoped(resource.id)) resource.metadata['namespace'] = namespace;
    if (group === '' && kind === 'Namespace') resource.metadata['name'] = namespace;
    if (kind === 'RoleBinding' || kind === 'ClusterRoleBinding') {
      const subjects = resource.object['subjects'];
      for (const subject of Array.isArray(subjects) ? subjects : []) if (isTree(subject) && subject['name'] === 'default') subject['namespace'] = namespace;
    }
    for (const spec of namespaceFields) visitField(resource.object, spec, 'text', (holder: Tree, key) => (holder[key] = namespace));
  }
  for (const [i, resource] of resources.entries()) {
    const twins = resources.slice(i + 1).filter((other) => sameId(other.id, resource.id));
    if (twins.length > 0) throw new KubectlError(`namespace transformation produces ID conflict: ${[resource, ...twins].map(({ id }) => idText(id)).join(', ')}`);
  }
}
