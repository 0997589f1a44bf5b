import type { Pod, ResourceFieldSelector } from '../../api/generated/core-v1.ts';
import { milliValue, quantityValue } from '../../api/quantity.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import { findContainer } from '../pod/pod-containers.ts';

/** What the downward API needs besides the pod. */
export interface FieldContext {
  readonly pod: Pod;
  readonly podIps: readonly string[];
  readonly hostIp: string;
  /** Stand in for limits that are not set. */
  readonly allocatable: { readonly milliCpu: number; readonly memoryBytes: number; readonly storageBytes: number };
}

const escapeValue = (value: string): string => JSON.stringify(value);
const formatMap = (map: Readonly<Record<string, string>> = {}): string =>
  Object.keys(map).sort().map((key) => `${key}=${escapeValue(map[key]!)}`).join('\n');

/** The value of `fieldPath`; undefined when the field is unknown. Upstream: pkg/fieldpath, kubelet podFieldSelectorRuntimeValue. */
export function fieldValue(fieldPath: string, { pod, podIps, hostIp }: FieldContext): string | undefined {
  const { metadata, spec } = pod;
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (subscript) return metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2]!] ?? '';
  switch (fieldPath) {
    case 'metadata.name': return metadata.name;
    case 'metadata.namespace': return metadata.namespace;
    case 'metadata.uid': return metadata.uid;
    case 'metadata.labels': return formatMap(metadata.labels);
    case 'metadata.annotations': return formatMap(metadata.annotations);
    case 'spec.nodeName': return spec.nodeName ?? '';
    case 'spec.serviceAccountName': return spec.serviceAccountName ?? '';
    case 'spec.restartPolicy': return spec.restartPolicy ?? '';
    case 'spec.schedulerName': return spec.schedulerName ?? '';
    case 'spec.hostNetwork': return String(spec.hostNetwork ?? false);
    case 'status.phase': return pod.status?.phase ?? '';
    case 'status.hostIP': return hostIp;
    case 'status.hostIPs': return hostIp;
    case 'status.podIP': return podIps[0] ?? '';
    case 'status.podIPs': return podIps.join(',');
    default: return undefined;
  }
}

/** A request or limit in units of the divisor, rounded up. Upstream: pkg/api/v1/resource ExtractContainerResourceValue. */
export function resourceValue(selector: ResourceFieldSelector, own: AnyContainer, context: FieldContext): string {
  const container = selector.containerName ? findContainer(context.pod, selector.containerName)?.container : own;
  if (!container) throw new Error(`container ${selector.containerName} not found`);
  const [kind, ...rest] = selector.resource.split('.');
  const name = rest.join('.');
  const listed = kind === 'limits' ? container.resources?.limits?.[name] : container.resources?.requests?.[name];
  const divisor = !selector.divisor || selector.divisor === '0' ? '1' : selector.divisor;
  if (name === 'cpu') {
    const milli = listed === undefined && kind === 'limits' ? context.allocatable.milliCpu : milliValue(listed);
    return String(Math.ceil(milli / milliValue(divisor)));
  }
  const whole = listed === undefined && kind === 'limits'
    ? name === 'memory' ? context.allocatable.memoryBytes : name === 'ephemeral-storage' ? context.allocatable.storageBytes : 0
    : quantityValue(listed);
  return String(Math.ceil(whole / quantityValue(divisor)));
}
