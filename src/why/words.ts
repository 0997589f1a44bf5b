import type { Changes, Fact, LedgerEntry, WorkEntry, WriteEntry } from '../ledger/entry.ts';
import { plainFault } from './plain-fault.ts';

/** `you, with kubectl create, made the deployment kubia`. */
export function sentence({ who, did }: Told): string {
  return `${who}${who.includes(',') ? ',' : ''} ${did}`;
}

/** Who an entry is by and what it says, in words for readers who do not know Kubernetes. */
export interface Told {
  readonly who: string;
  readonly did: string;
  /** What is worth adding, a line each. */
  readonly more: readonly string[];
}

export interface Reader {
  /** The user that the reader is: told of as "you". */
  readonly name: string;
}

export function tell(entry: LedgerEntry, reader: Reader): Told {
  const who = actor(entry, reader);
  return entry.kind === 'work' ? { who, ...workWords(entry) } : { who, did: writeWords(entry), more: [] };
}

const WORDS_OF_KINDS: Readonly<Record<string, string>> = {
  ReplicaSet: 'replica set', DaemonSet: 'daemon set', StatefulSet: 'stateful set', CronJob: 'cron job', ConfigMap: 'config map', ServiceAccount: 'service account', EndpointSlice: 'endpoint list',
  Endpoints: 'endpoint list (old form)', PersistentVolume: 'volume', PersistentVolumeClaim: 'volume claim', HorizontalPodAutoscaler: 'autoscaler', ReplicationController: 'replication controller',
  ResourceQuota: 'quota', PodDisruptionBudget: 'disruption budget', ControllerRevision: 'revision', CustomResourceDefinition: 'definition of a resource', IPAddress: 'address record',
};

/** `replica set`, `network policy`. */
export function kindWords(kind: string): string {
  return WORDS_OF_KINDS[kind] ?? kind.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}

const CONTROLLERS: Readonly<Record<string, string>> = {
  'replicaset-controller': 'the replica set controller', 'daemonset-controller': 'the daemon set controller', 'statefulset-controller': 'the stateful set controller',
  'cronjob-controller': 'the cron job controller', 'endpoint-slice-controller': 'the endpoint controller', 'endpoint-controller': 'the endpoint controller (old form)',
  'garbage-collector-controller': 'the garbage collector', 'resourcequota-controller': 'the quota controller', 'persistentvolume-controller': 'the volume controller',
  'horizontal-pod-autoscaler': 'the autoscaler', 'local-path-provisioner': 'the volume maker', 'load-balancer': 'the load balancer', 'pod-garbage-collector-controller': 'the pod collector',
  'taint-eviction-controller': 'the eviction controller', 'default-scheduler': 'the scheduler', 'kube-scheduler': 'the scheduler', 'kube-controller-manager': 'a controller',
};

/** Which command of kubectl writes under which field manager, where it is not `kubectl-COMMAND`. */
const COMMANDS: Readonly<Record<string, string>> = { 'kubectl-client-side-apply': 'kubectl apply', 'kubectl-last-applied': 'kubectl apply' };

function actor(entry: LedgerEntry, reader: Reader): string {
  const { user, by } = entry;
  if (user.startsWith('system:node:')) return `the kubelet of ${user.slice('system:node:'.length)}`;
  if (user === 'system:apiserver') return 'the API server';
  if (CONTROLLERS[by]) return CONTROLLERS[by];
  if (user === 'system:kube-controller-manager') return `the ${by.replace(/-controller$/, '').replaceAll('-', ' ')} controller`;
  if (user.startsWith('system:serviceaccount:')) return `the program ${by || 'with no name'} (service account ${user.split(':').slice(2).join('/')})`;
  const name = user === reader.name ? 'you' : user;
  const tool = toolOf(by, entry);
  return tool ? `${name}, with ${tool}` : name;
}

function toolOf(by: string, entry: LedgerEntry): string {
  if (COMMANDS[by]) return COMMANDS[by];
  if (by.startsWith('kubectl-')) return `kubectl ${by.slice('kubectl-'.length)}`;
  if (by !== 'kubectl' || entry.kind !== 'write') return by;
  if (entry.verb === 'mark' || entry.verb === 'delete') return 'kubectl delete';
  return entry.subresource === 'scale' ? 'kubectl scale' : 'kubectl';
}

const count = (number: Fact | null, noun: string): string => `${number ?? 0} ${noun}${number === 1 ? '' : 's'}`;

