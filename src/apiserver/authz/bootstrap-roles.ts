/**
 * The roles and bindings that every cluster has from its start, in a compact form: a rule is
 * `verbs | groups | resources [| resource names]` (group `core` is the empty one) or `verbs | paths`.
 * Upstream: plugin/pkg/auth/authorizer/rbac/bootstrappolicy.
 */

export interface CompactRole {
  readonly name: string;
  readonly namespace?: string;
  /** The role is gathered into the aggregated role of this name … */
  readonly aggregateTo?: string;
  /** … or is itself such a role: the aggregation controller fills in its rules. */
  readonly aggregates?: string;
  readonly rules: readonly string[];
}

export interface CompactBinding {
  readonly name: string;
  readonly namespace?: string;
  /** Default: the binding's own name. */
  readonly role?: string;
  /** `User x`, `Group x`, `ServiceAccount namespace/name`. */
  readonly subjects: readonly string[];
}

const ALL = 'create delete deletecollection get list patch update watch';
const WRITE = 'create delete deletecollection patch update';
const READ = 'get list watch';
const READ_UPDATE = 'get list patch update watch';
const EVENTS = 'create patch update | core events.k8s.io | events';

export const clusterRoles: readonly CompactRole[] = [
  { name: 'admin', aggregates: 'admin', rules: [] },
  { name: 'cluster-admin', rules: ['* | * | *', '* | *'] },
  { name: 'edit', aggregateTo: 'admin', aggregates: 'edit', rules: [] },
  { name: 'system:aggregate-to-admin', aggregateTo: 'admin', rules: [
    'create | authorization.k8s.io | localsubjectaccessreviews', `${ALL} | rbac.authorization.k8s.io | rolebindings roles`,
  ] },
  { name: 'system:aggregate-to-edit', aggregateTo: 'edit', rules: [
    `${READ} | core | pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy`, 'impersonate | core | serviceaccounts',
    `${WRITE} | core | pods pods/attach pods/exec pods/portforward pods/proxy`, 'create | core | pods/eviction',
    `${WRITE} | core | configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy`,
    'create | core | serviceaccounts/token', `${WRITE} | core events.k8s.io | events`,
    `${WRITE} | apps | daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale`,
    `${WRITE} | autoscaling | horizontalpodautoscalers`, `${WRITE} | batch | cronjobs jobs`,
    `${WRITE} | extensions | daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale`,
    `${WRITE} | policy | poddisruptionbudgets`, `${WRITE} | networking.k8s.io | ingresses networkpolicies`,
    `${ALL} | coordination.k8s.io | leases`, `${WRITE} | resource.k8s.io | resourceclaims resourceclaimtemplates`,
  ] },
  { name: 'system:aggregate-to-view', aggregateTo: 'view', rules: [
    `${READ} | core | configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status`,
    `${READ} | core | bindings limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status`,
    `${READ} | core | namespaces`, `${READ} | core events.k8s.io | events`, `${READ} | discovery.k8s.io | endpointslices`,
    `${READ} | apps | controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status`,
    `${READ} | autoscaling | horizontalpodautoscalers horizontalpodautoscalers/status`,
    `${READ} | batch | cronjobs cronjobs/status jobs jobs/status`,
    `${READ} | extensions | daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale`,
    `${READ} | policy | poddisruptionbudgets poddisruptionbudgets/status`,
    `${READ} | networking.k8s.io | ingresses ingresses/status networkpolicies`,
    `${READ} | resource.k8s.io | resourceclaims resourceclaims/status resourceclaimtemplates`,
  ] },
  { name: 'system:auth-delegator', rules: [
    'create | authentication.k8s.io | tokenreviews', 'create | authorization.k8s.io | subjectaccessreviews',
  ] },
  { name: 'system:basic-user', rules: [
    'create | authorization.k8s.io | selfsubjectaccessreviews selfsubjectrulesreviews',
    'create | authentication.k8s.io | selfsubjectreviews',
  ] },
  { name: 'system:certificates.k8s.io:certificatesigningrequests:nodeclient', rules: [
    'create | certificates.k8s.io | certificatesigningrequests/nodeclient',
  ] },
  { name: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', rules: [
    'create | certificates.k8s.io | certificatesigningrequests/selfnodeclient',
  ] },
  { name: 'system:certificates.k8s.io:kube-apiserver-client-approver', rules: [
    'approve | certificates.k8s.io | signers | kubernetes.io/kube-apiserver-client',
  ] },
  { name: 'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver', rules: [
    'approve | certificates.k8s.io | signers | kubernetes.io/kube-apiserver-client-kubelet',
  ] },
  { name: 'system:certificates.k8s.io:kubelet-serving-approver', rules: [
    'approve | certificates.k8s.io | signers | kubernetes.io/kubelet-serving',
  ] },
  { name: 'system:certificates.k8s.io:legacy-unknown-approver', rules: [
    'approve | certificates.k8s.io | signers | kubernetes.io/legacy-unknown',
  ] },
  { name: 'system:discovery', rules: ['get | /api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/'] },
  { name: 'system:heapster', rules: [`${READ} | core | events namespaces nodes pods`, `${READ} | extensions | deployments`] },
  { name: 'system:kube-aggregator', rules: [`${READ} | core | endpoints services`] },
  { name: 'system:kube-controller-manager', rules: [
    EVENTS, 'create | coordination.k8s.io | leases', 'get update | coordination.k8s.io | leases | kube-controller-manager',
    'create | core | secrets serviceaccounts', 'delete | core | secrets', 'get | core | configmaps namespaces secrets serviceaccounts',
    'update | core | secrets serviceaccounts', 'create | authentication.k8s.io | tokenreviews',
    'create | authorization.k8s.io | subjectaccessreviews', 'list watch | * | *', 'create | core | serviceaccounts/token',
  ] },
  { name: 'system:kube-dns', rules: ['list watch | core | endpoints services'] },
  { name: 'system:kube-scheduler', rules: [
    EVENTS, 'create | coordination.k8s.io | leases', 'get list update watch | coordination.k8s.io | leases | kube-scheduler',
    `${ALL} | coordination.k8s.io | leasecandidates`, `${READ} | core | nodes`, 'delete get list watch | core | pods',
    'create | core | bindings pods/binding', 'patch update | core | pods/status', `${READ} | core | replicationcontrollers services`,
    `${READ} | apps extensions | replicasets`, `${READ} | apps | statefulsets`, `${READ} | policy | poddisruptionbudgets`,
    `${READ} | core | persistentvolumeclaims persistentvolumes`, 'create | authentication.k8s.io | tokenreviews',
    'create | authorization.k8s.io | subjectaccessreviews', `${READ} | storage.k8s.io | csinodes`,
    `${READ} | storage.k8s.io | volumeattachments`, `${READ} | core | namespaces`, `${READ} | storage.k8s.io | csidrivers`,
    `${READ} | storage.k8s.io | csistoragecapacities`, `${READ} | resource.k8s.io | deviceclasses`,
    `${READ_UPDATE} | resource.k8s.io | resourceclaims`, `${READ_UPDATE} | resource.k8s.io | resourceclaims/status`,
    'update | core | pods/finalizers', `${READ} | resource.k8s.io | resourceslices`, 'create delete | resource.k8s.io | resourceclaims',
    'patch update | resource.k8s.io | resourceclaims/binding',
  ] },
  { name: 'system:kubelet-api-admin', rules: [
    `${READ} | core | nodes`, 'proxy | core | nodes', '* | core | nodes/log nodes/metrics nodes/proxy nodes/stats',
    '* | core | nodes/configz nodes/healthz nodes/pods',
  ] },
  { name: 'system:monitoring', rules: [
    'get | /flagz /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/* /statusz', 'get | core | nodes/metrics',
  ] },
  { name: 'system:node', rules: [
    'create | authentication.k8s.io | tokenreviews', 'create | authorization.k8s.io | localsubjectaccessreviews subjectaccessreviews',
    `${READ} | core | services`, 'create get list watch | core | nodes', 'patch update | core | nodes/status',
    'patch update | core | nodes', EVENTS, `${READ} | core | pods`, 'create delete | core | pods', 'patch update | core | pods/status',
    'create | core | pods/eviction', `${READ} | core | configmaps secrets`, 'get | core | persistentvolumeclaims persistentvolumes',
    'get | core | endpoints', 'create get list watch | certificates.k8s.io | certificatesigningrequests',
    'create delete get patch update | coordination.k8s.io | leases', 'get | storage.k8s.io | volumeattachments',
    'create | core | serviceaccounts/token', 'get patch update | core | persistentvolumeclaims/status',
    `${READ} | storage.k8s.io | csidrivers`, 'create delete get patch update | storage.k8s.io | csinodes',
    `${READ} | node.k8s.io | runtimeclasses`, 'get | resource.k8s.io | resourceclaims',
    'deletecollection | resource.k8s.io | resourceslices', 'get | core | serviceaccounts',
  ] },
  { name: 'system:node-bootstrapper', rules: ['create get list watch | certificates.k8s.io | certificatesigningrequests'] },
  { name: 'system:node-problem-detector', rules: ['get | core | nodes', 'patch | core | nodes/status', EVENTS] },
  { name: 'system:node-proxier', rules: [
    'list watch | core | endpoints services', `${READ} | core | nodes`, EVENTS, 'list watch | networking.k8s.io | servicecidrs',
    'list watch | discovery.k8s.io | endpointslices',
  ] },
  { name: 'system:persistent-volume-provisioner', rules: [
    'create delete get list watch | core | persistentvolumes', 'get list update watch | core | persistentvolumeclaims',
    `${READ} | storage.k8s.io | storageclasses`, 'watch | core | events', EVENTS,
  ] },
  { name: 'system:public-info-viewer', rules: ['get | /healthz /livez /readyz /version /version/'] },
  { name: 'system:service-account-issuer-discovery', rules: [
    'get | /.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/',
  ] },
  { name: 'system:volume-scheduler', rules: [
    `${READ_UPDATE} | core | persistentvolumes`, `${READ} | storage.k8s.io | storageclasses`,
    `${READ_UPDATE} | core | persistentvolumeclaims`,
  ] },
  { name: 'view', aggregateTo: 'edit', aggregates: 'view', rules: [] },
];

