import { fieldError, invalid, type FieldError } from '../../api/errors.ts';
import type { CustomResourceDefinition } from '../../api/generated/apiextensions-v1.ts';
import { customResourceDefinitions } from '../../api/generated/resources.ts';
import { partPath } from '../../api/validation/custom/version.ts';
import type { AdmissionPlugin } from '../admission/admission.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { isTrue, isValidAuthority } from './definition-conditions.ts';
import type { JsonSchema } from './json-schema.ts';
import { ruleDefinitionErrors } from './rule-definition-errors.ts';
import type { RuleMetrics } from './rule-metrics.ts';
import { defaultErrors } from './schema-defaults.ts';
import { hasRules } from './validation-rules.ts';

/**
 * Refuses definitions whose rules do not compile or could cost too much, or whose defaults break their own schema.
 * Upstream does it in apiextensions validation; here it stays with the code that applies rules and defaults.
 */
export const customRuleValidation = (metrics: RuleMetrics): AdmissionPlugin => ({
  name: 'CustomRuleValidation',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  validate({ resource, subresource, object, oldObject, name }) {
    if (resource.group !== customResourceDefinitions.group || resource.resource !== customResourceDefinitions.resource || subresource || !object) return;
    const { spec } = object as CustomResourceDefinition;
    const previous = (oldObject as CustomResourceDefinition | undefined)?.spec.versions ?? [];
    // A schema that was accepted once stays so, and versions with one schema in common have its faults in common too.
    const changed = spec.versions.map((version, i) => [version, i] as const)
      .filter(([{ name: versionName, schema }]) => !previous.some((before) => before.name === versionName && deepEqual(before.schema, schema)));
    const schemas = new Map(changed.map(([version, i]) => [`${partPath(spec, i, 'schema')}.openAPIV3Schema`, (version.schema?.openAPIV3Schema ?? {}) as JsonSchema]));
    const errors = [...authorityErrors(object as CustomResourceDefinition, oldObject as CustomResourceDefinition | undefined), ...[...schemas].flatMap(([path, schema]) => [...(hasRules(schema) ? metrics.compiling(() => ruleDefinitionErrors(schema, path)) : []), ...defaultErrors(schema, path)])];
    if (errors.length > 0) throw invalid(resource, name, errors);
  },
});

/** What is served by a webhook goes on to be: a definition that is established, and has a good authority or none, gets no bad one. */
function authorityErrors({ spec: { conversion } }: CustomResourceDefinition, old: CustomResourceDefinition | undefined): readonly FieldError[] {
  const { caBundle } = conversion?.webhook?.clientConfig ?? {};
  if (!caBundle || !old || !isTrue(old.status?.conditions, 'Established') || isValidAuthority(caBundle) || !isValidAuthority(old.spec.conversion?.webhook?.clientConfig?.caBundle)) return [];
  return [fieldError.invalid('spec.conversion.webhookClientConfig.caBundle', caBundle, 'unable to load root certificates: unable to parse bytes as PEM block')];
}
