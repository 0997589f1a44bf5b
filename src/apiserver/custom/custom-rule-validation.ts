import { invalid } from '../../api/errors.ts';
import type { CustomResourceDefinition } from '../../api/generated/apiextensions-v1.ts';
import { customResourceDefinitions } from '../../api/generated/resources.ts';
import { partPath } from '../../api/validation/custom/version.ts';
import type { AdmissionPlugin } from '../admission/admission.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import type { JsonSchema } from './json-schema.ts';
import { ruleCompileErrors } from './validation-rules.ts';

/** Refuses definitions whose rules do not compile. Upstream does it in apiextensions validation; here it stays with the code that runs the rules. */
export const customRuleValidation: AdmissionPlugin = {
  name: 'CustomRuleValidation',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  validate({ resource, subresource, object, oldObject, name }) {
    if (resource.group !== customResourceDefinitions.group || resource.resource !== customResourceDefinitions.resource || subresource || !object) return;
    const { spec } = object as CustomResourceDefinition;
    if (oldObject && deepEqual(spec, (oldObject as CustomResourceDefinition).spec)) return;
    const errors = spec.versions.flatMap((version, i) => [...ruleCompileErrors((version.schema?.openAPIV3Schema ?? {}) as JsonSchema, `${partPath(spec, i, 'schema')}.openAPIV3Schema`)]);
    if (errors.length > 0) throw invalid(resource, name, errors);
  },
};