export const controllerRoles: readonly CompactRole[] = [
  { name: 'system:controller:attachdetach-controller', rules: [
    'list watch | core | persistentvolumeclaims persistentvolumes', `${READ} | core | nodes`, 'patch update | core | nodes/status',
    'list watch | core | pods', EVENTS, 'create delete get list watch | storage.k8s.io | volumeattachments',
    `${READ} | storage.k8s.io | csidrivers`, `${READ} | storage.k8s.io | csinodes`,
  ] },
  { name: 'system:controller:certificate-controller', rules: [
    'delete get list watch | certificates.k8s.io | certificatesigningrequests',
    'update | certificates.k8s.io | certificatesigningrequests/approval certificatesigningrequests/status',
    'approve | certificates.k8s.io | signers | kubernetes.io/kube-apiserver-client-kubelet',
    'sign | certificates.k8s.io | signers | kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown',
    'create | authorization.k8s.io | subjectaccessreviews', EVENTS,
  ] },
  { name: 'system:controller:clusterrole-aggregation-controller', rules: [
    'escalate get list patch update watch | rbac.authorization.k8s.io | clusterroles',
  ] },
  { name: 'system:controller:cronjob-controller', rules: [
    'get list update watch | batch | cronjobs', 'create delete get list patch update watch | batch | jobs',
    'update | batch | cronjobs/status', 'update | batch | cronjobs/finalizers', 'delete list watch | core | pods', EVENTS,
  ] },
  { name: 'system:controller:daemon-set-controller', rules: [
    `${READ} | apps extensions | daemonsets`, 'update | apps extensions | daemonsets/status',
    'update | apps extensions | daemonsets/finalizers', 'list watch | core | nodes', 'create delete list patch watch | core | pods',
    'create | core | pods/binding', 'create delete get list patch update watch | apps | controllerrevisions', EVENTS,
  ] },
  { name: 'system:controller:deployment-controller', rules: [
    'get list update watch | apps extensions | deployments', 'update | apps extensions | deployments/status',
    'update | apps extensions | deployments/finalizers', 'create delete get list patch update watch | apps extensions | replicasets',
    'get list update watch | core | pods', EVENTS,
  ] },
  { name: 'system:controller:device-taint-eviction-controller', rules: [
    'delete get list watch | core | pods', 'patch update | core | pods/status', `${READ} | resource.k8s.io | resourceclaims`,
    `${READ} | resource.k8s.io | resourceslices`, `${READ} | resource.k8s.io | deviceclasses`, EVENTS,
  ] },
  { name: 'system:controller:disruption-controller', rules: [
    `${READ} | apps extensions | deployments`, `${READ} | apps extensions | replicasets`, `${READ} | core | replicationcontrollers`,
    `${READ} | policy | poddisruptionbudgets`, `${READ} | apps | statefulsets`, 'update | policy | poddisruptionbudgets/status',
    'patch update | core | pods/status', 'get | * | */scale', EVENTS,
  ] },
  { name: 'system:controller:endpoint-controller', rules: [
    `${READ} | core | pods services`, 'create delete get list update watch | core | endpoints', 'create | core | endpoints/restricted',
    EVENTS,
  ] },
  { name: 'system:controller:endpointslice-controller', rules: [
    `${READ} | core | nodes pods services`, 'update | core | services/finalizers',
    'create delete get list update watch | discovery.k8s.io | endpointslices', 'create | discovery.k8s.io | endpointslices/restricted',
    EVENTS,
  ] },
  { name: 'system:controller:endpointslicemirroring-controller', rules: [
    `${READ} | core | endpoints services`, 'update | core | services/finalizers', 'update | core | endpoints/finalizers',
    'create delete get list update watch | discovery.k8s.io | endpointslices', 'create | discovery.k8s.io | endpointslices/restricted',
    EVENTS,
  ] },
  { name: 'system:controller:ephemeral-volume-controller', rules: [
    `${READ} | core | pods`, 'update | core | pods/finalizers', 'create get list watch | core | persistentvolumeclaims', EVENTS,
  ] },
  { name: 'system:controller:expand-controller', rules: [
    `${READ_UPDATE} | core | persistentvolumes`, 'patch update | core | persistentvolumeclaims/status',
    `${READ} | core | persistentvolumeclaims`, EVENTS,
  ] },
  { name: 'system:controller:generic-garbage-collector', rules: ['delete get list patch update watch | * | *', EVENTS] },
  { name: 'system:controller:horizontal-pod-autoscaler', rules: [
    `${READ} | autoscaling | horizontalpodautoscalers`, 'update | autoscaling | horizontalpodautoscalers/status',
    'get update | * | */scale', 'list watch | core | pods', 'list watch | metrics.k8s.io | pods', `${READ} | custom.metrics.k8s.io | *`,
    `${READ} | external.metrics.k8s.io | *`, EVENTS,
  ] },
  { name: 'system:controller:job-controller', rules: [
    `${READ_UPDATE} | batch | jobs`, 'update | batch | jobs/status', 'update | batch | jobs/finalizers',
    'create delete list patch watch | core | pods', EVENTS,
  ] },
  { name: 'system:controller:legacy-service-account-token-cleaner', rules: [
    'get | core | configmaps | kube-apiserver-legacy-service-account-token-tracking', 'delete patch | core | secrets',
  ] },
  { name: 'system:controller:namespace-controller', rules: [
    'delete get list watch | core | namespaces', 'update | core | namespaces/finalize namespaces/status',
    'delete deletecollection get list watch | * | *',
  ] },
  { name: 'system:controller:node-controller', rules: [
    'delete get list patch update watch | core | nodes', 'patch update | core | nodes/status', 'patch update | core | pods/status',
    'delete get list watch | core | pods', EVENTS,
  ] },
  { name: 'system:controller:persistent-volume-binder', rules: [
    'create delete get list update watch | core | persistentvolumes', 'update | core | persistentvolumes/status',
    'get list update watch | core | persistentvolumeclaims', 'update | core | persistentvolumeclaims/status',
    'create delete get list watch | core | pods', `${READ} | storage.k8s.io | storageclasses`, 'list watch | core | nodes', EVENTS,
    'watch | core | events',
  ] },
  { name: 'system:controller:pod-garbage-collector', rules: [
    'delete list watch | core | pods', `${READ} | core | nodes`, 'patch | core | pods/status',
  ] },
  { name: 'system:controller:pv-protection-controller', rules: ['get list update watch | core | persistentvolumes', EVENTS] },
  { name: 'system:controller:pvc-protection-controller', rules: [
    'get list update watch | core | persistentvolumeclaims', 'update | core | persistentvolumeclaims/status', `${READ} | core | pods`,
    EVENTS,
  ] },
  { name: 'system:controller:replicaset-controller', rules: [
    'get list update watch | apps extensions | replicasets', 'update | apps extensions | replicasets/status',
    'update | apps extensions | replicasets/finalizers', 'create delete list patch watch | core | pods', EVENTS,
  ] },
  { name: 'system:controller:replication-controller', rules: [
    'get list update watch | core | replicationcontrollers', 'update | core | replicationcontrollers/status',
    'update | core | replicationcontrollers/finalizers', 'create delete list patch watch | core | pods', EVENTS,
  ] },
  { name: 'system:controller:resource-claim-controller', rules: [
    `${READ} | core | pods`, 'update | core | pods/finalizers', 'create delete get list watch | resource.k8s.io | resourceclaims',
    'patch update | resource.k8s.io | resourceclaims resourceclaims/status', 'patch update | core | pods/status', EVENTS,
    'patch update | resource.k8s.io | resourceclaims/binding',
  ] },
  { name: 'system:controller:resourcequota-controller', rules: ['list watch | * | *', 'update | core | resourcequotas/status', EVENTS] },
  { name: 'system:controller:root-ca-cert-publisher', rules: ['create update | core | configmaps', EVENTS] },
  { name: 'system:controller:route-controller', rules: ['list watch | core | nodes', 'patch | core | nodes/status', EVENTS] },
  { name: 'system:controller:selinux-warning-controller', rules: [
    EVENTS, `${READ} | core | persistentvolumes`, `${READ} | core | persistentvolumeclaims`, `${READ} | core | pods`,
    `${READ} | storage.k8s.io | csidrivers`,
  ] },
  { name: 'system:controller:service-account-controller', rules: ['create | core | serviceaccounts', EVENTS] },
  { name: 'system:controller:service-cidrs-controller', rules: [
    `${READ_UPDATE} | networking.k8s.io | servicecidrs`, 'patch update | networking.k8s.io | servicecidrs/finalizers',
    'patch update | networking.k8s.io | servicecidrs/status', `${READ} | networking.k8s.io | ipaddresses`, EVENTS,
  ] },
  { name: 'system:controller:service-controller', rules: [
    `${READ} | core | services`, 'patch update | core | services/status', 'list watch | core | nodes', EVENTS,
  ] },
  { name: 'system:controller:statefulset-controller', rules: [
    'list watch | core | pods', `${READ} | apps | statefulsets`, 'update | apps | statefulsets/status',
    'update | apps | statefulsets/finalizers', 'create delete get patch update | core | pods',
    'create delete get list patch update watch | apps | controllerrevisions', 'create get list watch | core | persistentvolumeclaims',
    'delete update | core | persistentvolumeclaims', 'update | core | pods/finalizers', EVENTS,
  ] },
  { name: 'system:controller:ttl-after-finished-controller', rules: ['delete get list watch | batch | jobs', EVENTS] },
  { name: 'system:controller:ttl-controller', rules: ['list patch update watch | core | nodes', EVENTS] },
  { name: 'system:controller:validatingadmissionpolicy-status-controller', rules: [
    `${READ} | admissionregistration.k8s.io | validatingadmissionpolicies`,
    'get patch update | admissionregistration.k8s.io | validatingadmissionpolicies/status', EVENTS,
  ] },
  { name: 'system:controller:volumeattributesclass-protection-controller', rules: [
    `${READ} | core | persistentvolumeclaims`, `${READ} | core | persistentvolumes`,
    'get list update watch | storage.k8s.io | volumeattributesclasses', EVENTS,
  ] },
];

