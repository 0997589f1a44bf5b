import type { KubeObject } from '../../api/object.ts';
import type { DescribeContext, Describer } from './describe-context.ts';
import { describeConfigMap } from './config-map.ts';
import { describeCronJob } from './cron-job.ts';
import { describeCsiNode } from './csi-node.ts';
import { describeDaemonSet } from './daemon-set.ts';
import { describeDeployment } from './deployment.ts';
import { describeEndpoints } from './endpoints.ts';
import { describeEndpointSlice } from './endpoint-slice.ts';
import { describeGeneric } from './generic.ts';
import { describeHorizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts';
import { describeIngress } from './ingress.ts';
import { describeIngressClass } from './ingress-class.ts';
import { describeIpAddress } from './ip-address.ts';
import { describeJob } from './job.ts';
import { describeLimitRange } from './limit-range.ts';
import { describeNamespace } from './namespace.ts';
import { describeNetworkPolicy } from './network-policy.ts';
import { describeNode } from './node.ts';
import { describePersistentVolume } from './persistent-volume.ts';
import { describePersistentVolumeClaim } from './persistent-volume-claim.ts';
import { describePod } from './pod.ts';
import { describePodDisruptionBudget } from './pod-disruption-budget.ts';
import { describePriorityClass } from './priority-class.ts';
import { describeReplicaSet } from './replica-set.ts';
import { describeReplicationController } from './replication-controller.ts';
import { describeResourceQuota } from './resource-quota.ts';
import { describeRole } from './role.ts';
import { describeRoleBinding } from './role-binding.ts';
import { describeSecret } from './secret.ts';
import { describeService } from './service.ts';
import { describeServiceAccount } from './service-account.ts';
import { describeServiceCidr } from './service-cidr.ts';
import { describeStatefulSet } from './stateful-set.ts';
import { describeStorageClass } from './storage-class.ts';
import { describeVolumeAttributesClass } from './volume-attributes-class.ts';

/** The kinds that have a describer of their own, one line each, by `Kind.group`. */
const describers: Readonly<Record<string, Describer>> = {
  'ConfigMap.': describeConfigMap,
  'Endpoints.': describeEndpoints,
  'LimitRange.': describeLimitRange,
  'Namespace.': describeNamespace,
  'Node.': describeNode,
  'PersistentVolume.': describePersistentVolume,
  'PersistentVolumeClaim.': describePersistentVolumeClaim,
  'Pod.': describePod,
  'ReplicationController.': describeReplicationController,
  'ResourceQuota.': describeResourceQuota,
  'Secret.': describeSecret,
  'Service.': describeService,
  'ServiceAccount.': describeServiceAccount,
  'DaemonSet.apps': describeDaemonSet,
  'Deployment.apps': describeDeployment,
  'ReplicaSet.apps': describeReplicaSet,
  'StatefulSet.apps': describeStatefulSet,
  'HorizontalPodAutoscaler.autoscaling': describeHorizontalPodAutoscaler,
  'CronJob.batch': describeCronJob,
  'Job.batch': describeJob,
  // Its library is large and the kind is rare.
  'CertificateSigningRequest.certificates.k8s.io': async (object: never, context) => (await import('./certificate-signing-request.ts')).describeCertificateSigningRequest(object, context),
  'EndpointSlice.discovery.k8s.io': describeEndpointSlice,
  'IPAddress.networking.k8s.io': describeIpAddress,
  'Ingress.networking.k8s.io': describeIngress,
  'IngressClass.networking.k8s.io': describeIngressClass,
  'NetworkPolicy.networking.k8s.io': describeNetworkPolicy,
  'ServiceCIDR.networking.k8s.io': describeServiceCidr,
  'PodDisruptionBudget.policy': describePodDisruptionBudget,
  'ClusterRole.rbac.authorization.k8s.io': describeRole,
  'ClusterRoleBinding.rbac.authorization.k8s.io': describeRoleBinding,
  'Role.rbac.authorization.k8s.io': describeRole,
  'RoleBinding.rbac.authorization.k8s.io': describeRoleBinding,
  'PriorityClass.scheduling.k8s.io': describePriorityClass,
  'CSINode.storage.k8s.io': describeCsiNode,
  'StorageClass.storage.k8s.io': describeStorageClass,
  'VolumeAttributesClass.storage.k8s.io': describeVolumeAttributesClass,
};

/** Kinds whose description ends without events. */
const withoutEvents: readonly string[] = ['LimitRange', 'Namespace', 'ResourceQuota', 'Secret', 'NetworkPolicy', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'];

/** Writes all but the events; answers whether events belong below. */
export async function describeObject(object: KubeObject, group: string, context: DescribeContext): Promise<boolean> {
  const key = `${object.kind}.${group}`;
  const describer = Object.hasOwn(describers, key) ? (describers[key] as (object: KubeObject, context: DescribeContext) => Promise<void> | void) : undefined;
  await (describer ?? describeGeneric)(object, context);
  return !(describer && withoutEvents.includes(object.kind));
}
