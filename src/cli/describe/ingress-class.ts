import type { IngressClass } from '../../api/generated/networking-v1.ts';
import type { DescribeContext } from './describe-context.ts';

/** Upstream: describe.go, describeIngressClassV1. */
export function describeIngressClass({ metadata, spec }: IngressClass, { out }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.field(0, 'Controller', spec?.controller ?? '');
  if (!spec?.parameters) return;
  out.line(0, 'Parameters:');
  out.present(1, 'APIGroup', spec.parameters.apiGroup);
  out.field(1, 'Kind', spec.parameters.kind);
  out.field(1, 'Name', spec.parameters.name);
}
