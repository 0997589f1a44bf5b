import { notFound } from '../../api/errors.ts';
import type { TokenRequest } from '../../api/generated/authentication-v1.ts';
import type { Node, PersistentVolumeClaim, Pod, Volume } from '../../api/generated/core-v1.ts';
import type { ResourceSlice } from '../../api/generated/resource-v1.ts';
import { nodes, persistentVolumeClaims, persistentVolumes, pods } from '../../api/generated/resources.ts';
import { without } from '../../api/kinds/fill.ts';
import { nodeIdentity } from '../authz/node-authorizer.ts';
import { podReferences } from '../authz/pod-references.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { refused } from './admission-fault.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

/** What a node's kubelet may write: itself, its own pods' states, its mirror pods, tokens for its pods. Upstream: plugin/pkg/admission/noderestriction. */
export function nodeRestriction({ objects, authorizer }: AdmissionServices): AdmissionPlugin {
  const quote = JSON.stringify;

  const podOf = (a: AdmissionAttributes, name: string): Pod => {
    const pod = objects.get(pods, { namespace: a.namespace, name });
    if (!pod) throw notFound(pods, name);
    return pod;
  };

  const checkMirrorPod = (node: string, a: AdmissionAttributes): void => {
    const pod = a.object as Pod;
    if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] === undefined) {
      throw refused(a, `pod does not have "kubernetes.io/config.mirror" annotation, node ${quote(node)} can only create mirror pods`);
    }
    if (pod.spec.nodeName !== node) throw refused(a, `node ${quote(node)} can only create pods with spec.nodeName set to itself`);
    const owners = pod.metadata.ownerReferences ?? [];
    if (owners.length > 1) throw refused(a, `node ${quote(node)} can only create pods with a single owner reference set to itself`);
    const owner = owners[0];
    if (!owner || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) throw refused(a, `node ${quote(node)} can only create pods with an owner reference set to itself`);
    if (!owner.controller) throw refused(a, `node ${quote(node)} can only create pods with a controller owner reference set to itself`);
    if (owner.blockOwnerDeletion) throw refused(a, `node ${quote(node)} must not set blockOwnerDeletion on an owner reference`);
    const found = objects.get(nodes, { name: node });
    if (!found) throw notFound(nodes, node);
    if (owner.uid !== found.metadata.uid) throw refused(a, `node ${node} UID mismatch: expected ${owner.uid} got ${found.metadata.uid}`);
    const reference = apiReference(pod);
    if (reference) throw refused(a, `node ${quote(node)} can not create pods that reference ${reference}`);
  };

  const checkPod = (node: string, a: AdmissionAttributes): void => {
    const { operation, subresource } = a;
    if (subresource === 'status') {
      const [pod, old] = [a.object as Pod, a.oldObject as Pod];
      if (old.spec.nodeName !== node) throw refused(a, `node ${quote(node)} can only update pod status for pods with spec.nodeName set to itself`);
      if (!deepEqual(pod.metadata.labels ?? {}, old.metadata.labels ?? {})) throw refused(a, `node ${quote(node)} cannot update labels through pod status`);
      if (!deepEqual(pod.status?.resourceClaimStatuses, old.status?.resourceClaimStatuses)) throw refused(a, `node ${quote(node)} cannot update resource claim statues`);
    } else if (subresource === 'eviction') {
      if (podOf(a, a.name || (a.object?.metadata.name ?? '')).spec.nodeName !== node) throw refused(a, `node ${node} can only evict pods with spec.nodeName set to itself`);
    } else if (subresource !== '') throw refused(a, `unexpected pod subresource ${quote(subresource)}, only 'status' and 'eviction' are allowed`);
    else if (operation === 'CREATE') checkMirrorPod(node, a);
    else if (operation === 'DELETE') {
      if (podOf(a, a.name).spec.nodeName !== node) throw refused(a, `node ${quote(node)} can only delete pods with spec.nodeName set to itself`);
    } else throw refused(a, `unexpected operation ${quote(operation)}, node ${quote(node)} can only create and delete mirror pods`);
  };

  const checkNode = (node: string, a: AdmissionAttributes): void => {
    const name = a.name || (a.object?.metadata.name ?? '');
    if (name !== node) throw refused(a, `node ${quote(node)} is not allowed to modify node ${quote(name)}`);
    const [next, old] = [a.object as Node | undefined, a.oldObject as Node | undefined];
    if (!next) return;
    if (a.operation === 'UPDATE') {
      if (!deepEqual(next.spec?.taints ?? [], old?.spec?.taints ?? [])) throw refused(a, `node ${quote(node)} is not allowed to modify taints`);
      if (!deepEqual(next.metadata.ownerReferences ?? [], old?.metadata.ownerReferences ?? [])) throw refused(a, `node ${quote(node)} is not allowed to modify ownerReferences`);
    }
    const forbidden = forbiddenLabels(next.metadata.labels, old?.metadata.labels);
    if (!forbidden.length) return;
    const list = forbidden.join(', ');
    throw refused(a, a.operation === 'CREATE' ? `node ${quote(node)} is not allowed to set the following labels: ${list}` : `is not allowed to modify labels: ${list}`);
  };

  const checkToken = async (node: string, a: AdmissionAttributes): Promise<void> => {
    const { spec } = a.object as TokenRequest;
    const bound = spec.boundObjectRef;
    if (bound?.apiVersion !== 'v1' || bound.kind !== 'Pod' || !bound.name) throw refused(a, 'node requested token not bound to a pod');
    if (!bound.uid) throw refused(a, 'node requested token with a pod binding without a uid');
    const pod = podOf(a, bound.name);
    if (bound.uid !== pod.metadata.uid) throw refused(a, `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`);
    if (pod.spec.nodeName !== node) throw refused(a, 'node requested token bound to a pod scheduled on a different node');
    const audiences = spec.audiences ?? [];
    if (audiences.length > 1) throw refused(a, 'node may only request 0 or 1 audiences');
    const audience = audiences[0] ?? '';
    if (podAsksForAudience(pod, audience)) return;
    const { user } = a.context;
    const resource = { group: '', version: 'v1', resource: audience, subresource: '', namespace: a.namespace, name: a.name };
    if ((await authorizer.authorize({ user, verb: 'request-serviceaccounts-token-audience', resource })).allowed) return;
    throw refused(a, `audience ${quote(audience)} not found in pod spec volume, ${user.name} is not authorized to request tokens for this audience`);
  };

  /** CSI drivers ask for tokens of audiences of their own: those of a pod's CSI volumes pass, whatever the audience. */
  const podAsksForAudience = (pod: Pod, audience: string): boolean => (pod.spec.volumes ?? []).some((volume) =>
    volume.projected?.sources?.some((source) => source.serviceAccountToken && (source.serviceAccountToken.audience ?? '') === audience) === true || usesCsi(pod, volume));

  const usesCsi = (pod: Pod, volume: Volume): boolean => {
    if (volume.csi) return true;
    const claim = volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : volume.persistentVolumeClaim?.claimName;
    const volumeName = claim && objects.get(persistentVolumeClaims, { namespace: pod.metadata.namespace, name: claim })?.spec.volumeName;
    return !!volumeName && objects.get(persistentVolumes, { name: volumeName })?.spec.csi !== undefined;
  };

  const checkClaim = (node: string, a: AdmissionAttributes): void => {
    if (a.subresource !== 'status') throw refused(a, 'may only update PVC status');
    const bare = (claim: PersistentVolumeClaim): unknown => {
      const status = without(claim.status ?? {}, 'capacity', 'conditions', 'allocatedResources', 'allocatedResourceStatuses');
      return { ...claim, metadata: without(claim.metadata, 'resourceVersion', 'managedFields'), status };
    };
    if (!deepEqual(bare(a.object as PersistentVolumeClaim), bare(a.oldObject as PersistentVolumeClaim))) {
      throw refused(a, `node ${quote(node)} is not allowed to update fields other than status.quantity and status.conditions`);
    }
  };

  const checkNamedAfterNode = (word: string) => (node: string, a: AdmissionAttributes): void => {
    const name = a.object?.metadata.name || a.name;
    if (name !== node) throw refused(a, word === 'lease' ? 'can only access node lease with the same name as the requesting node' : `can only access ${word} with the same name as the requesting node`);
  };

  const checks: Readonly<Record<string, (node: string, a: AdmissionAttributes) => Promise<void> | void>> = {
    pods: checkPod,
    nodes: checkNode,
    persistentvolumeclaims: checkClaim,
    serviceaccounts: (node, a) => {
      return a.operation === 'CREATE' && a.subresource === 'token' ? checkToken(node, a) : undefined;
    },
    'leases.coordination.k8s.io': (node, a) => {
      if (a.namespace !== 'kube-node-lease') throw refused(a, 'can only access leases in the "kube-node-lease" system namespace');
      checkNamedAfterNode('lease')(node, a);
    },
    'csinodes.storage.k8s.io': checkNamedAfterNode('CSINode'),
    'resourceslices.resource.k8s.io': (node, a) => {
      const slice = (a.object ?? a.oldObject) as ResourceSlice | undefined;
      if (slice && slice.spec.nodeName !== node) throw refused(a, `can only ${a.operation === 'DELETE' ? 'delete' : 'create'} ResourceSlice with the same NodeName as the requesting node`);
    },
  };

  return {
    name: 'NodeRestriction',
    handles: () => true,
    admit(attributes) {
      const node = nodeIdentity(attributes.context.user);
      if (node === undefined) return undefined;
      if (node === '') throw refused(attributes, `could not determine node from user ${quote(attributes.context.user.name)}`);
      const { group, resource } = attributes.resource;
      return checks[group ? `${resource}.${group}` : resource]?.(node, attributes);
    },
  };
}

