import { MetricRegistry } from '../base/metrics.ts';
import { createEventRecorder } from '../client/event-recorder.ts';
import { horizontalPodAutoscalerController } from './autoscaler/horizontal-pod-autoscaler.ts';
import { bootstrapSignerController } from './bootstrap-signer.ts';
import { certificateApproverController } from './certificate/approver.ts';
import { certificateCleanerController } from './certificate/cleaner.ts';
import { certificateSignerController } from './certificate/signer.ts';
import { clusterRoleAggregationController } from './cluster-role-aggregation.ts';
import type { Controller, ControllerContext } from './controller.ts';
import { cronJobController } from './cron-job/cron-job.ts';
import { daemonSetController } from './daemon-set/daemon-set.ts';
import { deploymentController } from './deployment/deployment.ts';
import { disruptionController } from './disruption.ts';
import { endpointSliceMirroringController } from './endpoints/endpoint-slice-mirroring.ts';
import { endpointSliceController } from './endpoints/endpoint-slice.ts';
import { endpointsController } from './endpoints/legacy-endpoints.ts';
import { garbageCollectorController } from './garbage-collector/garbage-collector.ts';
import { jobController } from './job/job.ts';
import { namespaceController } from './namespace.ts';
import { nodeIpamController } from './node/node-ipam.ts';
import { nodeLifecycleController } from './node/node-lifecycle.ts';
import { nodeTtlController } from './node/node-ttl.ts';
import { podGarbageController } from './node/pod-garbage.ts';
import { deviceTaintEvictionController } from './node/device-taint-eviction.ts';
import { taintEvictionController } from './node/taint-eviction.ts';
import { resourceQuotaController } from './quota/resource-quota.ts';
import { replicaSetController } from './replica-set/replica-set.ts';
import { replicationControllerController } from './replica-set/replication-controller.ts';
import { resourceClaimController } from './resource-claim.ts';
import { rootCertificateController } from './root-certificate.ts';
import { serviceAccountController } from './service-account.ts';
import { serviceCidrController } from './service-cidr.ts';
import { statefulSetController } from './stateful-set/stateful-set.ts';
import { tokenCleanerController } from './token-cleaner.ts';
import { ttlAfterFinishedController } from './ttl-after-finished.ts';
import { attachDetachController } from './volume/attach-detach.ts';
import { ephemeralVolumeController } from './volume/ephemeral-volume.ts';
import { localPathProvisionerController } from './volume/local-path-provisioner.ts';
import { persistentVolumeBinderController } from './volume/persistent-volume-binder.ts';
import { attributesClassProtectionController, claimProtectionController, volumeProtectionController } from './volume/storage-protection.ts';
import { volumeExpansionController } from './volume/volume-expansion.ts';

/** Every controller there is, one line each. */
export const controllers: readonly Controller[] = [
  namespaceController,
  serviceAccountController,
  rootCertificateController,
  clusterRoleAggregationController,
  deploymentController,
  replicaSetController,
  replicationControllerController,
  daemonSetController,
  statefulSetController,
  jobController,
  cronJobController,
  ttlAfterFinishedController,
  endpointSliceController,
  endpointsController,
  endpointSliceMirroringController,
  horizontalPodAutoscalerController,
  disruptionController,
  resourceQuotaController,
  serviceCidrController,
  nodeIpamController,
  nodeLifecycleController,
  nodeTtlController,
  taintEvictionController,
  deviceTaintEvictionController,
  podGarbageController,
  persistentVolumeBinderController,
  claimProtectionController,
  volumeProtectionController,
  attributesClassProtectionController,
  ephemeralVolumeController,
  localPathProvisionerController,
  attachDetachController,
  resourceClaimController,
  volumeExpansionController,
  certificateApproverController,
  certificateSignerController,
  certificateCleanerController,
  tokenCleanerController,
  bootstrapSignerController,
  garbageCollectorController,
];

export interface ControllersOptions extends Omit<ControllerContext, 'recorder' | 'options' | 'metrics'> {
  /** Names of the controllers to start; absent: all. Throws on a name that none has. */
  readonly only?: readonly string[];
  readonly options?: ControllerContext['options'];
  /** Absent: nobody looks. */
  readonly metrics?: MetricRegistry;
}

/** Starts the controllers; disposing stops them all, and waits for what they are at. The informers stay the caller's. */
export function startControllers({ only, options = {}, metrics = new MetricRegistry(), ...context }: ControllersOptions): AsyncDisposable {
  const unknown = only?.find((name) => !controllers.some((controller) => controller.name === name));
  if (unknown) throw new Error(`there is no controller ${unknown}; there are ${controllers.map((controller) => controller.name).join(', ')}`);
  const started = new AsyncDisposableStack();
  const running = metrics.gauge('running_managed_controllers', 'Controllers that run, by the process that runs them.', ['name', 'manager']);
  for (const controller of controllers) {
    if (only && !only.includes(controller.name)) continue;
    const { client, clock, random } = context;
    const recorder = started.use(createEventRecorder({ client, clock, random, log: context.log, component: controller.eventSource ?? controller.name }));
    started.use(controller.start({ ...context, recorder, options, metrics }));
    running.of(controller.name, 'kube-controller-manager').value = 1;
  }
  return started;
}
