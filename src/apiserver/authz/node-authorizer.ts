import type { PersistentVolume, Pod } from '../../api/generated/core-v1.ts';
import type { ResourceSlice } from '../../api/generated/resource-v1.ts';
import { persistentVolumes, pods, resourceSlices, volumeAttachments } from '../../api/generated/resources.ts';
import type { User } from '../../api/kind.ts';
import type { AuthorizationAttributes, Authorizer, Decision } from './authorizer.ts';
import { clusterRoles } from './bootstrap-roles.ts';
import { expandRule } from './bootstrap-rbac.ts';
import { podReferences } from './pod-references.ts';
import { RuleSet, ruleKey } from './policy-rule.ts';
import type { StoredObjects } from './stored-objects.ts';

type Attributes = AuthorizationAttributes & { readonly resource: NonNullable<AuthorizationAttributes['resource']> };

const ALLOW: Decision = { allowed: true, reason: '' };
const no = (reason = ''): Decision => ({ allowed: false, reason });

/** The node that a user is: undefined for others, empty for one of the group without a proper name. Upstream: pkg/auth/nodeidentifier. */
export function nodeIdentity(user: User): string | undefined {
  if (!user.groups.includes('system:nodes')) return undefined;
  return user.name.startsWith('system:node:') ? user.name.slice('system:node:'.length) : '';
}

/**
 * Lets a node read what the pods bound to it make use of, and nothing else of that sort; other resources by the rules of `system:node`.
 * Which node uses what is counted from the pods as they are stored. Upstream: plugin/pkg/auth/authorizer/node.
 */
export class NodeAuthorizer implements Authorizer, Disposable {
  readonly #objects: StoredObjects;
  /** `secrets/namespace/name` → node → how many of its pods use it. */
  readonly #uses = new Map<string, Map<string, number>>();
  /** Secret that a volume's driver needs → names of those volumes. */
  readonly #volumeSecrets = new Map<string, Set<string>>();
  readonly #rules = new RuleSet(clusterRoles.find((role) => role.name === 'system:node')!.rules.map(expandRule));
  readonly #stack = new DisposableStack();