const KUBELET_LABELS = new Set([
  'kubernetes.io/hostname', 'topology.kubernetes.io/zone', 'topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region', 'beta.kubernetes.io/instance-type', 'node.kubernetes.io/instance-type', 'kubernetes.io/os', 'kubernetes.io/arch',
  'beta.kubernetes.io/os', 'beta.kubernetes.io/arch',
]);
const within = (domain: string, of: string): boolean => domain === of || domain.endsWith(`.${of}`);

/** Labels of Kubernetes' own that a kubelet changed without being entitled to. */
export function forbiddenLabels(next: Readonly<Record<string, string>> = {}, old: Readonly<Record<string, string>> = {}): readonly string[] {
  const changed = [...new Set([...Object.keys(next), ...Object.keys(old)])].filter((key) => next[key] !== old[key]);
  return changed.filter((key) => {
    const slash = key.indexOf('/');
    const domain = slash < 0 ? '' : key.slice(0, slash);
    if (within(domain, 'node-restriction.kubernetes.io')) return true;
    const own = within(domain, 'kubernetes.io') || within(domain, 'k8s.io');
    return own && !KUBELET_LABELS.has(key) && !within(domain, 'kubelet.kubernetes.io') && !within(domain, 'node.kubernetes.io');
  }).sort();
}

/** What of the API a pod makes use of, for a mirror pod must not use any; undefined: nothing. */
function apiReference(pod: Pod): string | undefined {
  const references = podReferences(pod);
  if (references.serviceAccount) return 'serviceaccounts';
  if (references.secrets.size) return 'secrets';
  if (references.configMaps.size) return 'configmaps';
  if (pod.spec.resourceClaims?.length) return 'resourceclaims';
  for (const volume of pod.spec.volumes ?? []) {
    if (volume.csi) return 'csidrivers (via CSI volumes)';
    if (volume.persistentVolumeClaim) return 'persistentvolumeclaims';
    if (volume.ephemeral) return 'persistentvolumeclaims (via ephemeral volumes)';
    if (volume.projected?.sources?.some((source) => source.serviceAccountToken)) return 'serviceaccounts (via projected volumes)';
  }
  return undefined;
}
