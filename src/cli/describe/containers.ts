import type { Container, ContainerState, ContainerStatus, Pod, Probe, ResourceFieldSelector, ResourceRequirements } from '../../api/generated/core-v1.ts';
import { milliValue, quantityValue } from '../../api/quantity.ts';
import { rfc1123 } from './times.ts';
import type { DescribeWriter } from './writer.ts';

interface ContainersOptions {
  readonly statuses?: readonly ContainerStatus[];
  /** The pod whose fields environment variables may show. */
  readonly pod?: Pod;
  /** In a template everything stands one level deeper, and names three blanks. */
  readonly template?: boolean;
}

/** Upstream: describe.go, describeContainers. */
export function describeContainers(out: DescribeWriter, label: string, containers: readonly Container[], { statuses = [], pod, template = false }: ContainersOptions = {}): void {
  out.line(template ? 1 : 0, `${label}:${containers.length === 0 ? ' <none>' : ''}`);
  for (const container of containers) {
    const status = statuses.find(({ name }) => name === container.name);
    out.line(1, `${template ? ' ' : ''}${container.name}:`);
    describeBasics(out, container, status);
    for (const [name, words] of [['Command', container.command], ['Args', container.args]] as const) {
      if (!words?.length) continue;
      out.line(2, `${name}:`);
      for (const word of words) for (const line of word.split('\n')) out.line(3, line);
    }
    if (status) describeState(out, status);
    describeResources(out, 2, container.resources);
    for (const [name, probe] of [['Liveness', container.livenessProbe], ['Readiness', container.readinessProbe], ['Startup', container.startupProbe]] as const) if (probe) out.field(2, name, probeText(probe));
    describeEnvironment(out, container, pod);
    describeMounts(out, container);
  }
}

function describeBasics(out: DescribeWriter, container: Container, status: ContainerStatus | undefined): void {
  if (status) out.field(2, 'Container ID', status.containerID ?? '');
  out.field(2, 'Image', container.image ?? '');
  if (status) out.field(2, 'Image ID', status.imageID ?? '');
  const ports = container.ports ?? [];
  out.optional(2, ports.length > 1 ? 'Ports' : 'Port', ports.map((p) => `${p.containerPort}/${p.protocol}${p.name ? ` (${p.name})` : ''}`).join(', '));
  out.optional(2, ports.length > 1 ? 'Host Ports' : 'Host Port', ports.map((p) => `${p.hostPort ?? 0}/${p.protocol}${p.name ? ` (${p.name})` : ''}`).join(', '));
  const seccomp = container.securityContext?.seccompProfile;
  if (seccomp) out.field(2, 'SeccompProfile', seccomp.type);
  if (seccomp?.type === 'Localhost') out.field(3, 'LocalhostProfile', seccomp.localhostProfile ?? '');
}

/** Limits and requests, each where there are any. */
export function describeResources(out: DescribeWriter, level: number, resources: ResourceRequirements | undefined): void {
  for (const [name, amounts] of [['Limits', resources?.limits], ['Requests', resources?.requests]] as const) {
    const entries = Object.entries(amounts ?? {});
    if (entries.length === 0) continue;
    out.line(level, `${name}:`);
    for (const [resource, amount] of entries.toSorted(([a], [b]) => (a < b ? -1 : 1))) out.field(level + 1, resource, amount);
  }
}

function describeState(out: DescribeWriter, status: ContainerStatus): void {
  const show = (label: string, state: ContainerState | undefined): void => {
    if (state?.running) {
      out.field(2, label, 'Running');
      out.field(3, 'Started', rfc1123(state.running.startedAt));
    } else if (state?.terminated) {
      const { reason, message, exitCode, signal, startedAt, finishedAt } = state.terminated;
      out.field(2, label, 'Terminated');
      out.present(3, 'Reason', reason);
      out.present(3, 'Message', message);
      out.field(3, 'Exit Code', exitCode);
      if (signal) out.field(3, 'Signal', signal);
      out.field(3, 'Started', rfc1123(startedAt));
      out.field(3, 'Finished', rfc1123(finishedAt));
    } else {
      out.field(2, label, 'Waiting');
      out.present(3, 'Reason', state?.waiting?.reason);
    }
  };
  show('State', status.state);
  if (status.lastState?.terminated) show('Last State', status.lastState);
  out.field(2, 'Ready', status.ready ? 'True' : 'False');
  out.field(2, 'Restart Count', status.restartCount);
}

