import type { CustomResourceDefinition } from '../../api/generated/apiextensions-v1.ts';

/**
 * Why the names of a definition cannot be had: others of its group have them already. Undefined where they can.
 * Upstream: apiextensions-apiserver pkg/controller/status/naming_controller.go.
 */
export function nameConflicts({ spec, status }: CustomResourceDefinition, others: readonly CustomResourceDefinition[]): string | undefined {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const other of others) {
    if (other.spec.group !== spec.group) continue;
    const { acceptedNames } = other.status ?? {};
    if (!acceptedNames) continue;
    for (const name of [acceptedNames.plural, acceptedNames.singular, ...(acceptedNames.shortNames ?? [])]) if (name) resources.add(name);
    for (const name of [acceptedNames.kind, acceptedNames.listKind]) if (name) kinds.add(name);
  }
  const { plural, singular, shortNames = [], kind, listKind } = spec.names;
  const accepted = status?.acceptedNames;
  const taken = [plural, singular, ...shortNames].filter((name) => name && resources.has(name) && name !== accepted?.plural);
  const takenKinds = [kind, listKind].filter((name) => name && kinds.has(name) && name !== accepted?.kind);
  const [first] = [...taken, ...takenKinds];
  return first === undefined ? undefined : `${JSON.stringify(first)} is already in use`;
}