export function milliseconds(ms: number): string {
  if (ms < 1) return 'under 1 ms';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60 ? `${minutes} min ${Math.round((ms % 60_000) / 1000)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function writeWords(entry: WriteEntry): string {
  const { verb, about, changes } = entry;
  const named = `the ${kindWords(about.kind)} ${about.name}`;
  switch (verb) {
    case 'create': return `made ${named}${madeWith(about.kind, changes)}`;
    case 'mark': return `asked ${named} to end`;
    case 'delete': return `removed ${named}`;
    case 'update': {
      if (changes['phase']?.[1] === 'Ended') return `says: ${named} has ended`;
      const said = Object.entries(changes).flatMap(([name, [from, to]]) => changeWords(about.kind, name, from, to) ?? []);
      if (said.length === 0) return `changed ${entry.subresource ? `the ${entry.subresource} of ` : ''}${named}`;
      if (!speaksOfIt(about.kind)) return `${said.join(', ')} (${named})`;
      return entry.user.startsWith('system:') ? `says: ${named} ${joined(said)}` : `changed ${named}: it ${joined(said)}`;
    }
  }
}

/** Kinds whose changes are told as "the pod is running", others as "counted 2 ready pods". */
const speaksOfIt = (kind: string): boolean => ['Pod', 'Node', 'Service', 'PersistentVolumeClaim', 'PersistentVolume'].includes(kind);

/** `is running and ready`, `has the address 10.244.1.2, is running`. */
function joined(said: readonly string[]): string {
  return said.map((text, i) => (i > 0 && text.startsWith('is ') && said[i - 1]!.startsWith('is ') ? ` and${text.slice(2)}` : `${i > 0 ? ', ' : ''}${text}`)).join('');
}

/** Whether a write changed something that there are words for. */
export function isWorthTelling(entry: WriteEntry): boolean {
  return entry.verb !== 'update' || entry.wanted || Object.entries(entry.changes).some(([name, [from, to]]) => name !== 'unschedulable' && changeWords(entry.about.kind, name, from, to) !== undefined);
}

function madeWith(kind: string, changes: Changes): string {
  const now = (name: string): Fact | null => changes[name]?.[1] ?? null;
  switch (kind) {
    case 'Deployment': case 'ReplicaSet': case 'StatefulSet': case 'ReplicationController': {
      const of = now('images') ? ` of ${now('images')}` : '';
      // Put together from what is there, it may not be known for how many.
      return now('replicas') === null ? of && `,${of}` : `, for ${count(now('replicas'), 'pod')}${of}`;
    }
    case 'Pod': case 'DaemonSet': return now('images') ? `, of ${now('images')}` : '';
    case 'Service': return now('address') && now('address') !== 'None' ? `, with the address ${now('address')}` : '';
    case 'EndpointSlice': case 'Endpoints': return `, with ${count(now('ready'), 'ready address').replace('addresss', 'addresses')}`;
    default: return '';
  }
}

/** `phase` from Pending to Running: "is running". Undefined: not worth words. */
function changeWords(kind: string, name: string, from: Fact | null, to: Fact | null): string | undefined {
  switch (`${kind} ${name}`) {
    case 'Pod phase': return { Running: 'is running', Succeeded: 'has done its work', Failed: 'has failed', Pending: 'waits' }[String(to)] ?? `is ${String(to)}`;
    case 'Pod ready': return to ? 'is ready' : 'is not ready any more';
    case 'Pod address': return to === null ? 'has no address any more' : `has the address ${to}`;
    case 'Pod waiting': return to === null ? undefined : waitingWords(String(to));
    case 'Pod restarts': return `has been restarted ${to === 1 ? 'once' : `${to} times`}`;
    case 'Pod unschedulable': return to ? 'found no node that can take it' : undefined;
    case 'Pod node': return `goes to the node ${to}`;
    case 'Node ready': return to ? 'is ready' : 'is not ready';
    case 'Node cordoned': return to ? 'takes no new pods' : 'takes new pods again';
    case 'Node taints': return to ? `has ${count(to, 'taint')}` : 'has no taints any more';
    case 'Service address': return `has the address ${to}`;
    case 'Service external': return to === null ? 'lost its external address' : `got the external address ${to}`;
    case 'Service type': return `changed the type from ${from} to ${to}`;
    case 'EndpointSlice ready': case 'Endpoints ready': return `sends traffic to ${count(to, 'pod')}${from === null ? '' : ` (was ${from})`}`;
    case 'Job succeeded': return `counted ${count(to, 'pod')} that did their work`;
    case 'Job failed': return `counted ${count(to, 'failed pod')}`;
    case 'Job active': return `counted ${count(to, 'pod')} at work`;
  }
  switch (name) {
    case 'replicas': return `changed the number of pods from ${from ?? 0} to ${to ?? 0}`;
    case 'images': return `changed the image from ${from} to ${to}`;
    case 'paused': return to ? 'paused the rollout' : 'resumed the rollout';
    case 'ready': return `counted ${count(to, 'ready pod')}`;
    case 'wanted': return `wants ${count(to, 'pod')}`;
    case 'volume': return `got the volume ${to}`;
    case 'phase': return `is ${String(to)}`;
    default: return `changed ${name} from ${from ?? 'nothing'} to ${to ?? 'nothing'}`;
  }
}

function waitingWords(reason: string): string | undefined {
  switch (reason) {
    case 'ContainerCreating': case 'PodInitializing': return undefined;
    case 'ErrImagePull': return 'cannot start: its image could not be pulled';
    case 'ImagePullBackOff': return 'waits before the image is tried again';
    case 'RunContainerError': case 'CreateContainerError': case 'CreateContainerConfigError': return 'cannot start';
    case 'CrashLoopBackOff': return 'waits before a container that keeps ending is started again';
    default: return `waits: ${reason}`;
  }
}

function workWords(entry: WorkEntry): Omit<Told, 'who'> {
  const { facts, tookMs, error } = entry;
  const time = Number.isNaN(tookMs) ? '' : ` in ${milliseconds(tookMs)}`;
  const tried = Number.isNaN(tookMs) ? '' : ` (tried for ${milliseconds(tookMs)})`;
  const failed = error === undefined ? [] : [plainFault(error)];
  switch (entry.work) {
    case 'schedule': return scheduleWords(entry);
    case 'pull':
      if (facts['present']) return { did: `found the image ${facts['image']} already there`, more: [] };
      return error === undefined
        ? { did: `pulled the image ${facts['image']}${typeof facts['bytes'] === 'number' ? ` (${megabytes(facts['bytes'])})` : ''}${time}`, more: [] }
        : { did: `could not pull the image ${facts['image']}${tried}`, more: failed };
    case 'sandbox': return { did: error === undefined ? `made the pod's network and shell (its sandbox)${time}` : `could not make the pod's sandbox${tried}`, more: failed };
    case 'create': return { did: error === undefined ? `made the container ${facts['container']}${time}` : `could not make the container ${facts['container']}`, more: failed };
    case 'start': return { did: error === undefined ? `started the container ${facts['container']}${time}` : `could not start the container ${facts['container']}`, more: failed };
    case 'exit': return { did: `saw the container ${facts['container']} end after ${milliseconds(tookMs)}, with exit code ${facts['code']}${facts['reason'] && facts['reason'] !== 'Completed' && facts['reason'] !== 'Error' ? ` (${facts['reason']})` : ''}`, more: [] };
  }
}

function scheduleWords({ about, facts, tookMs, error, choice }: WorkEntry): Omit<Told, 'who'> {
  const ruledOut = (choice?.filtered ?? []).map(({ reasons, count: number, nodes }) => `not ${nodes.slice(0, 5).join(', ')}${number > 5 ? ` and ${number - 5} more` : ''}: ${reasons.join(', ')}`);
  if (error !== undefined) return { did: `found no node among ${choice?.nodes ?? 0} for the pod ${about.name} (try ${facts['attempt']})`, more: ruledOut.length > 0 ? ruledOut : [error] };
  const [best, second] = choice?.scores ?? [];
  const points = best && second ? [best.total === second.total ? `it has ${best.total} points, as many as ${second.node}` : `it has ${best.total} points, ${second.node} ${second.total}`] : [];
  const of = choice && choice.nodes > 1 ? ` of ${choice.nodes}${choice.feasible < choice.nodes && choice.filtered.length > 0 ? `, ${choice.feasible} of them possible` : ''}` : choice?.nodes === 1 ? ', the only one,' : '';
  return { did: `chose the node ${facts['node']}${of} in ${milliseconds(tookMs)}`, more: [...ruledOut, ...points] };
}

/** `14.5 MB`, as files are measured. */
export function megabytes(bytes: number): string {
  return inUnits(bytes, 1000, ['B', 'KB', 'MB', 'GB', 'TB']);
}

/** `20 GiB`, as Kubernetes measures memory. */
export function mebibytes(bytes: number): string {
  return inUnits(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
}

function inUnits(bytes: number, step: number, units: readonly string[]): string {
  let unit = 0;
  let amount = bytes;
  for (; amount >= step && unit < units.length - 1; unit++) amount /= step;
  return `${Number(amount.toFixed(amount >= 100 ? 0 : 1))} ${units[unit]}`;
}