export const namespacedRoles: readonly CompactRole[] = [
  { name: 'system:controller:bootstrap-signer', namespace: 'kube-public', rules: [
    `${READ} | core | configmaps`, 'update | core | configmaps | cluster-info', EVENTS,
  ] },
  { name: 'extension-apiserver-authentication-reader', namespace: 'kube-system', rules: [
    `${READ} | core | configmaps | extension-apiserver-authentication`,
  ] },
  { name: 'system::leader-locking-kube-controller-manager', namespace: 'kube-system', rules: [
    'create get list update watch | coordination.k8s.io | leases', 'create get list update watch | coordination.k8s.io | leasecandidates',
  ] },
  { name: 'system::leader-locking-kube-scheduler', namespace: 'kube-system', rules: [
    'create get list update watch | coordination.k8s.io | leases', 'create get list update watch | coordination.k8s.io | leasecandidates',
  ] },
  { name: 'system:controller:bootstrap-signer', namespace: 'kube-system', rules: [`${READ} | core | secrets`] },
  { name: 'system:controller:cloud-provider', namespace: 'kube-system', rules: ['create get list watch | core | configmaps'] },
  { name: 'system:controller:token-cleaner', namespace: 'kube-system', rules: ['delete get list watch | core | secrets', EVENTS] },
];

