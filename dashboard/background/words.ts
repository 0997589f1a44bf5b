import type { Step } from '../../src/dashboard/background/step.ts';
import { language, many, t } from '../language.ts';
import type { Beat } from './beats.ts';

export interface Words {
  readonly who: string;
  readonly did: string;
  readonly more: readonly string[];
}

/** What a beat tells. A single step in English is told as `wherry why` tells it. */
export function wordsOf({ steps }: Pick<Beat, 'steps'>): Words {
  const [first] = steps as [Step, ...Step[]];
  if (steps.length === 1 && language.value === 'en') return { who: first.who, did: first.did, more: first.more };
  return { who: whoOf(steps), did: didOf(steps) ?? (steps.length === 1 ? first.did : t('did {n} more of the like: {did}', { n: steps.length, did: first.did })), more: steps.length === 1 ? first.more : [] };
}

function whoOf(steps: readonly Step[]): string {
  const [first] = steps as [Step, ...Step[]];
  if (first.station === 'node' || first.station === 'registry' || first.station === 'container') {
    const nodes = new Set(steps.map(({ node }) => node));
    return nodes.size > 1 ? t('the kubelets of {n} nodes', { n: nodes.size }) : t('the kubelet of {node}', { node: first.node ?? '?' });
  }
  if (first.station === 'client' && language.value !== 'en') {
    const [, tool] = /, with (.+)$/.exec(first.who) ?? [];
    const name = first.you ? t('you') : first.who.replace(/, with .+$/, '');
    return tool ? t('{who}, with {tool}', { who: name, tool }) : name;
  }
  const [, controller] = /^the (.+) controller$/.exec(first.who) ?? [];
  const words = t(first.who);
  // A controller that has no name of its own here.
  return controller && words === first.who && language.value !== 'en' ? t('the controller {name}', { name: controller }) : words;
}

function didOf(steps: readonly Step[]): string | undefined {
  const n = steps.length;
  const [first] = steps as [Step, ...Step[]];
  const last = steps.at(-1)!;
  const { act, kind, name, changes, facts, failed } = first;
  const pods = new Set(steps.map(({ uid }) => uid)).size;
  const named = `${t(kind)} ${name}`;
  switch (act) {
    case 'schedule': return failed ? many(pods, 'found no node for a pod', 'found no node for {n} pods') : `${many(pods, 'chose a node for a pod', 'chose nodes for {n} pods')}: ${nodesOf(steps)}`;
    case 'pull':
      if (failed) return t('could not pull the image {image}', { image: String(facts['image']) });
      return facts['present'] ? t('found the image {image} already there', { image: String(facts['image']) }) : many(n, 'pulled the image {image}', 'pulled the image {image}, {n} times').replace('{image}', String(facts['image']));
    case 'sandbox': return many(pods, "made a pod's network and shell (its sandbox)", 'made the networks and shells (sandboxes) of {n} pods');
    case 'start': return failed ? t('could not start a container') : many(n, 'started a container', 'started {n} containers');
    case 'exit': return many(n, 'saw a container end', 'saw {n} containers end');
    case 'mark': return kind === 'Pod' ? many(pods, 'asked a pod to end', 'asked {n} pods to end') : t('asked it to end: {named}', { named });
    case 'delete': return kind === 'Pod' ? many(pods, 'removed a pod', 'removed {n} pods') : t('removed {named}', { named });
    case 'create':
      if (facts['container'] !== undefined) return failed ? t('could not make a container') : many(n, 'made a container', 'made {n} containers');
      return kind === 'Pod' ? many(pods, 'made a pod', 'made {n} pods') : n === 1 ? t('made {named}', { named }) : t('made {n} of the kind {kind}', { n, kind: t(kind) });
    case 'update': break;
  }
  if (kind === 'Pod') {
    if (changes['ready']?.[1] === true) return many(pods, 'says: a pod is running and ready', 'say: {n} pods are running and ready');
    if (changes['phase']?.[1] === 'Ended') return many(pods, 'says: a pod has ended', 'say: {n} pods have ended');
    if (changes['ready']) return many(pods, 'says: a pod is not ready any more', 'say: {n} pods are not ready any more');
    if (changes['address']) return many(pods, 'says: a pod has an address', 'say: {n} pods have addresses');
    if (changes['waiting']?.[1]) return t('says: a container waits ({reason})', { reason: String(changes['waiting'][1]) });
    return undefined;
  }
  const to = (what: string): number => Number(last.changes[what]?.[1] ?? 0);
  if (kind === 'EndpointSlice' && changes['ready']) return many(to('ready'), 'sends traffic to one pod', 'sends traffic to {n} pods');
  if (changes['replicas']) return t('changed the number of pods of {named} from {from} to {to}', { named, from: Number(changes['replicas'][0] ?? 0), to: to('replicas') });
  if (changes['images']) return t('changed the image of {named} to {image}', { named, image: String(changes['images'][1]) });
  if (changes['ready']) return `${many(to('ready'), 'counted one ready pod', 'counted {n} ready pods')} (${named})`;
  return undefined;
}

