import type { HorizontalPodAutoscaler } from '../api/generated/autoscaling-v2.ts';
import type { Pod, ResourceQuota } from '../api/generated/core-v1.ts';
import type { Ingress } from '../api/generated/networking-v1.ts';
import { humanDuration } from '../api/human-duration.ts';
import { isPodReady } from '../api/pod/conditions.ts';
import { summarizePod } from '../api/pod/pod-summary.ts';
import type { KubeObject } from '../api/object.ts';
import type { Situation } from './finding.ts';
import { kindWords } from './words.ts';

/** `The pod web-1 runs and is ready, on the node boat (for 3m).`: how the focus stands, in one line. */
export function stateOf(situation: Situation): string {
  const { focus, nowMs } = situation;
  const named = `The ${kindWords(focus.kind)} ${focus.metadata.name}`;
  const age = humanDuration(nowMs - Date.parse(focus.metadata.creationTimestamp));
  return `${named} ${words(situation)} (made ${age} ago).`;
}

interface Counted extends KubeObject {
  readonly spec?: { readonly replicas?: number; readonly completions?: number };
  readonly status?: {
    readonly readyReplicas?: number; readonly updatedReplicas?: number; readonly desiredNumberScheduled?: number; readonly numberReady?: number; readonly succeeded?: number; readonly failed?: number; readonly active?: number;
    readonly phase?: string; readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

function words(situation: Situation): string {
  const { focus, service, slices } = situation;
  if (focus.metadata.deletionTimestamp) return 'is asked to end, and has not ended yet';
  const { spec, status } = focus as Counted;
  const conditions = new Set(status?.conditions?.filter(({ status: is }) => is === 'True').map(({ type }) => type));
  switch (focus.kind) {
    case 'Pod': return podWords(focus as Pod);
    case 'Deployment': case 'ReplicaSet': case 'StatefulSet': case 'ReplicationController': {
      const wanted = spec?.replicas ?? 1;
      const ready = status?.readyReplicas ?? 0;
      const all = ready >= wanted;
      const updating = focus.kind === 'Deployment' && all && (status?.updatedReplicas ?? 0) < wanted;
      if (wanted === 0) return 'wants no pods';
      return `has ${all ? (wanted === 1 ? 'its one pod' : `all ${wanted} pods`) : `${ready} of ${wanted} pods`} ready${updating ? `, ${status?.updatedReplicas ?? 0} of them of the newest template` : ''}`;
    }
    case 'DaemonSet': return `has ${status?.numberReady ?? 0} of ${status?.desiredNumberScheduled ?? 0} pods ready, one for each node`;
    case 'Job': return conditions.has('Complete') ? 'is done' : conditions.has('Failed') ? 'has failed' : `has ${status?.active ?? 0} ${status?.active === 1 ? 'pod' : 'pods'} at work, ${status?.succeeded ?? 0} done`;
    case 'Service': {
      if (service?.spec.type === 'ExternalName') return `stands for the name ${service.spec.externalName}`;
      const endpoints = slices.flatMap((slice) => slice.endpoints ?? []).filter((endpoint) => endpoint.conditions?.ready !== false).length;
      const external = service?.status?.loadBalancer?.ingress?.map(({ ip, hostname }) => ip ?? hostname).join(', ');
      return `sends its traffic to ${endpoints === 0 ? 'nobody' : `${endpoints} ${endpoints === 1 ? 'pod' : 'pods'}`}${external ? `, with the external address ${external}` : service?.spec?.type === 'LoadBalancer' ? ', and waits for an external address' : ''}`;
    }
    case 'Node': return conditions.has('Ready') ? 'is ready' : 'is not ready';
    case 'PersistentVolumeClaim': return status?.phase === 'Bound' ? `has its volume (${(spec as { readonly volumeName?: string }).volumeName})` : status?.phase === 'Lost' ? 'has lost its volume' : 'has no volume yet';
    case 'Namespace': return status?.phase === 'Active' ? 'can be used' : `is ${status?.phase}`;
    case 'CronJob': return `runs "${(spec as { readonly schedule?: string }).schedule}"${(spec as { readonly suspend?: boolean }).suspend ? ', and is suspended' : ''}`;
    case 'HorizontalPodAutoscaler': return scalerWords(focus as HorizontalPodAutoscaler);
    case 'PodDisruptionBudget': return `lets ${(status as { readonly disruptionsAllowed?: number }).disruptionsAllowed ?? 0} of its ${(status as { readonly expectedPods?: number }).expectedPods ?? 0} pods go`;
    case 'Ingress': return ingressWords(focus as Ingress);
    case 'ResourceQuota': return quotaWords(focus as ResourceQuota);
    default: return status?.phase ? `is ${status.phase}` : 'is there';
  }
}

function scalerWords({ spec, status }: HorizontalPodAutoscaler): string {
  return `keeps ${kindWords(spec?.scaleTargetRef.kind ?? '')} ${spec?.scaleTargetRef.name} between ${spec?.minReplicas ?? 1} and ${spec?.maxReplicas} pods; now ${status?.currentReplicas ?? 0}`;
}

function quotaWords({ status }: ResourceQuota): string {
  const taken = Object.entries(status?.hard ?? {}).map(([resource, most]) => `${resource} ${status?.used?.[resource] ?? 0} of ${most}`);
  return taken.length > 0 ? `allows so much, and of it is taken: ${taken.join(', ')}` : 'limits nothing';
}

function ingressWords({ status }: Ingress): string {
  const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname);
  return addresses.length > 0 ? `takes requests at ${addresses.join(', ')}` : 'has no address yet';
}

function podWords(pod: Pod): string {
  const { status, totalContainers, readyContainers } = summarizePod(pod);
  const where = pod.spec.nodeName ? ` on the node ${pod.spec.nodeName}` : '';
  if (status === 'Running') return isPodReady(pod) ? `runs and is ready,${where}` : `runs, but is not ready (${readyContainers} of ${totalContainers} containers),${where}`;
  if (status === 'Pending') return pod.spec.nodeName ? `is being made ready${where}` : 'has no node yet';
  if (status === 'ContainerCreating' || status === 'PodInitializing') return `is being made ready${where}`;
  if (pod.status?.phase === 'Failed') return `has failed: ${status}${where}`;
  const [, done, all] = /^Init:(\d+)\/(\d+)$/.exec(status) ?? [];
  if (all) return `is being prepared${where}: ${done} of ${all} init containers ${done === '1' ? 'has' : 'have'} done their work`;
  if (status === 'Completed' || status === 'Succeeded') return 'has done its work';
  return `does not run: ${status}${where}`;
}
