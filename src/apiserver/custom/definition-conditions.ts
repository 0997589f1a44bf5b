import { X509Certificate } from 'node:crypto';
import type { CustomResourceDefinition, CustomResourceDefinitionCondition, CustomResourceDefinitionNames } from '../../api/generated/apiextensions-v1.ts';

type Definition = CustomResourceDefinition;
type Names = CustomResourceDefinitionNames;
export type Condition = CustomResourceDefinitionCondition;
type NewCondition = Omit<Condition, 'lastTransitionTime'>;

/**
 * The status of a definition: the names that it may have beside the others of its group, and what follows from them. Of names that are taken it
 * keeps those that it had. Pure; the same object where nothing changes. Upstream: apiextensions-apiserver pkg/controller/{status,establish,apiapproval}.
 */
export function definitionStatus(definition: Definition, others: readonly Definition[], at: string): NonNullable<Definition['status']> {
  const { metadata, spec, status } = definition;
  const { names, condition } = acceptedNames(definition, others);
  let conditions = withCondition(status?.conditions ?? [], condition, at);
  if (!isTrue(conditions, 'Established')) {
    conditions = withCondition(conditions, condition.status === 'True' && !isValidAuthority(spec.conversion?.webhook?.clientConfig?.caBundle)
      ? { type: 'Established', status: 'False', reason: 'InvalidCABundle', message: 'The conversion webhook CABundle is invalid' }
      : condition.status === 'True'
      ? { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
      : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }, at);
  }
  if (/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group)) conditions = withCondition(conditions, approval(metadata.annotations?.[APPROVAL] ?? ''), at);
  return { ...status, conditions, acceptedNames: names, storedVersions: status?.storedVersions ?? [] };
}

/** Whether there is a certificate in it, where it is anything at all. `bundle`: PEM in base64. Upstream: apiserver pkg/util/webhook.ValidateCABundle. */
export function isValidAuthority(bundle: string | undefined): boolean {
  const text = Buffer.from(bundle ?? '', 'base64').toString();
  if (text.trim() === '') return true;
  return (text.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? []).some((pem) => {
    try {
      return new X509Certificate(pem).subject !== undefined;
    } catch {
      return false; // what cannot be read is no certificate, which is what is asked here
    }
  });
}

export function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
}

/** The conditions with this one in place of the one of its type; the time is that of the last change of its status. */
export function withCondition(conditions: readonly Condition[], condition: NewCondition, at: string): readonly Condition[] {
  const present = conditions.find(({ type }) => type === condition.type);
  if (present && present.status === condition.status && present.reason === condition.reason && present.message === condition.message) return conditions;
  const next = { ...condition, lastTransitionTime: present && present.status === condition.status ? present.lastTransitionTime : at } as Condition;
  return present ? conditions.map((other) => (other === present ? next : other)) : [...conditions, next];
}

/** Each name is had where nobody else of the group has it; of several that are not to be had the last is told. */
function acceptedNames({ spec, status }: Definition, others: readonly Definition[]): { readonly names: Names; readonly condition: NewCondition } {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const other of others) {
    const had = other.spec.group === spec.group ? other.status?.acceptedNames : undefined;
    if (!had) continue;
    for (const name of [had.plural, had.singular, ...(had.shortNames ?? [])]) if (name) resources.add(name);
    for (const name of [had.kind, had.listKind]) if (name) kinds.add(name);
  }
  const wanted = spec.names;
  const had = status?.acceptedNames ?? { plural: '', kind: '' };
  let names: Names = { ...had, ...(wanted.categories && { categories: wanted.categories }) };
  if (!wanted.categories) delete (names as { categories?: unknown }).categories;
  let refusal: { readonly reason: string; readonly message: string } | undefined;
  const choose = (field: 'plural' | 'singular' | 'kind' | 'listKind', used: ReadonlySet<string>): void => {
    const name = wanted[field];
    if (name && name !== had[field] && used.has(name)) refusal = { reason: `${field[0]!.toUpperCase()}${field.slice(1)}Conflict`, message: inUse(name) };
    else if (name) names = { ...names, [field]: name };
  };
  choose('plural', resources);
  choose('singular', resources);
  const taken = (wanted.shortNames ?? []).filter((name) => !had.shortNames?.includes(name) && resources.has(name)).map(inUse);
  if (taken.length > 0) refusal = { reason: 'ShortNamesConflict', message: taken.length === 1 ? taken[0]! : `[${taken.join(', ')}]` };
  else if (wanted.shortNames) names = { ...names, shortNames: wanted.shortNames };
  else delete (names as { shortNames?: unknown }).shortNames;
  choose('kind', kinds);
  choose('listKind', kinds);
  const condition: NewCondition = refusal
    ? { type: 'NamesAccepted', status: 'False', ...refusal } : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' };
  return { names, condition };
}

const inUse = (name: string): string => `${JSON.stringify(name)} is already in use`;

const APPROVAL = 'api-approved.kubernetes.io';

/** Whether a definition of one of Kubernetes' own groups says who approved it. */
function approval(annotation: string): NewCondition {
  const type = 'KubernetesAPIApprovalPolicyConformant';
  const seen = 'see https://github.com/kubernetes/enhancements/pull/1111';
  if (!annotation) return { type, status: 'False', reason: 'MissingAnnotation', message: `protected groups must have approval annotation "${APPROVAL}", ${seen}` };
  if (annotation.startsWith('unapproved')) return { type, status: 'False', reason: 'UnapprovedAnnotation', message: `not approved: ${JSON.stringify(annotation)}` };
  if (URL.canParse(annotation) && new URL(annotation).host) return { type, status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${annotation}` };
  return { type, status: 'False', reason: 'InvalidAnnotation', message: `protected groups must have approval annotation "${APPROVAL}" with either a URL or a reason starting with "unapproved", ${seen}` };
}
