// Where kustomize writes labels, annotations, names and replicas. Upstream: kustomize api/konfig/builtinpluginconsts (the table is a fact of its
// behaviour: what is not in it is not touched).
import type { FieldSpec } from './field-spec.ts';

/** Kinds with a pod template, and the path to it. */
const TEMPLATES: readonly FieldSpec[] = [
  { kind: 'ReplicationController', version: 'v1', path: 'spec/template' }, { kind: 'Deployment', path: 'spec/template' }, { kind: 'ReplicaSet', path: 'spec/template' }, { kind: 'DaemonSet', path: 'spec/template' },
  { kind: 'StatefulSet', group: 'apps', path: 'spec/template' }, { kind: 'Job', group: 'batch', path: 'spec/template' }, { kind: 'CronJob', group: 'batch', path: 'spec/jobTemplate' }, { kind: 'CronJob', group: 'batch', path: 'spec/jobTemplate/spec/template' },
];
const ofTemplates = (field: string): FieldSpec[] => TEMPLATES.map((spec) => ({ ...spec, path: `${spec.path}/metadata/${field}`, create: true }));

export const metadataLabels: FieldSpec = { path: 'metadata/labels', create: true };
export const volumeClaimTemplateLabels: readonly FieldSpec[] = [{ kind: 'StatefulSet', group: 'apps', path: 'spec/volumeClaimTemplates[]/metadata/labels', create: true }];
/** Claims of stateful sets among them, as in kustomize 5.5. */
export const templateLabels: readonly FieldSpec[] = [metadataLabels, ...ofTemplates('labels'), ...volumeClaimTemplateLabels];
export const annotationFields: readonly FieldSpec[] = [{ path: 'metadata/annotations', create: true }, ...ofTemplates('annotations')];

const AFFINITY = ['podAffinity', 'podAntiAffinity'].flatMap((field) => [
  `affinity/${field}/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels`, `affinity/${field}/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels`,
]);

export const selectorLabels: readonly FieldSpec[] = [
  { kind: 'Service', version: 'v1', path: 'spec/selector', create: true }, { kind: 'ReplicationController', version: 'v1', path: 'spec/selector', create: true },
  { kind: 'Deployment', path: 'spec/selector/matchLabels', create: true }, { kind: 'ReplicaSet', path: 'spec/selector/matchLabels', create: true }, { kind: 'DaemonSet', path: 'spec/selector/matchLabels', create: true },
  { kind: 'StatefulSet', group: 'apps', path: 'spec/selector/matchLabels', create: true },
  ...['Deployment', 'StatefulSet'].flatMap((kind) => [...AFFINITY, 'topologySpreadConstraints/labelSelector/matchLabels'].map((path) => ({ kind, group: 'apps', path: `spec/template/spec/${path}` }))),
  { kind: 'Job', group: 'batch', path: 'spec/selector/matchLabels' }, { kind: 'CronJob', group: 'batch', path: 'spec/jobTemplate/spec/selector/matchLabels' },
  { kind: 'PodDisruptionBudget', group: 'policy', path: 'spec/selector/matchLabels' },
  ...['podSelector', 'ingress/from/podSelector', 'egress/to/podSelector'].map((path) => ({ kind: 'NetworkPolicy', group: 'networking.k8s.io', path: `spec/${path}/matchLabels` })),
  ...templateLabels,
];

export const replicaFields: readonly FieldSpec[] = ['Deployment', 'ReplicationController', 'ReplicaSet', 'StatefulSet'].map((kind) => ({ kind, path: 'spec/replicas', create: true }));

export const namespaceFields: readonly FieldSpec[] = [
  { kind: 'APIService', group: 'apiregistration.k8s.io', path: 'spec/service/namespace', create: true },
  { kind: 'CustomResourceDefinition', group: 'apiextensions.k8s.io', path: 'spec/conversion/webhook/clientConfig/service/namespace' },
];

/** Whose name is written where. */
export interface NameReference {
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly fields: readonly FieldSpec[];
}

/** `paths` of a pod's spec in each of the kinds. */
function inPods(kinds: readonly string[], paths: readonly string[]): FieldSpec[] {
  const roots: Readonly<Record<string, string>> = { Pod: 'spec', PodTemplate: 'template/spec', CronJob: 'spec/jobTemplate/spec/template/spec' };
  return kinds.flatMap((kind) => paths.map((path) => ({ kind, path: `${roots[kind] ?? 'spec/template/spec'}/${path}`, ...(kind === 'Pod' && { version: 'v1' }) })));
}

