import type { Pod } from '../../api/generated/core-v1.ts';
import type { PodSandboxConfig, UserNamespace } from '../../cri/runtime.ts';
import { label } from '../pod/observation.ts';
import { podContainers } from '../pod/pod-containers.ts';
import { podDns, podHostname, type DnsSettings } from './dns.ts';
import { podCgroupPath, podCgroupResources } from './resources.ts';
import { sandboxSecurityContext } from './security-context.ts';

export interface SandboxSettings {
  readonly dns: DnsSettings;
  readonly podLogsDir: string;
  /** undefined: pods have no cgroups of their own. */
  readonly cgroupRoot: string | undefined;
}

/** `/var/log/pods/NAMESPACE_NAME_UID` */
export function podLogDirectory(podLogsDir: string, pod: Pod): string {
  return `${podLogsDir}/${pod.metadata.namespace}_${pod.metadata.name}_${pod.metadata.uid}`;
}

/** Upstream: kuberuntime generatePodSandboxConfig. */
export function sandboxConfig(pod: Pod, attempt: number, settings: SandboxSettings, userNamespace?: UserNamespace): PodSandboxConfig {
  const { name, namespace, uid, labels, annotations } = pod.metadata;
  const { hostname, domain } = podHostname(pod, settings.dns.clusterDomain);
  const ports = podContainers(pod).flatMap(({ container }) => container.ports ?? []).filter((port) => port.hostPort);
  const sysctls = Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map((sysctl) => [sysctl.name, sysctl.value]));
  return {
    metadata: { name, namespace, uid, attempt },
    // A sandbox on the host network keeps the host's name; the runtime refuses another.
    ...(!pod.spec.hostNetwork && { hostname: pod.spec.setHostnameAsFQDN && domain ? `${hostname}.${domain}` : hostname }),
    logDirectory: podLogDirectory(settings.podLogsDir, pod),
    dnsConfig: podDns(pod, settings.dns),
    ...(!pod.spec.hostNetwork && ports.length > 0 && {
      portMappings: ports.map((port) => ({
        protocol: (port.protocol ?? 'TCP') as 'TCP' | 'UDP' | 'SCTP', containerPort: port.containerPort, hostPort: port.hostPort!, ...(port.hostIP && { hostIp: port.hostIP }),
      })),
    }),
    labels: { ...labels, [label.podName]: name, [label.podNamespace]: namespace, [label.podUid]: uid },
    annotations: { 'kubernetes.io/config.source': 'api', ...annotations },
    linux: {
      ...(settings.cgroupRoot !== undefined && { cgroupParent: podCgroupPath(pod, settings.cgroupRoot), resources: podCgroupResources(pod) }),
      securityContext: sandboxSecurityContext(pod, userNamespace), sysctls,
    },
  };
}
