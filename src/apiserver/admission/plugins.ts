import { rbacEscalation } from '../authz/escalation.ts';
import type { AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificate-admission.ts';
import { defaultIngressClass, defaultStorageClass } from './default-classes.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { expressionValidation } from './expression-validation.ts';
import { limitRanger } from './limit-ranger.ts';
import { MatchConditions } from './match-conditions.ts';
import { mutatingAdmissionPolicy } from './mutating-admission-policies.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeDeclaredFeatures } from './node-declared-features.ts';
import { nodeRestriction } from './node-restriction.ts';
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize.ts';
import { podResizeValidator } from './pod-resize-validator.ts';
import { podSecurity } from './pod-security.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { priority } from './priority.ts';
import { resourceClaimAccess } from './resource-claim-access.ts';
import { resourceQuota } from './resource-quota.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import { serviceAccountSecret } from './service-account-secret.ts';
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';
import { validatingAdmissionPolicy } from './validating-admission-policies.ts';
import { mutatingWebhooks, validatingWebhooks } from './webhooks.ts';

/** Every admission plugin, in the order in which they are asked. Upstream: pkg/kubeapiserver/options/plugins.go. */
export function admissionPlugins(services: AdmissionServices): readonly AdmissionPlugin[] {
  const asking = { ...services, matchConditions: new MatchConditions(services.authorizer) };
  return [
    namespaceLifecycle(services),
    limitRanger(services),
    serviceAccount(services),
    serviceAccountSecret(services),
    nodeRestriction(services),
    taintNodesByCondition,
    podSecurity(services),
    priority(services),
    defaultTolerationSeconds,
    defaultStorageClass(services),
    storageObjectInUseProtection,
    persistentVolumeClaimResize(services),
    runtimeClass(services),
    certificateApproval(services),
    certificateSigning(services),
    certificateSubjectRestriction,
    defaultIngressClass(services),
    podTopologyLabels(services),
    nodeDeclaredFeatures(services),
    podResizeValidator(services),
    resourceClaimAccess(services),
    rbacEscalation(services.rbac, services.authorizer),
    expressionValidation,
    mutatingAdmissionPolicy(services),
    mutatingWebhooks(asking),
    validatingAdmissionPolicy(services),
    validatingWebhooks(asking),
    resourceQuota(services),
  ];
}
