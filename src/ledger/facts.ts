import type { KubeObject } from '../api/object.ts';
import type { Changes, Fact, Facts } from './entry.ts';

/** As much of any object's shape as facts are read from. */
interface Loose {
  readonly metadata: KubeObject['metadata'];
  readonly spec?: any;
  readonly status?: any;
  readonly [field: string]: any;
}

type Read = (object: Loose) => Record<string, Fact | undefined>;

function images(template: any): string | undefined {
  const containers = template?.spec?.containers as readonly { readonly image?: string }[] | undefined;
  return containers?.length === 1 ? containers[0]!.image : containers?.map(({ image }) => image ?? '').join(', ');
}
const workload: Read = ({ spec, status }) => ({ replicas: spec?.replicas, images: images(spec?.template), paused: spec?.paused || undefined, ready: status?.readyReplicas || undefined });
const ready = (conditions: readonly { readonly type: string; readonly status: string }[] | undefined): boolean | undefined =>
  conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') || undefined;

/** What is worth telling of each kind; one line a kind. Kinds without one are told of by their bare writes. */
const kinds: Readonly<Record<string, Read>> = {
  Pod: ({ spec, status, metadata }) => {
    const ended = metadata.deletionTimestamp !== undefined && (status?.phase === 'Failed' || status?.phase === 'Succeeded');
    let waiting: string | undefined;
    let restarts = 0;
    for (const container of status?.containerStatuses ?? []) {
      waiting ??= container.state?.waiting?.reason;
      restarts += container.restartCount ?? 0;
    }
    return {
      images: images({ spec }), node: spec?.nodeName, phase: ended ? 'Ended' : status?.phase, address: status?.podIP, ready: ready(status?.conditions), waiting, restarts: restarts || undefined,
      unschedulable: status?.conditions?.some((c: { type: string; reason?: string }) => c.type === 'PodScheduled' && c.reason === 'Unschedulable') || undefined,
    };
  },
  Deployment: workload,
  ReplicaSet: workload,
  StatefulSet: workload,
  ReplicationController: workload,
  DaemonSet: ({ spec, status }) => ({ images: images(spec?.template), wanted: status?.desiredNumberScheduled, ready: status?.numberReady || undefined }),
  Job: ({ status }) => ({ active: status?.active || undefined, succeeded: status?.succeeded || undefined, failed: status?.failed || undefined }),
  CronJob: ({ spec, status }) => ({ schedule: spec?.schedule, suspended: spec?.suspend || undefined, last: status?.lastScheduleTime }),
  Service: ({ spec, status }) => ({
    type: spec?.type, address: spec?.clusterIP, external: status?.loadBalancer?.ingress?.[0]?.ip ?? status?.loadBalancer?.ingress?.[0]?.hostname,
  }),
  EndpointSlice: ({ endpoints }) => {
    const list = (endpoints ?? []) as readonly { readonly addresses?: readonly string[]; readonly conditions?: { readonly ready?: boolean } }[];
    return { ready: list.filter(({ conditions }) => conditions?.ready !== false).length };
  },
  Endpoints: ({ subsets }) => ({ ready: ((subsets ?? []) as readonly { readonly addresses?: readonly unknown[] }[]).reduce((sum, { addresses }) => sum + (addresses?.length ?? 0), 0) }),
  Node: ({ spec, status }) => ({ ready: ready(status?.conditions), cordoned: spec?.unschedulable || undefined, taints: spec?.taints?.length || undefined }),
  PersistentVolumeClaim: ({ spec, status }) => ({ volume: spec?.volumeName, phase: status?.phase }),
  PersistentVolume: ({ status }) => ({ phase: status?.phase }),
  HorizontalPodAutoscaler: ({ status }) => ({ replicas: status?.desiredReplicas }),
};

const EMPTY: Facts = {};

export function factsOf(object: KubeObject): Facts {
  return (kinds[object.kind]?.(object as unknown as Loose) as Facts | undefined) ?? EMPTY;
}

const NO_CHANGES: Changes = {};

/** The facts that differ. Absent `previous`: a new object. */
export function changesOf(previous: KubeObject | undefined, next: KubeObject): Changes {
  if (!kinds[next.kind]) return NO_CHANGES;
  const before = previous ? factsOf(previous) : EMPTY;
  const after = factsOf(next);
  let changes: Record<string, readonly [Fact | null, Fact | null]> | undefined;
  for (const name in after) {
    if (before[name] !== after[name]) (changes ??= {})[name] = [before[name] ?? null, after[name] ?? null];
  }
  return changes ?? NO_CHANGES;
}