  constructor(objects: StoredObjects) {
    this.#objects = objects;
    this.#stack.use(objects.follow(pods, {
      put: (pod, previous) => {
        if (previous && refersAlike(previous, pod)) return;
        if (previous) this.#count(previous, -1);
        this.#count(pod, 1);
      },
      delete: (pod) => this.#count(pod, -1),
    }));
    const volume = (change: (secret: string, name: string) => void) => (pv: PersistentVolume): void => {
      for (const secret of secretsOfVolume(pv)) change(secret, pv.metadata.name);
    };
    const remove = volume((secret, name) => this.#volumeSecrets.get(secret)?.delete(name));
    const add = volume((secret, name) => {
      const names = this.#volumeSecrets.get(secret);
      if (names) names.add(name);
      else this.#volumeSecrets.set(secret, new Set([name]));
    });
    this.#stack.use(objects.follow(persistentVolumes, {
      put: (pv, previous) => {
        if (previous) remove(previous);
        add(pv);
      },
      delete: remove,
    }));
  }

  authorize(attributes: AuthorizationAttributes): Decision {
    const node = nodeIdentity(attributes.user);
    if (node === undefined) return no();
    if (node === '') return no(`unknown node for user ${JSON.stringify(attributes.user.name)}`);
    const { resource } = attributes;
    if (resource) {
      const decide = this.#special[resource.group ? `${resource.resource}.${resource.group}` : resource.resource];
      if (decide) return decide(node, attributes as Attributes);
    }
    return this.#rules.allows(attributes, ruleKey(attributes)) ? ALLOW : no();
  }

  [Symbol.dispose](): void {
    this.#stack[Symbol.dispose]();
  }

  readonly #special: Readonly<Record<string, (node: string, attributes: Attributes) => Decision>> = {
    secrets: (node, a) => this.#read(node, a),
    configmaps: (node, a) => this.#read(node, a),
    persistentvolumeclaims: (node, a) => {
      if (a.resource.subresource !== 'status') return this.#get(node, a);
      return a.verb === 'update' || a.verb === 'patch' ? this.#related(node, a) : no('can only get/update/patch this type');
    },
    persistentvolumes: (node, a) => this.#get(node, a),
    'resourceclaims.resource.k8s.io': (node, a) => this.#get(node, a),
    'volumeattachments.storage.k8s.io': (node, a) => this.#get(node, a),
    serviceaccounts: (node, a) => {
      if (a.verb === 'get' && !a.resource.subresource) return this.#read(node, a);
      if (a.verb !== 'create' || !a.resource.name) return no('can only create tokens for individual service accounts');
      return a.resource.subresource === 'token' ? this.#related(node, a) : no('can only create token subresource of serviceaccount');
    },
    'leases.coordination.k8s.io': (node, { verb, resource }) => {
      if (!OWN_VERBS.has(verb)) return no('can only get, create, update, patch, or delete a node lease');
      if (resource.namespace !== 'kube-node-lease') return no('can only access leases in the "kube-node-lease" system namespace');
      return verb === 'create' || resource.name === node ? ALLOW : no('can only access node lease with the same name as the requesting node');
    },
    'csinodes.storage.k8s.io': (node, { verb, resource }) => {
      if (!OWN_VERBS.has(verb)) return no('can only get, create, update, patch, or delete a CSINode');
      if (resource.subresource) return no('cannot authorize CSINode subresources');
      return verb === 'create' || resource.name === node ? ALLOW : no('can only access CSINode with the same name as the requesting node');
    },
    'resourceslices.resource.k8s.io': (node, { verb, resource }) => {
      if (resource.subresource) return no('cannot authorize ResourceSlice subresources');
      if (verb === 'create') return ALLOW;
      if (verb === 'list' || verb === 'watch' || verb === 'deletecollection') {
        return selects(resource.fieldSelector, node) ? ALLOW : no('can only list/watch/deletecollection resourceslices with nodeName field selector');
      }
      const slice: ResourceSlice | undefined = this.#objects.get(resourceSlices, { name: resource.name });
      return slice?.spec.nodeName === node ? ALLOW : unrelated(node);
    },
    nodes: (node, { verb, resource }) => {
      const write = verb === 'update' || verb === 'patch';
      if (resource.subresource) return resource.subresource === 'status' && write ? ALLOW : no();
      if (verb === 'create' || write) return ALLOW;
      if (verb !== 'get' && verb !== 'list' && verb !== 'watch') return no();
      if (resource.name === node) return ALLOW;
      return no(resource.name ? `node '${node}' cannot read '${resource.name}', only its own Node object` : `node '${node}' cannot read all nodes, only its own Node object`);
    },
    pods: (node, a) => {
      const { verb, resource } = a;
      if (resource.subresource === 'status') return verb === 'update' || verb === 'patch' ? ALLOW : no();
      if (resource.subresource === 'eviction') return verb === 'create' ? ALLOW : no();
      if (resource.subresource) return no();
      if (verb === 'create' || verb === 'delete') return ALLOW;
      if (verb === 'get') return this.#get(node, a);
      if (verb !== 'list' && verb !== 'watch') return no();
      if (selects(resource.fieldSelector, node)) return ALLOW;
      return resource.name ? this.#related(node, a) : no('can only list/watch pods with spec.nodeName field selector');
    },
  };

  #get(node: string, attributes: Attributes): Decision {
    if (attributes.verb !== 'get') return no('can only get individual resources of this type');
    return attributes.resource.subresource ? no('cannot get subresource') : this.#related(node, attributes);
  }

  #read(node: string, attributes: Attributes): Decision {
    if (!['get', 'list', 'watch'].includes(attributes.verb)) return no('can only read resources of this type');
    if (attributes.resource.subresource) return no('cannot read subresource');
    if (!attributes.resource.namespace) return no('can only read namespaced object of this type');
    return this.#related(node, attributes);
  }

  #related(node: string, { resource: { resource, namespace, name } }: Attributes): Decision {
    if (!name) return no('No Object name found');
    return this.#reaches(node, resource, namespace, name) ? ALLOW : unrelated(node);
  }

  #reaches(node: string, resource: string, namespace: string, name: string): boolean {
    if (resource === 'persistentvolumes') {
      const claim = this.#objects.get(persistentVolumes, { name })?.spec.claimRef;
      return claim !== undefined && this.#reaches(node, 'persistentvolumeclaims', claim.namespace ?? '', claim.name ?? '');
    }
    if (resource === 'volumeattachments') return this.#objects.get(volumeAttachments, { name })?.spec.nodeName === node;
    if (resource === 'pods') return this.#objects.get(pods, { namespace, name })?.spec.nodeName === node;
    if (this.#uses.get(`${resource}/${namespace}/${name}`)?.has(node)) return true;
    if (resource !== 'secrets') return false;
    for (const volume of this.#volumeSecrets.get(`${namespace}/${name}`) ?? []) {
      if (this.#reaches(node, 'persistentvolumes', '', volume)) return true;
    }
    return false;
  }

  #count(pod: Pod, by: 1 | -1): void {
    const node = pod.spec.nodeName;
    // A mirror pod is made by its node: it must not open anything to it.
    if (!node || pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return;
    const { namespace } = pod.metadata;
    const references = podReferences(pod);
    const each = (resource: string, names: Iterable<string>): void => {
      for (const name of names) {
        const key = `${resource}/${namespace}/${name}`;
        const nodes = this.#uses.get(key) ?? new Map<string, number>();
        const count = (nodes.get(node) ?? 0) + by;
        if (count > 0) nodes.set(node, count);
        else nodes.delete(node);
        if (nodes.size) this.#uses.set(key, nodes);
        else this.#uses.delete(key);
      }
    };
    each('secrets', references.secrets);
    each('configmaps', references.configMaps);
    each('persistentvolumeclaims', references.persistentVolumeClaims);
    each('resourceclaims', references.resourceClaims);
    if (references.serviceAccount) each('serviceaccounts', [references.serviceAccount]);
  }
}

