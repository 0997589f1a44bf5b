/** Every served kind, one line a kind. */
import type { KindDefinition } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { mutatingAdmissionPolicy, mutatingAdmissionPolicyBinding, validatingAdmissionPolicy, validatingAdmissionPolicyBinding } from './admission-policy.ts';
import { apiService } from './api-service.ts';
import { binding } from './binding.ts';
import { certificateSigningRequest } from './certificate-signing-request.ts';
import { componentStatus } from './component-status.ts';
import { configMap } from './config-map.ts';
import { controllerRevision } from './controller-revision.ts';
import { cronJob } from './cron-job.ts';
import { csiDriver, csiNode, csiStorageCapacity } from './csi.ts';
import { customResourceDefinition } from './custom-resource-definition.ts';
import { daemonSet } from './daemon-set.ts';
import { deployment } from './deployment.ts';
import { deviceClass, resourceClaim, resourceClaimTemplate, resourceSlice } from './device.ts';
import { endpointSlice } from './endpoint-slice.ts';
import { endpoints } from './endpoints.ts';
import { event, eventsEvent } from './event.ts';
import { flowSchema, priorityLevelConfiguration } from './flow-control.ts';
import { horizontalPodAutoscaler, horizontalPodAutoscalerV1 } from './horizontal-pod-autoscaler.ts';
import { ingress } from './ingress.ts';
import { ingressClass } from './ingress-class.ts';
import { ipAddress } from './ip-address.ts';
import { job } from './job.ts';
import { lease } from './lease.ts';
import { limitRange } from './limit-range.ts';
import { namespace } from './namespace.ts';
import { networkPolicy } from './network-policy.ts';
import { node } from './node.ts';
import { persistentVolume } from './persistent-volume.ts';
import { persistentVolumeClaim } from './persistent-volume-claim.ts';
import { pod } from './pod.ts';
import { podDisruptionBudget } from './pod-disruption-budget.ts';
import { podTemplate } from './pod-template.ts';
import { priorityClass } from './priority-class.ts';
import { clusterRole, clusterRoleBinding, role, roleBinding } from './rbac.ts';
import { replicaSet } from './replica-set.ts';
import { replicationController } from './replication-controller.ts';
import { resourceQuota } from './resource-quota.ts';
import { localSubjectAccessReview, selfSubjectAccessReview, selfSubjectReview, selfSubjectRulesReview, subjectAccessReview, tokenReview } from './review.ts';
import { runtimeClass } from './runtime-class.ts';
import { secret } from './secret.ts';
import { service } from './service.ts';
import { serviceAccount } from './service-account.ts';
import { serviceCidr } from './service-cidr.ts';
import { statefulSet } from './stateful-set.ts';
import { storageClass } from './storage-class.ts';
import { volumeAttachment } from './volume-attachment.ts';
import { volumeAttributesClass } from './volume-attributes-class.ts';
import { mutatingWebhookConfiguration, validatingWebhookConfiguration } from './webhook-configuration.ts';

const definitions = [
  // core/v1
  binding,
  componentStatus,
  configMap,
  endpoints,
  event,
  limitRange,
  namespace,
  node,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podTemplate,
  replicationController,
  resourceQuota,
  secret,
  service,
  serviceAccount,
  // admissionregistration.k8s.io/v1
  mutatingAdmissionPolicy,
  mutatingAdmissionPolicyBinding,
  mutatingWebhookConfiguration,
  validatingAdmissionPolicy,
  validatingAdmissionPolicyBinding,
  validatingWebhookConfiguration,
  // apiextensions.k8s.io/v1
  customResourceDefinition,
  // apiregistration.k8s.io/v1
  apiService,
  // apps/v1
  controllerRevision,
  daemonSet,
  deployment,
  replicaSet,
  statefulSet,
  // authentication.k8s.io/v1
  selfSubjectReview,
  tokenReview,
  // authorization.k8s.io/v1
  localSubjectAccessReview,
  selfSubjectAccessReview,
  selfSubjectRulesReview,
  subjectAccessReview,
  // autoscaling/v1 and v2
  horizontalPodAutoscaler,
  horizontalPodAutoscalerV1,
  // batch/v1
  cronJob,
  job,
  // certificates.k8s.io/v1
  certificateSigningRequest,
  // coordination.k8s.io/v1
  lease,
  // discovery.k8s.io/v1
  endpointSlice,
  // events.k8s.io/v1
  eventsEvent,
  // flowcontrol.apiserver.k8s.io/v1
  flowSchema,
  priorityLevelConfiguration,
  // networking.k8s.io/v1
  ingress,
  ingressClass,
  ipAddress,
  networkPolicy,
  serviceCidr,
  // node.k8s.io/v1
  runtimeClass,
  // policy/v1
  podDisruptionBudget,
  // rbac.authorization.k8s.io/v1
  clusterRole,
  clusterRoleBinding,
  role,
  roleBinding,
  // resource.k8s.io/v1
  deviceClass,
  resourceClaim,
  resourceClaimTemplate,
  resourceSlice,
  // scheduling.k8s.io/v1
  priorityClass,
  // storage.k8s.io/v1
  csiDriver,
  csiNode,
  csiStorageCapacity,
  storageClass,
  volumeAttachment,
  volumeAttributesClass,
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
