import type { Service } from '../../api/generated/core-v1.ts';

const variableName = (name: string): string => name.toUpperCase().replaceAll('-', '_');

/**
 * The variables that tell a container of the services of its namespace, as Docker links did. `services`: those of the pod's namespace
 * (only where it asks for service links) and `default/kubernetes`. Upstream: kubelet/envvars.
 */
export function serviceEnvironment(services: readonly Service[]): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const service of services) {
    const { clusterIP, ports = [] } = service.spec ?? {};
    if (!clusterIP || clusterIP === 'None' || ports.length === 0) continue;
    const prefix = variableName(service.metadata.name);
    const [first] = ports;
    variables[`${prefix}_SERVICE_HOST`] = clusterIP;
    variables[`${prefix}_SERVICE_PORT`] = String(first!.port);
    for (const port of ports) if (port.name) variables[`${prefix}_SERVICE_PORT_${variableName(port.name)}`] = String(port.port);
    for (const [index, port] of ports.entries()) {
      const protocol = (port.protocol ?? 'TCP').toLowerCase();
      const address = clusterIP.includes(':') ? `[${clusterIP}]` : clusterIP;
      const url = `${protocol}://${address}:${port.port}`;
      const linkPrefix = `${prefix}_PORT_${port.port}_${protocol.toUpperCase()}`;
      if (index === 0) variables[`${prefix}_PORT`] = url;
      variables[linkPrefix] = url;
      variables[`${linkPrefix}_PROTO`] = protocol;
      variables[`${linkPrefix}_PORT`] = String(port.port);
      variables[`${linkPrefix}_ADDR`] = clusterIP;
    }
  }
  return variables;
}
