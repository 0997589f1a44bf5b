import { KubectlError } from '../command/kubectl-error.ts';
import { fitsKind, visitField, type FieldSpec } from './field-spec.ts';
import { nameReferences, type NameReference } from './field-specs.ts';
import { effectiveNamespace, idText, isClusterScoped, isTree, type Resource, type ResourceId, type Tree } from './resource.ts';

/** Makes references follow what was renamed or moved: config maps in pod templates, roles in bindings … Upstream: kustomize api/filters/nameref. */
export function fixNameReferences(resources: readonly Resource[]): void {
  for (const reference of nameReferences) {
    for (const spec of reference.fields) {
      for (const referrer of resources) {
        if (!fitsKind(referrer.object, spec)) continue;
        const candidates = reachable(referrer, resources);
        visitField(referrer.object, spec, 'text', (holder, key) => fix(holder, key, { referrer, candidates, reference, spec }));
      }
    }
  }
}

interface Fixing {
  readonly referrer: Resource;
  readonly candidates: readonly Resource[];
  readonly reference: NameReference;
  readonly spec: FieldSpec;
}

/** Those of the referrer's namespace, those without one, and for bindings those of its subjects' namespaces. */
function reachable(referrer: Resource, resources: readonly Resource[]): Resource[] {
  const { id } = referrer;
  if (isClusterScoped(id)) return [...resources];
  const { subjects } = referrer.object as { readonly subjects?: unknown };
  const spaces = new Set([effectiveNamespace(id)]);
  if (id.kind === 'RoleBinding' && Array.isArray(subjects)) for (const subject of subjects) if (isTree(subject) && typeof subject['namespace'] === 'string') spaces.add(subject['namespace']);
  return resources.filter((other) => isClusterScoped(other.id) || spaces.has(effectiveNamespace(other.id)) || (id.kind === 'RoleBinding' && other.previous.some((one) => spaces.has(effectiveNamespace(one)))));
}

function fix(holder: Tree, key: string, fixing: Fixing): void {
  const value = holder[key];
  if (Array.isArray(value)) {
    value.forEach((_item, i) => fix(value as unknown as Tree, String(i), fixing));
  } else if (isTree(value)) {
    const { name, namespace } = value;
    if (typeof name !== 'string') throw new KubectlError(`updating name reference in '${fixing.spec.path}' field of '${idText(fixing.referrer.id)}': path config error; no 'name' field in node`);
    const inSpace = (id: (resource: Resource) => ResourceId): Resource[] => fixing.candidates.filter((candidate) => namespace === undefined || effectiveNamespace(id(candidate)) === namespace || isClusterScoped(id(candidate)));
    const before = inSpace((resource) => resource.original);
    const found = referral(name, { ...fixing, candidates: before.length > 0 ? before : inSpace((resource) => resource.id) }, (a, b) => a.name === b.name && a.namespace === b.namespace);
    if (!found) return;
    value['name'] = found.id.name;
    if (found.id.namespace) value['namespace'] = found.id.namespace;
  } else if (typeof value === 'string') {
    const found = referral(value, fixing, (a, b) => a.name === b.name);
    if (found) holder[key] = found.id.name;
  }
}

/** The resource that was called `name` when the reference was written. Throws KubectlError where several could be meant. */
function referral(name: string, { referrer, candidates, reference, spec }: Fixing, same: (a: ResourceId, b: ResourceId) => boolean): Resource | undefined {
  const ofKind = (id: ResourceId, { kind, group, version }: { readonly kind?: unknown; readonly group?: unknown; readonly version?: unknown }): boolean => (!kind || kind === id.kind) && (!group || group === id.group) && (!version || version === id.version);
  const { roleRef } = referrer.object as { readonly roleRef?: { readonly kind?: string; readonly apiGroup?: string } };
  let found = candidates.filter(({ previous }) => previous.some((id) => id.name === name) && previous.some((id) => ofKind(id, reference)));
  if (spec.path.endsWith('roleRef/name') && roleRef) found = found.filter(({ previous }) => previous.some((id) => ofKind(id, { kind: roleRef.kind, group: roleRef.apiGroup })));
  if (!isClusterScoped(referrer.id)) {
    found = found.filter(({ id }) => isClusterScoped(id) || id.kind === 'ServiceAccount' || effectiveNamespace(id) === effectiveNamespace(referrer.id));
  }
  if (found.length === 1) return found[0];
  found = found.filter((one) => sameLayers(one, referrer, true));
  if (found.length > 1) found = found.filter((one) => sameLayers(one, referrer, false));
  if (found.length === 0) return undefined;
  if (found.slice(1).every(({ id }) => same(id, found[0]!.id))) return found[0];
  throw new KubectlError(`updating name reference in '${spec.path}' field of '${idText(referrer.id)}': found multiple possible referrals: ${found.map(({ id }) => idText(id)).join(', ')}`);
}

/** Whether both went through the same prefixes and suffixes, as far as both went. */
function sameLayers(a: Resource, b: Resource, orNone: boolean): boolean {
  const tail = (x: readonly string[], y: readonly string[]): boolean => {
    const length = Math.min(x.length, y.length);
    return x.slice(x.length - length).every((text, i) => text === y[y.length - length + i]) && (length > 0 || x.length === y.length);
  };
  const agree = (x: readonly string[], y: readonly string[]): boolean => (orNone && (x.length === 0 || y.length === 0)) || tail(x, y);
  return agree(a.prefixes, b.prefixes) && agree(a.suffixes, b.suffixes);
}