const CONFIG_KINDS = ['Pod', 'PodTemplate', 'Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet', 'Job', 'CronJob'];
const NAME_KINDS = ['Pod', 'StatefulSet', 'Deployment', 'ReplicationController', 'CronJob', 'Job', 'DaemonSet'];
const of = (kind: string, ...paths: string[]): FieldSpec[] => paths.map((path) => ({ kind, path }));
const inContainers = (...paths: string[]): string[] => ['containers', 'initContainers'].flatMap((list) => paths.map((path) => `${list}/${path}`));
const RBAC = 'rbac.authorization.k8s.io';
const ADMISSION = 'admissionregistration.k8s.io';

export const nameReferences: readonly NameReference[] = [
  ...['Deployment', 'ReplicationController', 'ReplicaSet', 'StatefulSet'].map((kind) => ({ kind, fields: of('HorizontalPodAutoscaler', 'spec/scaleTargetRef/name') })),
  {
    kind: 'ConfigMap', version: 'v1', fields: [
      ...inPods(CONFIG_KINDS, ['volumes/configMap/name', ...inContainers('env/valueFrom/configMapKeyRef/name', 'envFrom/configMapRef/name'), 'volumes/projected/sources/configMap/name']),
      ...of('Node', 'spec/configSource/configMap'), ...of('Role', 'rules/resourceNames'), ...of('ClusterRole', 'rules/resourceNames'), ...of('Ingress', 'metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap'),
    ],
  },
  {
    kind: 'Secret', version: 'v1', fields: [
      ...inPods(CONFIG_KINDS, ['volumes/secret/secretName', ...inContainers('env/valueFrom/secretKeyRef/name', 'envFrom/secretRef/name'), 'imagePullSecrets/name', 'volumes/projected/sources/secret/name']),
      ...of('Ingress', 'spec/tls/secretName', 'metadata/annotations/ingress.kubernetes.io\\/auth-secret', 'metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret', 'metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret'),
      ...of('ServiceAccount', 'imagePullSecrets/name'), ...of('StorageClass', 'parameters/secretName', 'parameters/adminSecretName', 'parameters/userSecretName', 'parameters/secretRef'),
      ...of('Role', 'rules/resourceNames'), ...of('ClusterRole', 'rules/resourceNames'), ...of('PersistentVolume', 'spec/azureFile/secretName'),
      { kind: 'Service', group: 'serving.knative.dev', version: 'v1', path: 'spec/template/spec/containers/env/valueFrom/secretKeyRef/name' },
    ],
  },
  {
    kind: 'Service', version: 'v1', fields: [
      { kind: 'StatefulSet', group: 'apps', path: 'spec/serviceName' }, { kind: 'APIService', group: 'apiregistration.k8s.io', path: 'spec/service/name' },
      ...of('Ingress', 'spec/rules/http/paths/backend/serviceName', 'spec/backend/serviceName', 'spec/rules/http/paths/backend/service/name', 'spec/defaultBackend/service/name'),
      ...['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'].map((kind) => ({ kind, group: ADMISSION, path: 'webhooks/clientConfig/service' })),
    ],
  },
  { kind: 'Role', group: RBAC, fields: [{ kind: 'RoleBinding', group: RBAC, path: 'roleRef/name' }] },
  { kind: 'ClusterRole', group: RBAC, fields: ['RoleBinding', 'ClusterRoleBinding'].map((kind) => ({ kind, group: RBAC, path: 'roleRef/name' })) },
  { kind: 'ServiceAccount', version: 'v1', fields: [...['RoleBinding', 'ClusterRoleBinding'].map((kind) => ({ kind, group: RBAC, path: 'subjects' })), ...inPods(NAME_KINDS, ['serviceAccountName'])] },
  { kind: 'PersistentVolumeClaim', version: 'v1', fields: inPods(NAME_KINDS, ['volumes/persistentVolumeClaim/claimName']) },
  { kind: 'PersistentVolume', version: 'v1', fields: [...of('PersistentVolumeClaim', 'spec/volumeName'), ...of('ClusterRole', 'rules/resourceNames')] },
  { kind: 'StorageClass', group: 'storage.k8s.io', version: 'v1', fields: [...of('PersistentVolume', 'spec/storageClassName'), ...of('PersistentVolumeClaim', 'spec/storageClassName'), ...of('StatefulSet', 'spec/volumeClaimTemplates/spec/storageClassName')] },
  { kind: 'PriorityClass', group: 'scheduling.k8s.io', version: 'v1', fields: inPods(NAME_KINDS, ['priorityClassName']) },
  { kind: 'ValidatingAdmissionPolicy', group: ADMISSION, fields: [{ kind: 'ValidatingAdmissionPolicyBinding', group: ADMISSION, path: 'spec/policyName' }] },
];
