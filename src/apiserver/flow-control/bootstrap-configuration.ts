import type { FlowSchema, FlowSchemaSpec, PriorityLevelConfiguration, PriorityLevelConfigurationSpec } from '../../api/generated/flowcontrol-v1.ts';

/** The objects of priority and fairness that every cluster has, with their defaults filled in. Upstream: apiserver pkg/apis/flowcontrol/bootstrap. */

/** These are always as they are here; all others only while nobody has changed them. */
export const MANDATORY: readonly string[] = ['exempt', 'catch-all'];

/** Says whether an object follows what is suggested here. */
export const AUTO_UPDATE = 'apf.kubernetes.io/autoupdate-spec';

/** Name, shares, lendable percent, and queues/hand size where requests wait rather than being refused. */
const LEVELS: readonly (readonly [name: string, shares: number, lendable: number, queues?: number, handSize?: number])[] = [
  ['catch-all', 5, 0], ['system', 30, 33, 64, 6], ['node-high', 40, 25, 64, 6], ['leader-election', 10, 0, 16, 4],
  ['workload-high', 40, 50, 128, 6], ['workload-low', 100, 90, 128, 6], ['global-default', 20, 50, 128, 6],
];

const group = (name: string) => ({ kind: 'Group', group: { name } });
const user = (name: string) => ({ kind: 'User', user: { name } });
const kubeSystemAccounts = { kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: 'kube-system' } };
const everybody = [group('system:unauthenticated'), group('system:authenticated')];

const onResources = (verbs: readonly string[], apiGroups: readonly string[], resources: readonly string[], clusterScope = false) =>
  ({ verbs, apiGroups, resources, namespaces: ['*'], ...(clusterScope && { clusterScope }) });
const everything = {
  resourceRules: [onResources(['*'], ['*'], ['*'], true)],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
};

type Rules = Omit<NonNullable<FlowSchemaSpec['rules']>[number], 'subjects'>;
type Subjects = NonNullable<FlowSchemaSpec['rules']>[number]['subjects'];

/** Name, level, precedence, how flows are told apart, subjects, rules. */
const SCHEMAS: readonly (readonly [name: string, level: string, precedence: number, distinguisher: string, subjects: Subjects, rules: Rules])[] = [
  ['exempt', 'exempt', 1, '', [group('system:masters')], everything],
  ['probes', 'exempt', 2, '', everybody, { nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }] }],
  ['system-leader-election', 'leader-election', 100, 'ByUser', [user('system:kube-controller-manager'), user('system:kube-scheduler'), kubeSystemAccounts],
    { resourceRules: [onResources(['get', 'create', 'update'], ['coordination.k8s.io'], ['leases'])] }],
  ['system-node-high', 'node-high', 400, 'ByUser', [group('system:nodes')],
    { resourceRules: [onResources(['*'], [''], ['nodes', 'nodes/status'], true), onResources(['*'], ['coordination.k8s.io'], ['leases'])] }],
  ['system-nodes', 'system', 500, 'ByUser', [group('system:nodes')], everything],
  ['kube-controller-manager', 'workload-high', 800, 'ByNamespace', [user('system:kube-controller-manager')], everything],
  ['kube-scheduler', 'workload-high', 800, 'ByNamespace', [user('system:kube-scheduler')], everything],
  ['kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', [kubeSystemAccounts], everything],
  ['service-accounts', 'workload-low', 9000, 'ByUser', [group('system:serviceaccounts')], everything],
  ['global-default', 'global-default', 9900, 'ByUser', everybody, everything],
  ['catch-all', 'catch-all', 10000, 'ByUser', everybody, everything],
];

export interface Suggested<Spec> {
  readonly name: string;
  readonly spec: Spec;
}

export const suggestedLevels: readonly Suggested<PriorityLevelConfigurationSpec>[] = [
  { name: 'exempt', spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } } },
  ...LEVELS.map(([name, nominalConcurrencyShares, lendablePercent, queues, handSize]): Suggested<PriorityLevelConfigurationSpec> => ({
    name,
    spec: {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares, lendablePercent,
        limitResponse: queues && handSize ? { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } } : { type: 'Reject' },
      },
    },
  })),
];

export const suggestedSchemas: readonly Suggested<FlowSchemaSpec>[] = SCHEMAS.map(([name, level, matchingPrecedence, distinguisher, subjects, rules]) => ({
  name,
  spec: { priorityLevelConfiguration: { name: level }, matchingPrecedence, ...(distinguisher && { distinguisherMethod: { type: distinguisher } }), rules: [{ subjects, ...rules }] },
}));

const imagined = (name: string) => ({ name, uid: '', resourceVersion: '', creationTimestamp: '' });

/** What holds where the objects are missing. */
export function mandatoryLevels(): readonly PriorityLevelConfiguration[] {
  return suggestedLevels.filter(({ name }) => MANDATORY.includes(name)).map(({ name, spec }) => ({ apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'PriorityLevelConfiguration', metadata: imagined(name), spec }));
}

export function mandatorySchemas(): readonly FlowSchema[] {
  return suggestedSchemas.filter(({ name }) => MANDATORY.includes(name)).map(({ name, spec }) => ({ apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: imagined(name), spec }));
}
