/** Upstream: pkg/registry/networking/ingressclass/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { IngressClass } from '../generated/networking-v1.ts';
import { ingressClasses } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { isPathSegmentName } from '../names.ts';
import { domainPrefixedPath } from '../validation/domain-prefixed.ts';
import { dnsLabel, dnsSubdomain, formatErrors, immutable, type FieldErrors } from '../validation/fields.ts';
import { fillAbsent, mapMember } from './fill.ts';
import { withCountedSpec } from './counted-spec.ts';
import { ageColumn, nameColumn, text } from './table-columns.ts';

export const defaultClassAnnotation = 'ingressclass.kubernetes.io/is-default-class';

export const ingressClass: KindDefinition<IngressClass> = {
  resource: ingressClasses,
  defaults: (object) => mapMember(object, 'spec', (spec) => mapMember(spec, 'parameters', (parameters) => fillAbsent(parameters, { scope: 'Cluster' }))),
  ...withCountedSpec<IngressClass>(),
  validate: (object) => [...specErrors('spec', object.spec ?? {})],
  validateUpdate: (next, previous) => [...immutable('spec.controller', next.spec?.controller, previous.spec?.controller)],
  columns: [
    { ...nameColumn, value: ({ metadata }) => (metadata.annotations?.[defaultClassAnnotation] === 'true' ? `${metadata.name} (default)` : metadata.name) },
    text('Controller', 'The controller of the class.', (object) => object.spec?.controller ?? ''),
    text('Parameters', 'Where the class is described further.', ({ spec }) => {
      const { apiGroup, kind, name } = spec?.parameters ?? {};
      return kind === undefined ? '<none>' : `${kind}${apiGroup === undefined ? '' : `.${apiGroup}`}/${name ?? ''}`;
    }),
    ageColumn,
  ],
};

function* specErrors(path: string, { controller = '', parameters }: IngressClass['spec']): FieldErrors {
  if (controller.length > 250) yield fieldError.tooLong(`${path}.controller`, 250);
  yield* domainPrefixedPath(`${path}.controller`, controller);
  if (!parameters) return;
  const at = `${path}.parameters`;
  if (parameters.apiGroup !== undefined) yield* dnsSubdomain(`${at}.apiGroup`, parameters.apiGroup);
  for (const field of ['kind', 'name'] as const) {
    if (!parameters[field]) yield fieldError.required(`${at}.${field}`);
    else yield* formatErrors(`${at}.${field}`, parameters[field], isPathSegmentName(parameters[field]));
  }
  const { scope = '', namespace } = parameters;
  if (scope !== 'Cluster' && scope !== 'Namespace') yield fieldError.notSupported(`${at}.scope`, scope, ['Cluster', 'Namespace']);
  else if (scope === 'Cluster' && namespace !== undefined) yield fieldError.forbidden(`${at}.namespace`, "`parameters.scope` is set to 'Cluster'");
  else if (scope === 'Namespace' && namespace === undefined) yield fieldError.required(`${at}.namespace`, "`parameters.scope` is set to 'Namespace'");
  else if (namespace !== undefined) yield* dnsLabel(`${at}.namespace`, namespace);
}