/** Whether nothing changed that `podReferences` or the count read: so it is with nearly all writes of a pod, which report a status. */
function refersAlike(previous: Pod, next: Pod): boolean {
  return previous.spec === next.spec && previous.metadata.annotations === next.metadata.annotations
    && previous.status?.resourceClaimStatuses === next.status?.resourceClaimStatuses && previous.status?.extendedResourceClaimStatus === next.status?.extendedResourceClaimStatus;
}

const OWN_VERBS = new Set(['get', 'create', 'update', 'patch', 'delete']);
const unrelated = (node: string): Decision => no(`no relationship found between node '${node}' and this object`);

/** Whether a field selector holds the list to one node's objects. */
function selects(fieldSelector: string | undefined, node: string): boolean {
  return (fieldSelector ?? '').split(',').some((term) => /^(spec\.)?nodeName==?(.*)$/.exec(term)?.[2] === node);
}

/** `namespace/name` of the secrets in a volume's description. Upstream: pkg/api/persistentvolume.VisitPVSecretNames. */
function secretsOfVolume(pv: PersistentVolume): readonly string[] {
  const { spec } = pv;
  const claimNamespace = spec.claimRef?.namespace ?? '';
  const references = [
    spec.cephfs?.secretRef, spec.cinder?.secretRef, spec.flexVolume?.secretRef, spec.rbd?.secretRef, spec.scaleIO?.secretRef, spec.iscsi?.secretRef,
    spec.storageos?.secretRef, spec.csi?.controllerPublishSecretRef, spec.csi?.nodePublishSecretRef, spec.csi?.nodeStageSecretRef, spec.csi?.nodeExpandSecretRef,
    spec.azureFile && { name: spec.azureFile.secretName, namespace: spec.azureFile.secretNamespace },
  ];
  return references.flatMap((r) => (r?.name ? [`${r.namespace || claimNamespace}/${r.name}`] : []));
}
