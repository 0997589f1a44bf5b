import type { ConfigMap } from '../../api/generated/core-v1.ts';
import type { DescribeContext } from './describe-context.ts';

/** Upstream: describe.go, ConfigMapDescriber. */
export function describeConfigMap({ metadata, data = {}, binaryData = {} }: ConfigMap, { out }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.line(0, '\nData\n====');
  for (const key of Object.keys(data).toSorted()) out.line(0, `${key}:\n----\n${data[key]}\n`);
  out.line(0, '\nBinaryData\n====');
  for (const key of Object.keys(binaryData).toSorted()) out.line(0, `${key}: ${Buffer.byteLength(binaryData[key]!, 'base64')} bytes`);
  out.line(0, '');
}
