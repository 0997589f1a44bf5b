import type { Pod, Service } from '../../api/generated/core-v1.ts';
import { isPodReady, isPodTerminal } from '../../api/pod/conditions.ts';
import { formatLabels, selectorOfMap } from '../../api/selector.ts';
import type { Diagnose, Finding, Situation } from '../finding.ts';
import { isSlip } from '../is-slip.ts';
import { namesOf } from '../names-of.ts';

/** Services that send their traffic nowhere, and why; load balancers without an address. */
export const service: Diagnose = (situation) => {
  const found = situation.service;
  if (!found) return [];
  return [...withoutEndpoints(found, situation), ...strangePorts(found, situation), ...pendingBalancer(found, situation)];
};

function withoutEndpoints(found: Service, situation: Situation): Finding[] {
  const { spec, metadata: { name } } = found;
  if (!spec || spec.type === 'ExternalName') return [];
  const ready = situation.slices.some(({ endpoints }) => (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false));
  if (ready) return [];
  if (Object.keys(spec.selector ?? {}).length === 0) {
    return [{ waitsFor: `endpoints for the service ${name}`, because: ['It has no selector, so that nobody looks for pods for it.'], help: ['Give it a selector, or make an EndpointSlice by hand with the label kubernetes.io/service-name.'] }];
  }
  const wanted = formatLabels(spec.selector);
  const matching = situation.neighbours.filter((pod) => selectorOfMap(spec.selector).matches(pod.metadata.labels) && !isPodTerminal(pod));
  if (matching.length === 0) {
    const near = nearest(spec.selector!, situation.neighbours);
    return [{
      waitsFor: `a pod with the labels ${wanted}, for the service ${name}`,
      because: [
        'No pod of the namespace has these labels, so the service sends its traffic nowhere.',
        ...(near ? [`The nearest is the pod ${near.metadata.name}, with ${formatLabels(near.metadata.labels)}.`] : situation.neighbours.length === 0 ? ['There are no pods in the namespace.'] : []),
      ],
      help: near ? [`Make the two agree: change the selector of the service (kubectl set selector service ${name} …) or the labels of the pods' template.`] : ['Make the pods: kubectl create deployment …'],
    }];
  }
  const waiting = matching.filter((pod) => !isPodReady(pod));
  if (waiting.length > 0) {
    return [{ waitsFor: `a ready pod behind the service ${name}`, because: [`${waiting.length} of the ${matching.length} pods with its labels ${waiting.length === 1 ? 'is' : 'are'} not ready: ${namesOf(waiting, 'pod')}. Only ready pods get traffic.`], help: [`See why: wherry why pod/${waiting[0]!.metadata.name}`] }];
  }
  return [{ waitsFor: `the endpoint controller to take up the pods of the service ${name}`, because: ['Its pods are ready, but are not in its endpoints yet.'], help: ['This takes a moment only.'] }];
}

/**
 * Ports of a service that its pods name nowhere. A port by name leads nowhere then, though the pods count as endpoints; a port by number may all the same be listened at, for naming
 * it is not asked for: that is told only where the pods name other ports.
 */
function strangePorts({ spec, metadata: { name } }: Service, { neighbours }: Situation): Finding[] {
  if (!spec || Object.keys(spec.selector ?? {}).length === 0) return [];
  const pods = neighbours.filter((pod) => selectorOfMap(spec.selector).matches(pod.metadata.labels) && isPodReady(pod));
  if (pods.length === 0) return [];
  const known = pods.flatMap((pod) => [...(pod.spec.initContainers ?? []), ...pod.spec.containers].flatMap(({ ports = [] }) => ports));
  const said = [...new Set(known.map((port) => `${port.containerPort}${port.name ? ` (${port.name})` : ''}`))].join(', ');
  const correct = (i: number, port: number | string): string => `Correct it: kubectl patch service ${name} --type=json -p '[{"op":"replace","path":"/spec/ports/${i}/targetPort","value":${JSON.stringify(port)}}]'`;
  const likely = known[0] && (known[0].name ?? known[0].containerPort);
  return (spec.ports ?? []).flatMap(({ port, targetPort = port }, i): Finding[] => {
    if (known.some((other) => other.name === targetPort || other.containerPort === targetPort)) return [];
    if (typeof targetPort === 'string') {
      return [{
        waitsFor: `a port named ${targetPort} on the pods behind the service ${name}`,
        because: ['The service sends to a port by name, and no container of its pods has a port of that name.', said ? `They name: ${said}.` : 'They name no ports at all.'],
        help: [correct(i, likely ?? 8080), 'Or name the port in the pods\' template (containers[].ports).'],
      }];
    }
    if (known.length === 0) return [];
    return [{
      waitsFor: `a program at port ${targetPort} of the pods behind the service ${name}, if there is none`,
      because: [`The service takes requests at port ${port} and sends them to port ${targetPort} of its pods, and their containers name other ports: ${said}.`, 'A port may be used without being named: if the service answers, all is well.'],
      help: [correct(i, known[0]!.containerPort)],
    }];
  });
}

/** The pod that shares most with the selector: the same labels, then such as differ by a slip, then the same keys, or the same values under other keys. */
function nearest(selector: Readonly<Record<string, string>>, pods: readonly Pod[]): Pod | undefined {
  let best: Pod | undefined;
  let points = 0;
  for (const pod of pods) {
    const labels = pod.metadata.labels ?? {};
    let mine = 0;
    for (const [key, value] of Object.entries(selector)) mine += labels[key] === value ? 8 : labels[key] !== undefined ? (isSlip(labels[key], value) ? 4 : 2) : Object.values(labels).includes(value) ? 1 : 0;
    if (mine <= points) continue;
    points = mine;
    best = pod;
  }
  return best;
}

function pendingBalancer({ spec, status, metadata: { name } }: Service, { wherry }: Situation): Finding[] {
  if (spec?.type !== 'LoadBalancer' || (status?.loadBalancer?.ingress?.length ?? 0) > 0) return [];
  const nodePort = spec.ports?.find((port) => port.nodePort)?.nodePort;
  return [{
    waitsFor: `an external address for the service ${name} (EXTERNAL-IP is <pending>)`,
    because: ['Such an address is the infrastructure\'s to give: in a cloud it comes by itself, on a machine of one\'s own something has to stand in.', ...(spec.loadBalancerClass ? [`The service asks for a load balancer of the class ${spec.loadBalancerClass}, and no other gives it one.`] : [])],
    help: [
      ...(wherry ? ['For as long as it runs: wherry tunnel', 'For good: wherry addons enable load-balancer'] : ['Install a load balancer, such as MetalLB.']),
      ...(nodePort ? [`Without it: port ${nodePort} of every node answers already.`] : []),
    ],
  }];
}
