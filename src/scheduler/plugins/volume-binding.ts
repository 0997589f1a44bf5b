import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/generated/core-v1.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../api/generated/resources.ts';
import { keyOf, parseKey } from '../../api/object.ts';
import { compareQuantities } from '../../api/quantity.ts';
import type { SchedulerPlugin } from '../framework.ts';
import { unresolvable } from '../rejection.ts';
import type { PluginContext } from './plugin-context.ts';
import { classNameOf, findVolume, isFullyBound, provisions, reachable } from './volume-matching.ts';

const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
const BIND_TIMEOUT_MS = 600_000;

/** What binding a pod to a node means for its unbound claims. */
interface Plan {
  readonly bind: readonly { readonly volume: PersistentVolume; readonly claim: PersistentVolumeClaim }[];
  readonly provision: readonly PersistentVolumeClaim[];
}

interface State {
  readonly bound: readonly PersistentVolumeClaim[];
  /** Claims that wait for their first consumer, the smallest first. */
  readonly waiting: readonly PersistentVolumeClaim[];
  readonly plans: Map<string, Plan>;
}

/**
 * A pod goes where its volumes can be reached; claims that wait for their first consumer are bound, or their volumes provisioned, for the
 * node that was chosen. Upstream: plugins/volumebinding. Thinner: storage capacity of CSI drivers is not asked for.
 */