export const clusterRoleBindings: readonly CompactBinding[] = [
  { name: 'cluster-admin', subjects: ['Group system:masters'] },
  { name: 'system:basic-user', subjects: ['Group system:authenticated'] },
  { name: 'system:discovery', subjects: ['Group system:authenticated'] },
  { name: 'system:kube-controller-manager', subjects: ['User system:kube-controller-manager'] },
  { name: 'system:kube-dns', subjects: ['ServiceAccount kube-system/kube-dns'] },
  { name: 'system:kube-scheduler', subjects: ['User system:kube-scheduler'] },
  { name: 'system:monitoring', subjects: ['Group system:monitoring'] },
  { name: 'system:node', subjects: [] },
  { name: 'system:node-proxier', subjects: ['User system:kube-proxy'] },
  { name: 'system:public-info-viewer', subjects: ['Group system:authenticated', 'Group system:unauthenticated'] },
  { name: 'system:service-account-issuer-discovery', subjects: ['Group system:serviceaccounts'] },
  { name: 'system:volume-scheduler', subjects: ['User system:kube-scheduler'] },
];

export const namespacedBindings: readonly CompactBinding[] = [
  { name: 'system:controller:bootstrap-signer', namespace: 'kube-public', subjects: ['ServiceAccount kube-system/bootstrap-signer'] },
  { name: 'system::extension-apiserver-authentication-reader', namespace: 'kube-system', role: 'extension-apiserver-authentication-reader', subjects: ['User system:kube-controller-manager', 'User system:kube-scheduler'] },
  { name: 'system::leader-locking-kube-controller-manager', namespace: 'kube-system', subjects: ['User system:kube-controller-manager', 'ServiceAccount kube-system/kube-controller-manager', 'ServiceAccount kube-system/leader-election-controller'] },
  { name: 'system::leader-locking-kube-scheduler', namespace: 'kube-system', subjects: ['User system:kube-scheduler', 'ServiceAccount kube-system/kube-scheduler'] },
  { name: 'system:controller:bootstrap-signer', namespace: 'kube-system', subjects: ['ServiceAccount kube-system/bootstrap-signer'] },
  { name: 'system:controller:cloud-provider', namespace: 'kube-system', subjects: ['ServiceAccount kube-system/cloud-provider'] },
  { name: 'system:controller:token-cleaner', namespace: 'kube-system', subjects: ['ServiceAccount kube-system/token-cleaner'] },
];

