import type { ServiceAccount } from '../../api/generated/core-v1.ts';
import type { DescribeContext } from './describe-context.ts';

/** Upstream: describe.go, describeServiceAccount. */
export function describeServiceAccount({ metadata, imagePullSecrets = [] }: ServiceAccount, { out }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.lines(0, 'Image pull secrets', imagePullSecrets.map(({ name }) => name ?? ''));
}
