/** Upstream: kube-aggregator pkg/registry/apiservice, pkg/apis/apiregistration/validation. */
import type { KindDefinition } from '../kind.ts';
import type { APIService } from '../generated/apiregistration-v1.ts';
import { apiServices } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { isDns1035Label, isPathSegmentName, isPortNumber } from '../names.ts';
import { dnsSubdomain, formatErrors, oneOfIfAny, type FieldErrors } from '../validation/fields.ts';
import { fill, mapMember } from './fill.ts';
import { ageColumn, nameColumn, text } from './table-columns.ts';

export const apiService: KindDefinition<APIService> = {
  resource: apiServices,
  defaults: (object) => mapMember(object, 'spec', (spec) => mapMember(spec, 'service', (service) => fill(service, { port: 443 }))),
  validate: (object) => [...serviceErrors(object)],
  validateStatusUpdate: (next) => (next.status?.conditions ?? []).flatMap(({ status }, i) => [...oneOfIfAny(`status.conditions[${i}].status`, status, ['True', 'False', 'Unknown'])]),
  generation: false,
  nameRule: 'path',
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    text('Service', 'The service that answers for the group version.', ({ spec }) => (spec.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local')),
    text('Available', 'Whether it answers.', ({ status }) => {
      const available = status?.conditions?.find((condition) => condition.type === 'Available');
      if (!available) return 'Unknown';
      return available.status === 'True' ? 'True' : `${available.status} (${available.reason ?? ''})`;
    }),
    ageColumn,
  ],
};

function* serviceErrors({ metadata, spec }: APIService): FieldErrors {
  const { group = '', version = '', service, caBundle, insecureSkipTLSVerify, groupPriorityMinimum = 0, versionPriority = 0 } = spec;
  const required = `${version}.${group}`;
  const faults = isPathSegmentName(metadata.name);
  yield* formatErrors('metadata.name', metadata.name, faults.length === 0 && metadata.name !== required ? [`must be \`spec.version+"."+spec.group\`: ${JSON.stringify(required)}`] : faults);
  if (!group && version !== 'v1') yield fieldError.required('spec.group', 'only v1 may have an empty group and it better be legacy kube');
  if (group) yield* dnsSubdomain('spec.group', group);
  yield* formatErrors('spec.version', version, isDns1035Label(version));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > 20000) yield fieldError.invalid('spec.groupPriorityMinimum', groupPriorityMinimum, 'must be positive and less than 20000');
  if (versionPriority <= 0 || versionPriority > 1000) yield fieldError.invalid('spec.versionPriority', versionPriority, 'must be positive and less than 1000');
  if (!service) {
    if (caBundle) yield fieldError.invalid('spec.caBundle', `${Buffer.from(caBundle, 'base64').length} bytes`, 'local APIServices may not have a caBundle');
    if (insecureSkipTLSVerify) yield fieldError.invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify');
    return;
  }
  for (const field of ['namespace', 'name'] as const) if (!service[field]) yield fieldError.required(`spec.service.${field}`);
  const port = isPortNumber(service.port ?? 0);
  if (port.length) yield fieldError.invalid('spec.service.port', service.port ?? 0, `port is not valid: ${port.join(', ')}`);
  if (insecureSkipTLSVerify && caBundle) yield fieldError.invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present');
}
