/** Upstream: apiextensions-apiserver pkg/apis/apiextensions/validation. */
import { fieldError } from '../../errors.ts';
import type { CustomResourceConversion, CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionSpec } from '../../generated/apiextensions-v1.ts';
import { isDns1035Label, isDns1123Subdomain } from '../../names.ts';
import { immutable, oneOf, type FieldErrors } from '../fields.ts';
import { clientConfigErrors } from '../webhook.ts';
import { sharedErrors, versionErrors } from './version.ts';

export function* customResourceDefinitionErrors({ metadata, spec }: CustomResourceDefinition): FieldErrors {
  if (metadata.name !== `${spec.names?.plural ?? ''}.${spec.group}`) yield fieldError.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group');
  yield* groupErrors('spec.group', spec.group ?? '');
  yield* oneOf('spec.scope', spec.scope, ['Cluster', 'Namespaced']);
  if (spec.preserveUnknownFields) yield fieldError.invalid('spec.preserveUnknownFields', true, 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead');
  yield* versionsErrors('spec.versions', spec);
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) if (!spec.names?.[field]) yield fieldError.required(`spec.names.${field}`);
  if (spec.names) yield* namesErrors('spec.names', spec.names);
  yield* sharedErrors(spec);
  if (spec.conversion) yield* conversionErrors('spec.conversion', spec.conversion);
  yield* approvalErrors(metadata.annotations ?? {}, spec);
}

function* groupErrors(path: string, group: string): FieldErrors {
  const faults = isDns1123Subdomain(group);
  if (!group) yield fieldError.required(path);
  else if (faults.length) yield fieldError.invalid(path, group, faults.join(','));
  else if (!group.includes('.')) yield fieldError.invalid(path, group, 'should be a domain with at least one dot');
}

function* versionsErrors(path: string, spec: CustomResourceDefinitionSpec): FieldErrors {
  const { versions = [] } = spec;
  for (const [i, version] of versions.entries()) if (!version.schema?.openAPIV3Schema) yield fieldError.required(`${path}[${i}].schema.openAPIV3Schema`);
  for (const [i, { name }] of versions.entries()) {
    const faults = isDns1035Label(name ?? '');
    if (faults.length) yield fieldError.invalid(`${path}[${i}].name`, name, faults.join(','));
    yield* versionErrors(spec, i);
  }
  // The one version of the oldest form is the first of the list.
  const first = !versions[0]?.name ? [] : isDns1035Label(versions[0].name);
  if (first.length) yield fieldError.invalid('spec.version', versions[0]!.name, first.join(','));
  if (new Set(versions.map((version) => version.name)).size !== versions.length) yield fieldError.invalid(path, versions, 'must contain unique version names');
  if (versions.filter((version) => version.storage).length !== 1) yield fieldError.invalid(path, versions, 'must have exactly one version marked as storage version');
}

function* namesErrors(path: string, names: CustomResourceDefinitionNames): FieldErrors {
  for (const field of ['plural', 'singular'] as const) {
    const faults = names[field] ? isDns1035Label(names[field]) : [];
    if (faults.length) yield fieldError.invalid(`${path}.${field}`, names[field], faults.join(','));
  }
  for (const field of ['kind', 'listKind'] as const) {
    const faults = names[field] ? isDns1035Label(names[field].toLowerCase()) : [];
    if (faults.length) yield fieldError.invalid(`${path}.${field}`, names[field], `may have mixed case, but should otherwise match: ${faults.join(',')}`);
  }
  for (const field of ['shortNames', 'categories'] as const) {
    for (const [i, name] of (names[field] ?? []).entries()) {
      const faults = isDns1035Label(name);
      if (faults.length) yield fieldError.invalid(`${path}.${field}[${i}]`, name, faults.join(','));
    }
  }
  if (names.kind && names.kind === names.listKind) yield fieldError.invalid(`${path}.listKind`, names.listKind, 'kind and listKind may not be the same');
}

function* conversionErrors(path: string, { strategy, webhook }: CustomResourceConversion): FieldErrors {
  yield* oneOf(`${path}.strategy`, strategy, ['None', 'Webhook']);
  if (strategy !== 'Webhook') {
    if (webhook) yield fieldError.forbidden(`${path}.webhook`, 'should not be set when strategy is not set to Webhook');
    return;
  }
  if (!webhook?.clientConfig) yield fieldError.required(`${path}.webhookClientConfig`, 'required when strategy is set to Webhook');
  else yield* clientConfigErrors(`${path}.webhookClientConfig`, webhook.clientConfig);
  const versions = webhook?.conversionReviewVersions ?? [];
  if (versions.length === 0) yield fieldError.required(`${path}.conversionReviewVersions`);
  else if (!versions.some((version) => version === 'v1' || version === 'v1beta1')) {
    yield fieldError.invalid(`${path}.conversionReviewVersions`, versions, 'must include at least one of v1, v1beta1');
  }
}

const approvalAnnotation = 'api-approved.kubernetes.io';

/** Groups of Kubernetes' own domains need a word that they were approved. */
function* approvalErrors(annotations: Readonly<Record<string, string>>, { group = '' }: CustomResourceDefinitionSpec): FieldErrors {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group)) return;
  const approval = annotations[approvalAnnotation];
  const path = `metadata.annotations[${approvalAnnotation}]`;
  if (!approval) yield fieldError.required(path, 'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111');
  else if (!approval.startsWith('unapproved') && !URL.canParse(approval)) {
    yield fieldError.invalid(path, approval, 'protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111');
  }
}

export function* customResourceDefinitionUpdateErrors(next: CustomResourceDefinition, previous: CustomResourceDefinition): FieldErrors {
  const established = previous.status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True');
  if (established) {
    yield* immutable('spec.scope', next.spec.scope, previous.spec.scope);
    yield* immutable('spec.names.kind', next.spec.names?.kind, previous.spec.names?.kind);
  }
  yield* immutable('spec.group', next.spec.group, previous.spec.group);
  yield* immutable('spec.names.plural', next.spec.names?.plural, previous.spec.names?.plural);
  for (const [i, stored] of (next.status?.storedVersions ?? []).entries()) {
    if (!next.spec.versions?.some((version) => version.name === stored)) {
      yield fieldError.invalid(`status.storedVersions[${i}]`, stored, 'missing from spec.versions; '
        + `${stored} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${stored} and removes ${stored} from status.storedVersions`);
    }
  }
}
