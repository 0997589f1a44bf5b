import type { PodTemplateSpec } from '../../api/generated/core-v1.ts';
import { describeContainers } from './containers.ts';
import { describeSpread, describeTolerations } from './scheduling.ts';
import { describeVolumes } from './volume.ts';
import type { DescribeWriter } from './writer.ts';

/** Upstream: describe.go, DescribePodTemplate. */
export function describePodTemplate(out: DescribeWriter, template: PodTemplateSpec | undefined): void {
  out.line(0, 'Pod Template:');
  if (!template) return out.line(1, '<unset>');
  const { metadata, spec } = template;
  out.map(1, 'Labels', metadata?.labels);
  if (metadata?.annotations && Object.keys(metadata.annotations).length > 0) out.annotations(1, 'Annotations', metadata.annotations);
  out.present(1, 'Service Account', spec?.serviceAccountName);
  if (spec?.initContainers?.length) describeContainers(out, 'Init Containers', spec.initContainers, { template: true });
  describeContainers(out, 'Containers', spec?.containers ?? [], { template: true });
  describeVolumes(out, spec?.volumes ?? [], true);
  describeSpread(out, 1, spec?.topologySpreadConstraints);
  out.present(1, 'Priority Class Name', spec?.priorityClassName);
  out.map(1, 'Node-Selectors', spec?.nodeSelector);
  describeTolerations(out, 1, spec?.tolerations);
}