function nodesOf(steps: readonly Step[]): string {
  const counts = new Map<string, number>();
  for (const { node = '?' } of steps) counts.set(node, (counts.get(node) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, 6).map(([node, n]) => (steps.length === 1 ? node : `${node} ${n}`)).join(', ') + (counts.size > 6 ? ' …' : '');
}

/** Why this step is there at all, for who sees it for the first time. */
export function lessonOf({ steps: [step] }: Beat): string {
  const { station, act, kind, changes, failed } = step!;
  switch (station) {
    case 'client': return act === 'mark' || act === 'delete'
      ? t('A client only sends an HTTP request. The API server marks the object as ending; those who made things for it take them away.')
      : t('A client only sends an HTTP request, and the API server writes down what is wanted. Nothing runs yet. All that follows is done by others who watch what is written there.');
    case 'api': return t('The API server is the only one who writes to the storage. Everybody else meets there, and nobody talks to another directly.');
    case 'scheduler': return failed
      ? t('No node has what this pod asks for. It stays Pending, and is tried again as soon as something changes that may help.')
      : t('The scheduler looks for pods without a node, rules out the nodes where they do not fit and gives points to the others. It starts nothing: it writes the node’s name into the pod.');
    case 'registry': return failed
      ? t('The registry did not give the image: a wrong name, no such version, or no way there. The kubelet tries again, with longer and longer pauses (ImagePullBackOff).')
      : t('The image was not on this node yet, so that its container runtime fetched it from the registry. The next pod here finds it already there.');
    case 'node':
      if (act === 'sandbox') return t('The kubelet of that node sees a pod with the name of its node. First comes a network of its own with an address: the sandbox, which all containers of the pod share.');
      if (act === 'delete') return t('Nothing of the pod is left on the node: its entry is removed.');
      return changes['ready']?.[1] === true
        ? t('The kubelet reports what it sees. Ready means that the readiness probe passes (or that there is none): from now on services may send traffic here.')
        : t('The kubelet reports what it sees on its node. It never decides how many pods there should be.');
    case 'container':
      if (act === 'exit') return t('The process in the container has ended. What happens next is said by the restart policy of the pod.');
      return act === 'start' ? t('The container runtime starts the process: an ordinary process of Linux that sees only its own files, network and neighbours.') : t('The container runtime lays out the files of the image for one container.');
    case 'controller':
      if (kind === 'EndpointSlice') return t('The list of who answers for a service. Every node’s proxy follows it, so that traffic goes to pods that are ready, and to no others.');
      if (kind === 'Pod' && (act === 'mark' || act === 'delete')) return t('There are more pods than are wanted. Ending is asked for, not done: the kubelet sends the signal, waits, and reports.');
      if (kind === 'Pod') return t('It compares how many pods there are with how many are wanted, and writes down the missing ones. A pod is only an entry so far: nobody runs it.');
      if (act === 'update' && (changes['ready'] || changes['succeeded'] || changes['active'])) return t('Controllers hear of each report and count. This is what kubectl get shows as READY.');
      return kind === 'ReplicaSet'
        ? t('The deployment controller never starts anything. It writes a replica set: so many pods of exactly this template. Another template means another replica set, and a roll-out shifts pods from the old one to the new.')
        : t('A controller compares what is wanted with what is there, and writes the next thing that is missing.');
  }
}
