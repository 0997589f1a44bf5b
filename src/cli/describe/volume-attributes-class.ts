import { formatLabels } from '../../api/selector.ts';
import type { VolumeAttributesClass } from '../../api/generated/storage-v1.ts';
import type { DescribeContext } from './describe-context.ts';

/** Upstream: describe.go, describeVolumeAttributesClass. */
export function describeVolumeAttributesClass({ metadata, driverName, parameters }: VolumeAttributesClass, { out }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Annotations', formatLabels(metadata.annotations));
  out.field(0, 'DriverName', driverName);
  out.field(0, 'Parameters', formatLabels(parameters));
}
