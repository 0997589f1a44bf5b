import type { Container, ContainerState, ContainerStatus, Pod, Probe } from '../../api/generated/core-v1.ts';
import type { DescribeContext } from './describers.ts';
import { describeVolume } from './volume.ts';
import type { DescribeWriter } from './writer.ts';

const goTime = (time: string | undefined): string => (time ? new Date(time).toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+) ([\d:]+) GMT$/, '$1, $2 $3 $4 $5 +0000') : '<unknown>');

/** Upstream: kubectl pkg/describe/describe.go, describePod. */
export function describePod(pod: Pod, { out }: DescribeContext): void {
  const { metadata, spec, status } = pod;
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace);
  if (spec.priority !== undefined) out.field(0, 'Priority', String(spec.priority));
  if (spec.priorityClassName) out.field(0, 'Priority Class Name', spec.priorityClassName);
  if (spec.runtimeClassName) out.field(0, 'Runtime Class Name', spec.runtimeClassName);
  if (spec.serviceAccountName) out.field(0, 'Service Account', spec.serviceAccountName);
  out.field(0, 'Node', spec.nodeName ? `${spec.nodeName}/${status?.hostIP ?? ''}` : '<none>');
  if (status?.startTime) out.field(0, 'Start Time', goTime(status.startTime));
  out.map(0, 'Labels', metadata.labels);
  out.map(0, 'Annotations', metadata.annotations, ': ');
  if (metadata.deletionTimestamp) {
    out.field(0, 'Status', `Terminating (lasts ${Math.max(0, Math.round((Date.parse(metadata.deletionTimestamp) - Date.parse(metadata.deletionTimestamp)) / 1000))}s)`);
    out.field(0, 'Termination Grace Period', `${metadata.deletionGracePeriodSeconds ?? 0}s`);
  } else {
    out.field(0, 'Status', status?.phase ?? '');
  }
  if (status?.reason) out.field(0, 'Reason', status.reason);
  if (status?.message) out.field(0, 'Message', status.message);
  out.field(0, 'IP', status?.podIP ?? '');
  if (status?.podIPs?.length) {
    out.line(0, 'IPs:');
    for (const { ip } of status.podIPs) out.field(1, 'IP', ip ?? '');
  } else {
    out.field(0, 'IPs', '<none>');
  }
  const owner = metadata.ownerReferences?.find((ref) => ref.controller);
  if (owner) out.field(0, 'Controlled By', `${owner.kind}/${owner.name}`);
  if (status?.nominatedNodeName) out.field(0, 'NominatedNodeName', status.nominatedNodeName);
  if (spec.initContainers?.length) describeContainers(out, 'Init Containers', spec.initContainers, status?.initContainerStatuses ?? []);
  describeContainers(out, 'Containers', spec.containers, status?.containerStatuses ?? []);
  if (spec.ephemeralContainers?.length) describeContainers(out, 'Ephemeral Containers', spec.ephemeralContainers as readonly Container[], status?.ephemeralContainerStatuses ?? []);
  if (status?.conditions?.length) {
    out.line(0, 'Conditions:');
    out.line(1, 'Type\tStatus');
    for (const { type, status: value } of status.conditions) out.line(1, `${type} \t${value} `);
  }
  if (spec.volumes?.length) {
    out.line(0, 'Volumes:');
    for (const volume of spec.volumes) describeVolume(out, volume);
  } else {
    out.field(0, 'Volumes', '<none>');
  }
  if (status?.qosClass) out.field(0, 'QoS Class', status.qosClass);
  out.map(0, 'Node-Selectors', spec.nodeSelector);
  const tolerations = (spec.tolerations ?? []).map((t) => {
    const text = `${t.key ?? ''}${t.value ? `=${t.value}` : ''}${t.effect ? `:${t.effect}` : ''}${t.operator === 'Exists' ? (t.value === '' || !t.value ? (t.key || t.effect ? ' op=Exists' : 'op=Exists') : '') : ''}`;
    return `${text}${t.tolerationSeconds !== undefined ? ` for ${t.tolerationSeconds}s` : ''}`;
  }).toSorted();
  if (tolerations.length === 0) out.field(0, 'Tolerations', '<none>');
  tolerations.forEach((text, i) => out.line(0, `${i === 0 ? 'Tolerations:' : ''}\t${text}`));
}

