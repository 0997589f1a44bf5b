import type { Container, Pod } from '../../api/generated/core-v1.ts';
import { qosClass } from '../../api/pod/qos-class.ts';
import { describeContainers, describeResources } from './containers.ts';
import { controllerOf } from './controller-of.ts';
import type { DescribeContext } from './describe-context.ts';
import { describeSpread, describeTolerations } from './scheduling.ts';
import { rfc1123, since } from './times.ts';
import { describeVolumes } from './volume.ts';

/** Upstream: kubectl pkg/describe/describe.go, describePod. */
export function describePod(pod: Pod, { out, nowMs }: DescribeContext): void {
  const { metadata, spec, status } = pod;
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.present(0, 'Priority', spec.priority);
  out.present(0, 'Priority Class Name', spec.priorityClassName);
  out.present(0, 'Runtime Class Name', spec.runtimeClassName);
  out.present(0, 'Service Account', spec.serviceAccountName);
  out.field(0, 'Node', spec.nodeName ? `${spec.nodeName}/${status?.hostIP ?? ''}` : '<none>');
  if (status?.startTime) out.field(0, 'Start Time', rfc1123(status.startTime));
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  if (metadata.deletionTimestamp && status?.phase !== 'Failed' && status?.phase !== 'Succeeded') {
    out.field(0, 'Status', `Terminating (lasts ${since(metadata.deletionTimestamp, nowMs)})`);
    out.field(0, 'Termination Grace Period', `${metadata.deletionGracePeriodSeconds ?? 0}s`);
  } else {
    out.field(0, 'Status', status?.phase ?? '');
  }
  out.present(0, 'Reason', status?.reason);
  out.present(0, 'Message', status?.message);
  const seccomp = spec.securityContext?.seccompProfile;
  if (seccomp) out.field(0, 'SeccompProfile', seccomp.type);
  if (seccomp?.type === 'Localhost') out.field(0, 'LocalhostProfile', seccomp.localhostProfile ?? '');
  out.field(0, 'IP', status?.podIP ?? '');
  if (status?.podIPs?.length) {
    out.line(0, 'IPs:');
    for (const { ip } of status.podIPs) out.field(1, 'IP', ip ?? '');
  } else {
    out.field(0, 'IPs', '<none>');
  }
  out.present(0, 'Controlled By', controllerOf(pod));
  out.present(0, 'NominatedNodeName', status?.nominatedNodeName);
  if (spec.resources) {
    out.line(0, 'Resources:');
    describeResources(out, 1, spec.resources);
  }
  if (spec.initContainers?.length) describeContainers(out, 'Init Containers', spec.initContainers, { statuses: status?.initContainerStatuses ?? [], pod });
  describeContainers(out, 'Containers', spec.containers, { statuses: status?.containerStatuses ?? [], pod });
  if (spec.ephemeralContainers?.length) describeContainers(out, 'Ephemeral Containers', spec.ephemeralContainers as readonly Container[], { statuses: status?.ephemeralContainerStatuses ?? [], pod });
  if (spec.readinessGates?.length) {
    out.line(0, 'Readiness Gates:');
    out.line(1, 'Type\tStatus');
    for (const { conditionType } of spec.readinessGates) out.line(1, `${conditionType} \t${status?.conditions?.find(({ type }) => type === conditionType)?.status ?? '<none>'} `);
  }
  if (status?.conditions?.length) {
    out.line(0, 'Conditions:');
    out.line(1, 'Type\tStatus');
    for (const { type, status: value } of status.conditions) out.line(1, `${type} \t${value} `);
  }
  describeVolumes(out, spec.volumes ?? []);
  out.field(0, 'QoS Class', status?.qosClass || qosClass(pod));
  out.map(0, 'Node-Selectors', spec.nodeSelector);
  describeTolerations(out, 0, spec.tolerations);
  describeSpread(out, 0, spec.topologySpreadConstraints);
}
