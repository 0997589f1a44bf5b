import {
  cronJobs,
  daemonSets,
  deployments,
  endpointSlices,
  events,
  jobs,
  namespaces,
  nodes,
  persistentVolumeClaims,
  pods,
  replicaSets,
  services,
  statefulSets,
} from '../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../api/object.ts';
import { baseRow } from './rows/base-row.ts';
import { claimRow } from './rows/claim-row.ts';
import { eventRow } from './rows/event-row.ts';
import { nodeRow } from './rows/node-row.ts';
import { podRow } from './rows/pod-row.ts';
import type { Row, TableName, Tables } from './rows/row.ts';
import { endpointRow, serviceRow } from './rows/service-row.ts';
import { cronJobRow, daemonSetRow, deploymentRow, jobRow, replicaSetRow, statefulSetRow } from './rows/workload-row.ts';

export interface FollowedTable {
  readonly resource: ResourceType<KubeObject>;
  row(object: KubeObject): Row;
}

function table<T extends KubeObject, R extends Row>(resource: ResourceType<T>, row: (object: T) => R): FollowedTable {
  return { resource: resource as ResourceType<KubeObject>, row: row as unknown as FollowedTable['row'] };
}

/** Every resource that the page is kept current of, one line each. */
export const followedTables: { readonly [T in TableName]: FollowedTable } = {
  namespaces: table(namespaces, (namespace): Tables['namespaces'] => ({
    ...baseRow(namespace),
    status: namespace.status?.phase ?? 'Active',
  })),
  nodes: table(nodes, nodeRow),
  pods: table(pods, podRow),
  deployments: table(deployments, deploymentRow),
  replicasets: table(replicaSets, replicaSetRow),
  statefulsets: table(statefulSets, statefulSetRow),
  daemonsets: table(daemonSets, daemonSetRow),
  jobs: table(jobs, jobRow),
  cronjobs: table(cronJobs, cronJobRow),
  services: table(services, serviceRow),
  endpointslices: table(endpointSlices, endpointRow),
  persistentvolumeclaims: table(persistentVolumeClaims, claimRow),
  events: table(events, eventRow),
};