function describeContainers(out: DescribeWriter, label: string, containers: readonly Container[], statuses: readonly ContainerStatus[]): void {
  out.line(0, `${label}:`);
  for (const container of containers) {
    const status = statuses.find(({ name }) => name === container.name);
    out.line(1, `${container.name}:`);
    if (status) out.field(2, 'Container ID', status.containerID ?? '');
    out.field(2, 'Image', container.image ?? '');
    if (status) out.field(2, 'Image ID', status.imageID);
    const ports = container.ports ?? [];
    out.field(2, ports.length > 1 ? 'Ports' : 'Port', ports.map((p) => `${p.containerPort}/${p.protocol}${p.name ? ` (${p.name})` : ''}`).join(', ') || '<none>');
    out.field(2, ports.length > 1 ? 'Host Ports' : 'Host Port', ports.map((p) => `${p.hostPort ?? 0}/${p.protocol}${p.name ? ` (${p.name})` : ''}`).join(', ') || '<none>');
    for (const [name, words] of [['Command', container.command], ['Args', container.args]] as const) {
      if (!words?.length) continue;
      out.line(2, `${name}:`);
      for (const word of words) for (const line of word.split('\n')) out.line(3, line);
    }
    if (status) describeState(out, status);
    for (const [name, amounts] of [['Limits', container.resources?.limits], ['Requests', container.resources?.requests]] as const) {
      if (!amounts || Object.keys(amounts).length === 0) continue;
      out.line(2, `${name}:`);
      for (const [resource, amount] of Object.entries(amounts).toSorted(([a], [b]) => (a < b ? -1 : 1))) out.field(3, resource, amount);
    }
    for (const [name, probe] of [['Liveness', container.livenessProbe], ['Readiness', container.readinessProbe], ['Startup', container.startupProbe]] as const) if (probe) out.field(2, name, probeText(probe));
    describeEnvironment(out, container);
    const mounts = container.volumeMounts ?? [];
    out.line(2, mounts.length > 0 ? 'Mounts:' : 'Mounts:\t<none>');
    for (const m of mounts.toSorted((a, b) => (a.mountPath < b.mountPath ? -1 : 1))) out.line(3, `${m.mountPath} from ${m.name} (${m.readOnly ? 'ro' : 'rw'}${m.subPath ? `,path="${m.subPath}"` : ''})`);
  }
}

function describeState(out: DescribeWriter, status: ContainerStatus): void {
  const show = (label: string, state: ContainerState | undefined): void => {
    if (state?.running) {
      out.field(2, label, 'Running');
      out.field(3, 'Started', goTime(state.running.startedAt));
    } else if (state?.terminated) {
      const { reason, message, exitCode, signal, startedAt, finishedAt } = state.terminated;
      out.field(2, label, 'Terminated');
      if (reason) out.field(3, 'Reason', reason);
      if (message) out.field(3, 'Message', message);
      out.field(3, 'Exit Code', String(exitCode));
      if (signal) out.field(3, 'Signal', String(signal));
      out.field(3, 'Started', goTime(startedAt));
      out.field(3, 'Finished', goTime(finishedAt));
    } else {
      out.field(2, label, 'Waiting');
      if (state?.waiting?.reason) out.field(3, 'Reason', state.waiting.reason);
    }
  };
  show('State', status.state);
  if (status.lastState?.terminated) show('Last State', status.lastState);
  out.field(2, 'Ready', status.ready ? 'True' : 'False');
  out.field(2, 'Restart Count', String(status.restartCount));
}

function probeText(probe: Probe): string {
  const tail = `delay=${probe.initialDelaySeconds ?? 0}s timeout=${probe.timeoutSeconds ?? 1}s period=${probe.periodSeconds ?? 10}s #success=${probe.successThreshold ?? 1} #failure=${probe.failureThreshold ?? 3}`;
  if (probe.exec) return `exec [${probe.exec.command?.join(' ') ?? ''}] ${tail}`;
  if (probe.httpGet) return `http-get ${(probe.httpGet.scheme ?? 'HTTP').toLowerCase()}://${probe.httpGet.host ?? ''}:${probe.httpGet.port}${probe.httpGet.path ?? ''} ${tail}`;
  if (probe.tcpSocket) return `tcp-socket ${probe.tcpSocket.host ?? ''}:${probe.tcpSocket.port} ${tail}`;
  return probe.grpc ? `grpc <pod>:${probe.grpc.port} ${probe.grpc.service ?? ''} ${tail}` : `unknown ${tail}`;
}

function describeEnvironment(out: DescribeWriter, container: Container): void {
  if (container.envFrom?.length) {
    out.line(2, 'Environment Variables from:');
    for (const source of container.envFrom) {
      const [name, kind, optional] = source.configMapRef ? [source.configMapRef.name, 'ConfigMap', source.configMapRef.optional] : [source.secretRef?.name, 'Secret', source.secretRef?.optional];
      out.line(3, `${name}\t${kind}${source.prefix ? ` with prefix '${source.prefix}'` : ''}\tOptional: ${optional === true}`);
    }
  }
  const env = container.env ?? [];
  out.line(2, env.length > 0 ? 'Environment:' : 'Environment:\t<none>');
  for (const { name, value, valueFrom } of env) {
    if (valueFrom?.fieldRef) out.line(3, `${name}:\t (${valueFrom.fieldRef.apiVersion ?? 'v1'}:${valueFrom.fieldRef.fieldPath})`);
    else if (valueFrom?.resourceFieldRef) out.line(3, `${name}:\t (${valueFrom.resourceFieldRef.resource})`);
    else if (valueFrom?.secretKeyRef) out.line(3, `${name}:\t<set to the key '${valueFrom.secretKeyRef.key}' in secret '${valueFrom.secretKeyRef.name}'>\tOptional: ${valueFrom.secretKeyRef.optional === true}`);
    else if (valueFrom?.configMapKeyRef) out.line(3, `${name}:\t<set to the key '${valueFrom.configMapKeyRef.key}' of config map '${valueFrom.configMapKeyRef.name}'>\tOptional: ${valueFrom.configMapKeyRef.optional === true}`);
    else (value ?? '').split('\n').forEach((line, i) => out.line(3, i === 0 ? `${name}:\t${line}` : `\t${line}`));
  }
}