/** Of our own: what upstream leaves to cloud providers and add-ons, and the controllers of one process need here. */
export const ownClusterRoles: readonly CompactRole[] = [
  { name: 'wherry:controllers', rules: [
    'patch update | core | services', `${READ} | core | nodes/metrics nodes/proxy nodes/stats`, 'create | core | pods/eviction',
    'patch update | core | namespaces namespaces/finalize', `${READ} | metrics.k8s.io | nodes pods`,
  ] },
  { name: 'wherry:network-policy', rules: ['list watch | core | namespaces pods', 'list watch | networking.k8s.io | networkpolicies'] },
  { name: 'wherry:ledger-writer', rules: ['post | /wherry/v1/ledger'] },
];

/** All controllers run as one user, which therefore holds every controller's role; DNS, service proxy and network policy act as their node. */
export const ownClusterRoleBindings: readonly CompactBinding[] = [
  { name: 'wherry:controllers', subjects: ['User system:kube-controller-manager'] },
  { name: 'wherry:node-proxier', role: 'system:node-proxier', subjects: ['Group system:nodes'] },
  { name: 'wherry:network-policy', subjects: ['Group system:nodes'] },
  { name: 'wherry:ledger-writer', subjects: ['Group system:nodes'] },
  { name: 'wherry:node-dns', role: 'system:kube-dns', subjects: ['Group system:nodes'] },
  ...controllerRoles.map(({ name }) => ({ name: `wherry:${name.slice('system:'.length)}`, role: name, subjects: ['User system:kube-controller-manager'] })),
];

/** Each controller's role is bound to the service account of the controller's name. */
export const controllerBindings: readonly CompactBinding[] = controllerRoles.map(({ name }) => ({
  name, subjects: [`ServiceAccount kube-system/${name.slice('system:controller:'.length)}`],
}));
