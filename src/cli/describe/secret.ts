import type { Secret } from '../../api/generated/core-v1.ts';
import type { DescribeContext } from './describe-context.ts';

/** Sizes only; the token of a service account is shown. Upstream: describe.go, describeSecret. */
export function describeSecret({ metadata, type = '', data = {} }: Secret, { out }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.line(0, `\nType:\t${type}`);
  out.line(0, '\nData\n====');
  for (const key of Object.keys(data).toSorted()) {
    const bytes = Buffer.from(data[key]!, 'base64');
    out.field(0, key, key === 'token' && type === 'kubernetes.io/service-account-token' ? bytes.toString() : `${bytes.length} bytes`);
  }
}
