import type { Pod, Service } from '../../api/generated/core-v1.ts';
import { isPodReady, isPodTerminal } from '../../api/pod/conditions.ts';
import { formatLabels, selectorOfMap } from '../../api/selector.ts';
import type { Diagnose, Finding, Situation } from '../finding.ts';
import { namesOf } from '../names-of.ts';

/** Services that send their traffic nowhere, and why; load balancers without an address. */
export const service: Diagnose = (situation) => {
  const found = situation.service;
  if (!found) return [];
  return [...withoutEndpoints(found, situation), ...pendingBalancer(found, situation)];
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
  const named = (spec.ports ?? []).filter(({ targetPort }) => typeof targetPort === 'string' && !matching.some((pod) => pod.spec.containers.some(({ ports }) => ports?.some((port) => port.name === targetPort))));
  if (named.length > 0) return [{ waitsFor: `a port named ${named[0]!.targetPort} on the pods behind the service ${name}`, because: ['The service sends to a port by name, and no container of its pods has a port of that name.'], help: ['Correct targetPort of the service, or name the port in the pods\' template.'] }];
  return [{ waitsFor: `the endpoint controller to take up the pods of the service ${name}`, because: ['Its pods are ready, but are not in its endpoints yet.'], help: ['This takes a moment only.'] }];
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

/** Two letters swapped, or one too many, too few or wrong. */
function isSlip(a: string, b: string): boolean {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [restA, restB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  return (restA.length <= 1 && restB.length <= 1) || (restA.length === 2 && restA === [...restB].reverse().join(''));
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
