import type { Container, Probe } from '../../api/generated/core-v1.ts';
import { isPodReady } from '../../api/pod/conditions.ts';
import { eventsOf, type Diagnose } from '../finding.ts';
import { editCommand } from '../maker-of.ts';
import { namesOf } from '../names-of.ts';
import { groupAlike } from '../waiting-containers.ts';

/** Pods that run but are not ready: which probe says so, and what it got. */
export const notReady: Diagnose = (situation) => {
  const unready = situation.pods.filter((pod) => pod.status?.phase === 'Running' && !pod.metadata.deletionTimestamp && !isPodReady(pod)).flatMap((pod) => (pod.status?.containerStatuses ?? [])
    .filter((status) => status.state?.running && !status.ready)
    .map((status) => ({ pod, status, container: pod.spec.containers.find(({ name }) => name === status.name) as Container | undefined })));
  return groupAlike(unready, ({ status, container }) => `${status.name} ${JSON.stringify(container?.readinessProbe ?? container?.startupProbe)}`, (group) => {
    const { pod, status, container } = group[0];
    const starting = container?.startupProbe && status.started === false;
    const probe = starting ? container.startupProbe : container?.readinessProbe;
    const event = eventsOf(situation, pod.metadata.uid, 'Unhealthy').at(-1);
    const gates = (pod.spec.readinessGates ?? []).map(({ conditionType }) => conditionType);
    return {
      waitsFor: `the container ${status.name} to say that it is ${starting ? 'up' : 'ready'}, in ${namesOf(group.map((item) => item.pod), 'pod')}`,
      because: [
        ...(probe ? [`Every ${probe.periodSeconds ?? 10} s it is asked ${probeWords(probe)}; until it answers well it gets no traffic.`] : gates.length > 0 ? [`The pod's readiness gates are not all true: ${gates.join(', ')}.`] : []),
        ...(event?.message ? [`The last answer: ${event.message.replace(/ probe failed: *$/, ' probe failed, and it said nothing')}${(event.count ?? 1) > 1 ? ` (${event.count} times)` : ''}`] : []),
      ],
      help: probe ? ['Wait, if it is still starting up.', `See what it does: kubectl logs ${pod.metadata.name} -c ${status.name}`, `Check path, port and time-out of the probe against what the program really serves: ${editCommand(pod)}`] : [],
    };
  });
};

export function probeWords({ httpGet, tcpSocket, exec, grpc }: Probe): string {
  if (httpGet) return `by ${httpGet.scheme === 'HTTPS' ? 'HTTPS' : 'HTTP'} at port ${httpGet.port}, path ${httpGet.path ?? '/'}`;
  if (tcpSocket) return `by a connection to port ${tcpSocket.port}`;
  if (grpc) return `by gRPC at port ${grpc.port}`;
  return `by running "${(exec?.command ?? []).join(' ')}"`;
}
