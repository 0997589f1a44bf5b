import { invalid } from '../../api/errors.ts';
import type { CustomResourceDefinition } from '../../api/generated/apiextensions-v1.ts';
import { customResourceDefinitions } from '../../api/generated/resources.ts';
import { partPath } from '../../api/validation/custom/version.ts';
import type { AdmissionPlugin } from '../admission/admission.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import type { JsonSchema } from './json-schema.ts';
import { defaultErrors } from './schema-defaults.ts';
import { ruleCompileErrors } from './validation-rules.ts';

/**
 * Refuses definitions whose rules do not compile or whose defaults break their own schema.
 * Upstream does it in apiextensions validation; here it stays with the code that applies rules and defaults.
 */
export const customRuleValidation: AdmissionPlugin = {
  name: 'CustomRuleValidation',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  validate({ resource, subresource, object, oldObject, name }) {
    if (resource.group !== customResourceDefinitions.group || resource.resource !== customResourceDefinitions.resource || subresource || !object) return;
    const { spec } = object as CustomResourceDefinition;
    if (oldObject && deepEqual(spec, (oldObject as CustomResourceDefinition).spec)) return;
    // Versions with one schema in common have its faults in common too.
    const schemas = new Map(spec.versions.map((version, i) => [`${partPath(spec, i, 'schema')}.openAPIV3Schema`, (version.schema?.openAPIV3Schema ?? {}) as JsonSchema]));
    const errors = [...schemas].flatMap(([path, schema]) => [...ruleCompileErrors(schema, path), ...defaultErrors(schema, path)]);
    if (errors.length > 0) throw invalid(resource, name, errors);
  },
};
