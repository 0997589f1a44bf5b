import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/generated/core-v1.ts';
import { persistentVolumeClaims, persistentVolumes, pods as podResource, volumeAttributesClasses } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf, type KubeObject, type ResourceType } from '../../api/object.ts';
import { isPodTerminal } from '../../api/pod/conditions.ts';
import type { Client } from '../../client/client.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';

const CLAIM_FINALIZER = 'kubernetes.io/pvc-protection';
const VOLUME_FINALIZER = 'kubernetes.io/pv-protection';
const ATTRIBUTES_FINALIZER = 'kubernetes.io/vac-protection';

/** A claim that a pod uses is not deleted under it. Upstream: pkg/controller/volume/pvcprotection. */
export const claimProtectionController: Controller = {
  name: 'persistentvolumeclaim-protection-controller',
  start(context) {
    const { client, informers } = context;
    const claims = informers.informer(persistentVolumeClaims);
    const pods = informers.informer(podResource);

    async function reconcile(key: string): Promise<void> {
      const claim = claims.get(key);
      if (!claim) return;
      const using = (list: readonly Pod[]): boolean => list.some((pod) => uses(pod, claim));
      await protect(client, persistentVolumeClaims, claim, CLAIM_FINALIZER, async () =>
        using(pods.list(claim.metadata.namespace)) || using((await client.list(podResource, { namespace: claim.metadata.namespace })).items));
    }

    const loop = startLoop(context, { name: 'persistentvolumeclaim-protection-controller', queue: 'pvcprotection', needs: [claims, pods], workers: 2, reconcile });
    loop.follow(claims, itself);
    loop.follow(pods, (pod) => claimNames(pod).map((name) => keyOf({ metadata: { namespace: pod.metadata.namespace, name } })).filter((key) => claims.get(key)?.metadata.deletionTimestamp));
    return loop;
  },
};

/** A volume that is bound is not deleted under its claim. Upstream: pkg/controller/volume/pvprotection. */
export const volumeProtectionController: Controller = {
  name: 'persistentvolume-protection-controller',
  start(context) {
    const volumes = context.informers.informer(persistentVolumes);

    async function reconcile(name: string): Promise<void> {
      const volume: PersistentVolume | undefined = volumes.get(name);
      if (volume) await protect(context.client, persistentVolumes, volume, VOLUME_FINALIZER, async () => volume.status?.phase === 'Bound');
    }

    const loop = startLoop(context, { name: 'persistentvolume-protection-controller', queue: 'pvprotection', needs: [volumes], workers: 1, reconcile });
    loop.follow(volumes, itself);
    return loop;
  },
};

/** A class of attributes that a volume or claim names is not deleted. Upstream: pkg/controller/volume/vacprotection. */
export const attributesClassProtectionController: Controller = {
  name: 'volumeattributesclass-protection-controller',
  start(context) {
    const { client, informers } = context;
    const classes = informers.informer(volumeAttributesClasses);
    const claims = informers.informer(persistentVolumeClaims);
    const volumes = informers.informer(persistentVolumes);

    async function reconcile(name: string): Promise<void> {
      const found = classes.get(name);
      if (!found) return;
      await protect(client, volumeAttributesClasses, found, ATTRIBUTES_FINALIZER, async () =>
        claims.list().some((claim) => attributesClasses(claim).includes(name)) || volumes.list().some(({ spec }) => spec?.volumeAttributesClassName === name)
        || (await client.list(persistentVolumeClaims)).items.some((claim) => attributesClasses(claim).includes(name)));
    }

    const loop = startLoop(context, { name: 'volumeattributesclass-protection-controller', queue: 'vacprotection', needs: [classes, claims, volumes], workers: 1, reconcile });
    const beingDeleted = (names: readonly string[]): readonly string[] => names.filter((name) => classes.get(name)?.metadata.deletionTimestamp);
    loop.follow(classes, itself);
    loop.follow(claims, (claim) => beingDeleted(attributesClasses(claim)));
    loop.follow(volumes, ({ spec }) => beingDeleted(spec?.volumeAttributesClassName ? [spec.volumeAttributesClassName] : []));
    return loop;
  },
};

/** The classes of attributes a claim asks for, has, or is on its way to. */
function attributesClasses({ spec, status }: PersistentVolumeClaim): readonly string[] {
  return [spec?.volumeAttributesClassName, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName].filter((name) => name !== undefined);
}

/** Puts the finalizer on what lives, and takes it off what is being deleted as soon as nobody uses it. */
async function protect<T extends KubeObject>(client: Client, resource: ResourceType<T>, object: T, finalizer: string, isUsed: () => Promise<boolean>): Promise<void> {
  const { finalizers = [], deletionTimestamp } = object.metadata;
  const guarded = finalizers.includes(finalizer);
  try {
    if (deletionTimestamp) {
      if (guarded && !(await isUsed())) await client.update(resource, { ...object, metadata: { ...object.metadata, finalizers: finalizers.filter((other) => other !== finalizer) } });
    } else if (!guarded) {
      await client.update(resource, { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] } });
    }
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}

/** Names of the claims a pod uses; those of its ephemeral volumes are named after pod and volume. */
export function claimNames(pod: Pod): readonly string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => (volume.persistentVolumeClaim ? [volume.persistentVolumeClaim.claimName] : volume.ephemeral ? [`${pod.metadata.name}-${volume.name}`] : []));
}

/** An ended pod uses nothing; one that was never scheduled does not either, if it is on its way out. */
function uses(pod: Pod, claim: PersistentVolumeClaim): boolean {
  return !isPodTerminal(pod) && (pod.spec.nodeName !== undefined || !pod.metadata.deletionTimestamp) && claimNames(pod).includes(claim.metadata.name);
}
