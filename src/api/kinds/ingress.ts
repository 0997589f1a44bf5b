/** Upstream: pkg/registry/networking/ingress/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { Ingress } from '../generated/networking-v1.ts';
import { ingresses } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { ingressErrors, loadBalancerIngressErrors } from '../validation/ingress.ts';
import { ageColumn, nameColumn, text } from './table-columns.ts';

const classAnnotation = 'kubernetes.io/ingress.class';

export const ingress: KindDefinition<Ingress> = {
  resource: ingresses,
  prepareForCreate: (object) => ({ ...object, status: { loadBalancer: {} } }),
  validate: (object) => [...ingressErrors('spec', object.spec ?? {})],
  validateCreate({ metadata, spec }) {
    const named = metadata.annotations?.[classAnnotation];
    return named !== undefined && spec?.ingressClassName !== undefined && named !== spec.ingressClassName
      ? [fieldError.invalid(`annotations.${classAnnotation}`, named, 'must match `ingressClassName` when both are specified')]
      : [];
  },
  validateStatusUpdate: (next) => [...loadBalancerIngressErrors('status.loadBalancer.ingress', next.status?.loadBalancer?.ingress ?? [])],
  warnings: ({ metadata }, previous) =>
    metadata.annotations?.[classAnnotation] !== undefined && !previous ? [`annotation ${JSON.stringify(classAnnotation)} is deprecated, please use 'spec.ingressClassName' instead`] : [],
  columns: [
    nameColumn,
    text('Class', 'The class of the controller that serves it.', ({ spec }) => spec?.ingressClassName ?? '<none>'),
    text('Hosts', 'The hosts that it is for.', hostsText),
    text('Address', 'Where it takes requests.', ({ status }) =>
      [...new Set((status?.loadBalancer?.ingress ?? []).map((point) => point.ip || point.hostname || '').filter((point) => point !== ''))].sort().join(',')),
    text('Ports', 'The ports on which it takes requests.', ({ spec }) => (spec?.tls?.length ? '80, 443' : '80')),
    ageColumn,
  ],
};

function hostsText({ spec }: Ingress): string {
  const rules = spec?.rules ?? [];
  const hosts = rules.map((rule) => rule.host ?? '').filter((host) => host !== '');
  if (hosts.length === 0) return '*';
  return hosts.length > 3 ? `${hosts.slice(0, 3).join(',')} + ${rules.length - 3} more...` : hosts.join(',');
}
