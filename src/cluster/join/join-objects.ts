import { isReason } from '../../api/errors.ts';
import { clusterRoleBindings, clusterRoles, configMaps, roleBindings, roles } from '../../api/generated/resources.ts';
import type { KubeObject, New, ResourceType } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';
import { JOINING } from './token.ts';

export const JOIN_CONFIG = { namespace: 'kube-system', name: 'wherry-join' } as const;

/** What a machine must know of the cluster that it joins. */
export interface JoinConfig {
  /** The cluster's number, which gives all its addresses. */
  readonly index: number;
  /** The port at which nodes know the API server. */
  readonly apiPort: number;
  readonly egress: boolean;
  readonly dual: boolean;
  /** Where nodes have the volumes of the cluster's own class. */
  readonly volumes: string;
}

const RBAC = 'rbac.authorization.k8s.io';
const group = (name: string): { readonly kind: string; readonly apiGroup: string; readonly name: string } => ({ kind: 'Group', apiGroup: RBAC, name });
const clusterRole = (name: string): { readonly kind: string; readonly apiGroup: string; readonly name: string } => ({ kind: 'ClusterRole', apiGroup: RBAC, name });

/**
 * Makes what machines need that join: `kube-public/cluster-info`, which everybody may read (the bootstrap signer signs it), and the rights of nodes that come with a
 * token. Upstream: kubeadm's phases bootstraptoken/clusterinfo and bootstraptoken/node.
 */
export async function ensureJoinObjects(client: Client, { server, authority, config }: { readonly server: string; readonly authority: string; readonly config: JoinConfig }): Promise<void> {
  const kubeconfig = JSON.stringify({
    apiVersion: 'v1', kind: 'Config', clusters: [{ name: '', cluster: { server, 'certificate-authority-data': Buffer.from(authority).toString('base64') } }], contexts: [], 'current-context': '', preferences: {}, users: [],
  });
  const labels = { 'app.kubernetes.io/managed-by': 'wherry' };
  const publicName = { name: 'wherry:cluster-info', namespace: 'kube-public', labels };
  const configName = { name: 'wherry:join', namespace: JOIN_CONFIG.namespace, labels };
  await put(client, configMaps, { metadata: { name: 'cluster-info', namespace: 'kube-public' }, data: { kubeconfig } });
  await put(client, configMaps, { metadata: { ...JOIN_CONFIG, labels }, data: { 'config.json': JSON.stringify(config) } });
  await put(client, roles, { metadata: publicName, rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['cluster-info'], verbs: ['get'] }] });
  await put(client, roleBindings, { metadata: publicName, roleRef: { kind: 'Role', apiGroup: RBAC, name: publicName.name }, subjects: [{ kind: 'User', apiGroup: RBAC, name: 'system:anonymous' }, group('system:authenticated')] });
  await put(client, roles, { metadata: configName, rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: [JOIN_CONFIG.name], verbs: ['get'] }] });
  await put(client, roleBindings, { metadata: configName, roleRef: { kind: 'Role', apiGroup: RBAC, name: configName.name }, subjects: [group(JOINING)] });
  await put(client, clusterRoles, { metadata: { name: 'wherry:get-nodes', labels }, rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list'] }] });
  const bound = [
    ['wherry:get-nodes', 'wherry:get-nodes', JOINING], ['wherry:node-bootstrap', 'system:node-bootstrapper', JOINING],
    ['wherry:node-autoapprove-bootstrap', 'system:certificates.k8s.io:certificatesigningrequests:nodeclient', JOINING],
    ['wherry:node-autoapprove-rotation', 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', 'system:nodes'],
  ] as const;
  for (const [name, role, subject] of bound) await put(client, clusterRoleBindings, { metadata: { name, labels }, roleRef: clusterRole(role), subjects: [group(subject)] });
}

/** Makes the object, or gives the one that is there what matters of it. */
async function put<T extends KubeObject>(client: Client, resource: ResourceType<T>, object: New<T>): Promise<void> {
  try {
    await client.create(resource, object);
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
    const { namespace, name = '' } = (object as unknown as KubeObject).metadata;
    await client.patch(resource, { ...(namespace && { namespace }), name }, { type: 'application/merge-patch+json', body: object });
  }
}