function probeText(probe: Probe): string {
  const tail = `delay=${probe.initialDelaySeconds ?? 0}s timeout=${probe.timeoutSeconds ?? 0}s period=${probe.periodSeconds ?? 0}s #success=${probe.successThreshold ?? 0} #failure=${probe.failureThreshold ?? 0}`;
  if (probe.exec) return `exec [${probe.exec.command?.join(' ') ?? ''}] ${tail}`;
  if (probe.httpGet) {
    const { scheme = '', host = '', port, path = '' } = probe.httpGet;
    return `http-get ${scheme.toLowerCase()}://${host.includes(':') ? `[${host}]` : host}:${port}${path && !path.startsWith('/') ? '/' : ''}${encodeURI(path)} ${tail}`;
  }
  if (probe.tcpSocket) return `tcp-socket ${probe.tcpSocket.host ?? ''}:${probe.tcpSocket.port} ${tail}`;
  return probe.grpc ? `grpc <pod>:${probe.grpc.port} ${probe.grpc.service ?? ''} ${tail}` : `unknown ${tail}`;
}

function describeEnvironment(out: DescribeWriter, container: Container, pod: Pod | undefined): void {
  if (container.envFrom?.length) {
    out.line(2, 'Environment Variables from:');
    for (const { prefix, configMapRef, secretRef } of container.envFrom) {
      const source = configMapRef ?? secretRef;
      out.line(3, `${source?.name ?? ''}\t${configMapRef ? 'ConfigMap' : 'Secret'}${prefix ? ` with prefix '${prefix}'` : ''}\tOptional: ${source?.optional === true}`);
    }
  }
  const env = container.env ?? [];
  out.line(2, env.length > 0 ? 'Environment:' : 'Environment:\t<none>');
  for (const { name, value, valueFrom } of env) {
    if (valueFrom?.fieldRef) out.line(3, `${name}:\t${pod ? fieldOf(pod, valueFrom.fieldRef.fieldPath) : ''} (${valueFrom.fieldRef.apiVersion ?? 'v1'}:${valueFrom.fieldRef.fieldPath})`);
    else if (valueFrom?.resourceFieldRef) out.line(3, `${name}:\t${resourceOf(container, valueFrom.resourceFieldRef)} (${valueFrom.resourceFieldRef.resource})`);
    else if (valueFrom?.secretKeyRef) out.line(3, `${name}:\t<set to the key '${valueFrom.secretKeyRef.key}' in secret '${valueFrom.secretKeyRef.name}'>\tOptional: ${valueFrom.secretKeyRef.optional === true}`);
    else if (valueFrom?.configMapKeyRef) out.line(3, `${name}:\t<set to the key '${valueFrom.configMapKeyRef.key}' of config map '${valueFrom.configMapKeyRef.name}'>\tOptional: ${valueFrom.configMapKeyRef.optional === true}`);
    else (value ?? '').split('\n').forEach((line, i) => out.line(3, i === 0 ? `${name}:\t${line}` : `\t${line}`));
  }
}

/** What a downward field of the metadata holds; others only the kubelet knows. Upstream: fieldpath.ExtractFieldPathAsString. */
function fieldOf({ metadata }: Pod, path: string): string {
  const [, section, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
  if (section) return metadata[section as 'labels' | 'annotations']?.[key!] ?? '';
  if (path === 'metadata.labels' || path === 'metadata.annotations') return Object.entries(metadata[path.slice(9) as 'labels'] ?? {}).toSorted().map(([name, value]) => `${name}=${JSON.stringify(value)}`).join('\n');
  return { 'metadata.name': metadata.name, 'metadata.namespace': metadata.namespace, 'metadata.uid': metadata.uid }[path] ?? '';
}

/** In whole units of the divisor, rounded up: `500m` of CPU are 1. */
function resourceOf({ resources }: Container, { resource, divisor = '0' }: ResourceFieldSelector): string {
  const [list, name = ''] = resource.split(/\.(.*)/s, 2);
  const measure = name === 'cpu' ? milliValue : quantityValue;
  const amount = (list === 'limits' ? resources?.limits : resources?.requests)?.[name] ?? '0';
  return String(Math.ceil(measure(amount) / (measure(divisor) || measure('1'))));
}

function describeMounts(out: DescribeWriter, container: Container): void {
  const mounts = container.volumeMounts ?? [];
  out.line(2, mounts.length > 0 ? 'Mounts:' : 'Mounts:\t<none>');
  for (const { mountPath, name, readOnly, subPath } of mounts.toSorted((a, b) => (a.mountPath < b.mountPath ? -1 : 1))) {
    out.line(3, `${mountPath} from ${name} (${readOnly ? 'ro' : 'rw'}${subPath ? `,path=${JSON.stringify(subPath)}` : ''})`);
  }
  if (!container.volumeDevices?.length) return;
  out.line(2, `Devices:${mounts.length > 0 ? '' : '\t<none>'}`);
  for (const { devicePath, name } of container.volumeDevices.toSorted((a, b) => (a.devicePath < b.devicePath ? -1 : 1))) out.line(3, `${devicePath} from ${name}`);
}
