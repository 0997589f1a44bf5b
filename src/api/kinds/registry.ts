/** Every served kind, one line a kind. */
import type { KindDefinition } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { binding } from './binding.ts';
import { configMap } from './config-map.ts';
import { controllerRevision } from './controller-revision.ts';
import { cronJob } from './cron-job.ts';
import { daemonSet } from './daemon-set.ts';
import { deployment } from './deployment.ts';
import { endpointSlice } from './endpoint-slice.ts';
import { endpoints } from './endpoints.ts';
import { event, eventsEvent } from './event.ts';
import { job } from './job.ts';
import { lease } from './lease.ts';
import { limitRange } from './limit-range.ts';
import { namespace } from './namespace.ts';
import { node } from './node.ts';
import { persistentVolumeClaim } from './persistent-volume-claim.ts';
import { persistentVolume } from './persistent-volume.ts';
import { podDisruptionBudget } from './pod-disruption-budget.ts';
import { podTemplate } from './pod-template.ts';
import { pod } from './pod.ts';
import { priorityClass } from './priority-class.ts';
import { replicaSet } from './replica-set.ts';
import { replicationController } from './replication-controller.ts';
import { resourceQuota } from './resource-quota.ts';
import { secret } from './secret.ts';
import { serviceAccount } from './service-account.ts';
import { service } from './service.ts';
import { statefulSet } from './stateful-set.ts';

const definitions = [
  // core/v1
  binding,
  configMap,
  endpoints,
  event,
  namespace,
  node,
  limitRange,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podTemplate,
  replicationController,
  resourceQuota,
  secret,
  service,
  serviceAccount,
  // apps/v1
  controllerRevision,
  daemonSet,
  deployment,
  replicaSet,
  statefulSet,
  // batch/v1
  cronJob,
  job,
  // policy/v1
  podDisruptionBudget,
  // scheduling.k8s.io/v1
  priorityClass,
  // events.k8s.io/v1
  eventsEvent,
  // coordination.k8s.io/v1
  lease,
  // discovery.k8s.io/v1
  endpointSlice,
] as unknown as readonly KindDefinition[];

const byResource = new Map(definitions.map((definition) => {
  const { group, version, resource } = definition.resource;
  return [`${group}/${version}/${resource}`, definition];
}));

/** The definition of a built-in kind; undefined for resources of others, custom or aggregated. */
export function kindDefinition<T extends KubeObject = KubeObject>(group: string, version: string, resource: string): KindDefinition<T> | undefined {
  return byResource.get(`${group}/${version}/${resource}`) as KindDefinition<T> | undefined;
}

export const kindDefinitions: readonly KindDefinition[] = definitions;