export function volumeBinding(context: PluginContext): SchedulerPlugin<State> {
  /** Volumes promised to pods whose binding is under way, and to which claim. */
  const promised = new Map<string, string>();
  const plans = new Map<string, Plan>();

  return {
    name: 'VolumeBinding',

    preFilter({ pod }) {
      const bound: PersistentVolumeClaim[] = [];
      const waiting: PersistentVolumeClaim[] = [];
      const claims = claimNames(pod);
      if (claims.length === 0) return 'skip';
      let immediate = false;
      for (const { name, ephemeral } of claims) {
        const claim = context.persistentVolumeClaims.get(`${pod.metadata.namespace}/${name}`);
        if (!claim) {
          return { rejected: unresolvable(ephemeral ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"` : `persistentvolumeclaim "${name}" not found`) };
        }
        if (claim.status?.phase === 'Lost') return { rejected: unresolvable(`persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName ?? ''}"`) };
        if (claim.metadata.deletionTimestamp !== undefined) return { rejected: unresolvable(`persistentvolumeclaim "${name}" is being deleted`) };
        if (ephemeral && !claim.metadata.ownerReferences?.some((owner) => owner.uid === pod.metadata.uid)) {
          return { rejected: unresolvable(`PVC ${pod.metadata.namespace}/${name} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`) };
        }
        if (isFullyBound(claim)) bound.push(claim);
        else if (!claim.spec.volumeName && context.storageClasses.get(classNameOf(claim))?.volumeBindingMode === 'WaitForFirstConsumer') waiting.push(claim);
        else immediate = true;
      }
      if (immediate) return { rejected: unresolvable('pod has unbound immediate PersistentVolumeClaims') };
      waiting.sort((a, b) => compareQuantities(a.spec.resources?.requests?.['storage'], b.spec.resources?.requests?.['storage']));
      return { state: { bound, waiting, plans: new Map() } };
    },

    filter({ bound, waiting, plans: found }, _pod, { name, node }) {
      const reasons = new Set<string>();
      for (const claim of bound) {
        const volume = context.persistentVolumes.get(claim.spec.volumeName!);
        if (!volume) reasons.add('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)');
        else if (!reachable(volume, node!)) reasons.add("node(s) didn't match PersistentVolume's node affinity");
      }
      const bind: { readonly volume: PersistentVolume; readonly claim: PersistentVolumeClaim }[] = [];
      const provision: PersistentVolumeClaim[] = [];
      for (const claim of waiting) {
        const selected = claim.metadata.annotations?.[SELECTED_NODE];
        const volume = selected ? undefined : findVolume(claim, context.persistentVolumes.list(), node!, (pv) => promised.has(pv) || bind.some((b) => b.volume.metadata.name === pv));
        if (volume) bind.push({ volume, claim });
        // A volume is being made for another node: it cannot be had here.
        else if (selected ? selected === name : provisions(context.storageClasses.get(classNameOf(claim)), node!)) provision.push(claim);
        else reasons.add(selected ? "node(s) didn't match PersistentVolume's node affinity" : "node(s) didn't find available persistent volumes to bind");
      }
      if (reasons.size > 0) return unresolvable(...reasons);
      found.set(name, { bind, provision });
      return undefined;
    },

    reserve({ plans: found }, pod, { name }) {
      const plan = found.get(name);
      if (!plan || (plan.bind.length === 0 && plan.provision.length === 0)) return;
      plans.set(pod.key, plan);
      for (const { volume, claim } of plan.bind) promised.set(volume.metadata.name, keyOf(claim));
    },

    unreserve(pod) {
      for (const { volume } of plans.get(pod.key)?.bind ?? []) promised.delete(volume.metadata.name);
      plans.delete(pod.key);
    },

    async preBind(pod, nodeName, signal) {
      const plan = plans.get(pod.key);
      if (!plan) return;
      for (const { volume, claim } of plan.bind) {
        const { namespace, name, uid, resourceVersion } = claim.metadata;
        await context.client.update(persistentVolumes, {
          ...volume,
          metadata: { ...volume.metadata, annotations: { ...volume.metadata.annotations, 'pv.kubernetes.io/bound-by-controller': 'yes' } },
          spec: { ...volume.spec, claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion } },
        });
      }
      for (const claim of plan.provision) {
        if (claim.metadata.annotations?.[SELECTED_NODE] === nodeName) continue;
        await context.client.patch(persistentVolumeClaims, parseKey(keyOf(claim)), { type: 'application/merge-patch+json', body: { metadata: { annotations: { [SELECTED_NODE]: nodeName } } } });
      }
      await untilBound([...plan.bind.map(({ claim }) => claim), ...plan.provision].map(keyOf), context, signal);
      this.unreserve!(pod, nodeName);
    },

    hints: {
      Node: (_pod, { action }) => action !== 'delete',
      PersistentVolumeClaim: (pod, { action, object }) => action !== 'delete' && claimNames(pod).some(({ name }) => `${pod.metadata.namespace}/${name}` === keyOf(object as PersistentVolumeClaim)),
      PersistentVolume: (_pod, { action }) => action !== 'delete',
      StorageClass: (_pod, { action }) => action !== 'delete',
    },
  };
}

/** The claims that a pod uses; those of ephemeral volumes are called after pod and volume. */
export function claimNames(pod: Pod): { readonly name: string; readonly ephemeral: boolean }[] {
  return (pod.spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }): { readonly name: string; readonly ephemeral: boolean }[] =>
    persistentVolumeClaim ? [{ name: persistentVolumeClaim.claimName, ephemeral: false }] : ephemeral ? [{ name: `${pod.metadata.name}-${name}`, ephemeral: true }] : []);
}

async function untilBound(keys: readonly string[], { persistentVolumeClaims: claims, clock }: PluginContext, signal: AbortSignal): Promise<void> {
  const done = Promise.withResolvers<void>();
  const check = (): void => {
    const missing = keys.find((key) => !claims.get(key));
    if (missing) done.reject(new Error(`persistentvolumeclaim "${parseKey(missing).name}" not found`));
    else if (keys.every((key) => isFullyBound(claims.get(key)!))) done.resolve();
  };
  const onAbort = (): void => done.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  using timer = clock.timer(BIND_TIMEOUT_MS, () => done.reject(new Error('binding volumes: timed out waiting for the condition')));
  using following = claims.subscribe({ add: check, update: check, delete: check });
  void timer;
  void following;
  try {
    if (keys.length === 0) return;
    check();
    await done.promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
