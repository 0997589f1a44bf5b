import type { ReplicaSet } from '../../api/generated/apps-v1.ts';
import type { ReplicationController } from '../../api/generated/core-v1.ts';
import { replicationControllers } from '../../api/generated/resources.ts';
import type { Controller } from '../controller.ts';
import { startReplicaKind } from './replica-set.ts';
import { without } from '../without.ts';

/** A replication controller is a replica set whose selector is a plain map. Upstream: pkg/controller/replication. */
export const replicationControllerController: Controller = {
  name: 'replication-controller',
  start: (context) => startReplicaKind<ReplicationController>(context, {
    name: 'replication-controller',
    queue: 'replicationmanager',
    resource: replicationControllers,
    view: ({ spec, ...rest }): ReplicaSet => ({ ...rest, spec: { ...spec, selector: { matchLabels: spec.selector } } }),
    // Replication controllers do not tell their terminating pods.
    withStatus: (object, status) => ({ ...object, status: without(status, 'terminatingReplicas') }),
  }),
};
