import { isReason } from '../api/errors.ts';
import type { Deployment, ReplicaSet } from '../api/generated/apps-v1.ts';
import type { Event, Pod, Service } from '../api/generated/core-v1.ts';
import { endpointSlices, events as eventResource, ingressClasses as ingressClassResource, nodes as nodeResource, persistentVolumeClaims, podDisruptionBudgets, pods as podResource, replicaSets, services as serviceResource, storageClasses } from '../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../api/object.ts';
import { selectorOf, selectorOfMap } from '../api/selector.ts';
import type { HttpClient } from '../client/http-client.ts';
import { resourcePath, withQuery } from '../client/resource-path.ts';
import type { Situation } from './finding.ts';
import { containersOf, waitingFor } from './waiting-containers.ts';

/** Lines of a container's log that are shown. */
const LOG_LINES = 5;

export interface GatherOptions {
  readonly client: HttpClient;
  readonly focus: KubeObject;
  readonly nowMs: number;
}

/** Fetches what the diagnoses look at; only what the focus makes worth asking for. What may not be read counts as not there. */
export async function gather({ client, focus, nowMs }: GatherOptions): Promise<Omit<Situation, 'wherry'>> {
  const { namespace } = focus.metadata;
  const list = async <T>(resource: ResourceType<T>, selection: { readonly namespace?: string | undefined; readonly fieldSelector?: string } = {}): Promise<readonly T[]> => {
    try {
      const { namespace: where, ...rest } = selection;
      return (await client.list(resource, { ...rest, ...(where !== undefined && { namespace: where }) })).items.map((item) => ({ kind: resource.kind, ...item }));
    } catch (error) {
      if (isReason(error, 'Forbidden', 'NotFound', 'MethodNotAllowed')) return [];
      throw error;
    }
  };
  const [neighbours, sets, claims, events] = namespace === undefined
    ? [[], [], [], await list(eventResource, { fieldSelector: `involvedObject.name=${focus.metadata.name}` })]
    : await Promise.all([list(podResource, { namespace }), list(replicaSets, { namespace }), list(persistentVolumeClaims, { namespace }), list(eventResource, { namespace })]);
  const ownSets = sets.filter((set) => owned(set, focus));
  const pods = podsOf(focus, neighbours, ownSets);
  const claimNames = new Set(pods.flatMap((pod) => (pod.spec.volumes ?? []).map((volume) => volume.persistentVolumeClaim?.claimName)));
  const ownClaims = claims.filter((claim) => claim.metadata.uid === focus.metadata.uid || claimNames.has(claim.metadata.name));
  const [nodes, classes, slices] = await Promise.all([
    list(nodeResource),
    ownClaims.some(({ status }) => status?.phase !== 'Bound') ? list(storageClasses) : [],
    focus.kind === 'Service' || focus.kind === 'Ingress' ? list(endpointSlices, { namespace }) : [],
  ]);
  const [services, ingressClasses, budgets] = await Promise.all([
    focus.kind === 'Ingress' ? list(serviceResource, { namespace }) : [],
    focus.kind === 'Ingress' ? list(ingressClassResource) : [],
    focus.kind === 'Node' ? list(podDisruptionBudgets) : [],
  ]);
  const placed = focus.kind === 'Node' ? await list(podResource, { fieldSelector: `spec.nodeName=${focus.metadata.name}` }) : pods.some((pod) => !pod.spec.nodeName) ? (await list(podResource)).filter((pod) => pod.spec.nodeName) : [];
  return {
    nowMs, focus, pods, replicaSets: ownSets, claims: ownClaims, storageClasses: classes, nodes, placed, neighbours, services, ingressClasses, budgets,
    slices: focus.kind === 'Ingress' ? slices : slices.filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === focus.metadata.name),
    events: [...events].sort((a, b) => timeOf(a) - timeOf(b)), logs: await lastLines(client, pods),
    ...(focus.kind === 'Service' && { service: focus as Service }), ...(focus.kind === 'Deployment' && { deployment: focus as Deployment }),
  };
}

const timeOf = ({ lastTimestamp, eventTime, metadata }: Event): number => Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp);

const owned = ({ metadata }: KubeObject, owner: KubeObject): boolean => metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) ?? false;

/** The pods behind an object: itself, those it owns, those its replica sets own, those its selector picks. */
function podsOf(focus: KubeObject, pods: readonly Pod[], sets: readonly ReplicaSet[]): readonly Pod[] {
  switch (focus.kind) {
    case 'Pod': return [focus as Pod];
    case 'Service': {
      const { selector } = (focus as Service).spec ?? {};
      return selector && Object.keys(selector).length > 0 ? pods.filter((pod) => selectorOfMap(selector).matches(pod.metadata.labels)) : [];
    }
    case 'Deployment': return pods.filter((pod) => sets.some((set) => owned(pod, set)) && selectorOf((focus as Deployment).spec.selector).matches(pod.metadata.labels));
    default: return pods.filter((pod) => owned(pod, focus));
  }
}

/** What the containers that keep ending wrote before they did. */
async function lastLines(client: HttpClient, pods: readonly Pod[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  const failed = containersOf(pods).filter(({ status }) => (status.state?.terminated?.exitCode ?? 0) !== 0);
  await Promise.all([...waitingFor(pods, 'CrashLoopBackOff'), ...failed].slice(0, 3).map(async ({ pod, status }) => {
    const path = resourcePath(podResource, pod.metadata.namespace, pod.metadata.name, 'log');
    for (const previous of status.state?.terminated ? [false] : [true, false]) {
      try {
        const { body } = await client.raw('GET', withQuery(path, { container: status.name, previous, tailLines: LOG_LINES }));
        const lines = body.toString().split('\n').filter((line) => line !== '');
        if (lines.length > 0) return void found.set(`${pod.metadata.name}/${status.name}`, lines);
      } catch (error) {
        // A log that is gone, or a node that does not answer: the account is told without it.
        if (!(error instanceof Error) || !('code' in error)) throw error;
      }
    }
  }));
  return found;
}
