import type { Pod, Service } from '../../api/generated/core-v1.ts';
import { KubectlError } from '../command/kubectl-error.ts';

export interface ForwardedPort {
  /** 0: any. */
  readonly local: number;
  readonly remote: number;
}

/** `8080`, `:80`, `8080:80`, `8080:http`; ports of a service become those of the pod behind it. Throws KubectlError. Upstream: kubectl pkg/cmd/portforward. */
export function forwardedPorts(specs: readonly string[], pod: Pod, service?: Service): ForwardedPort[] {
  return specs.map((spec) => {
    const parts = spec.split(':');
    if (parts.length > 2) throw new KubectlError(`invalid port format '${spec}'`);
    const [localText, remoteText] = parts.length === 1 ? [spec, spec] : [parts[0] || '0', parts[1]!];
    if (remoteText === '') throw new KubectlError('remote port cannot be empty');
    const remote = service ? servicePort(service, pod, remoteText) : portNumber(pod, remoteText);
    const local = parts.length === 1 && !/^\d+$/.test(localText) ? remote : parse('local', localText);
    if (remote === 0) throw new KubectlError('remote port must be > 0');
    return { local, remote };
  });
}

function parse(which: string, text: string): number {
  if (!/^\d+$/.test(text) || Number(text) > 65535) throw new KubectlError(`error parsing ${which} port '${text}': strconv.ParseUint: parsing "${text}": ${/^\d+$/.test(text) ? 'value out of range' : 'invalid syntax'}`);
  return Number(text);
}

function portNumber(pod: Pod, text: string): number {
  if (/^\d+$/.test(text)) return parse('remote', text);
  const found = pod.spec.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === text);
  if (!found) throw new KubectlError(`Pod '${pod.metadata.name}' does not have a named port '${text}'`);
  return found.containerPort;
}

function servicePort({ metadata, spec }: Service, pod: Pod, text: string): number {
  const port = spec.ports?.find(({ port: number, name }) => (/^\d+$/.test(text) ? number === Number(text) : name === text));
  if (!port) throw new KubectlError(/^\d+$/.test(text) ? `Service ${metadata.name} does not have a service port ${text}` : `Service '${metadata.name}' does not have a named port '${text}'`);
  if (port.protocol === 'UDP') throw new KubectlError(`UDP protocol is not supported for ${text}`);
  if (spec.clusterIP === 'None' || port.targetPort === undefined) return port.port;
  return typeof port.targetPort === 'number' ? port.targetPort || port.port : portNumber(pod, port.targetPort);
}
