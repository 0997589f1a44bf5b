import type { PersistentVolume, PersistentVolumeClaim } from '../../api/generated/core-v1.ts';
import type { StorageClass } from '../../api/generated/storage-v1.ts';
import { persistentVolumeClaims, persistentVolumes, pods as podResource, storageClasses } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf } from '../../api/object.ts';
import { referenceTo } from '../../client/event-recorder.ts';
import { startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { without } from '../without.ts';
import { claimStatus } from './claim-status.ts';
import {
  BIND_COMPLETED, bestVolume, BOUND_BY_CONTROLLER, classOf, isMeantFor, mismatch, PROVISIONED_BY, SELECTED_NODE, STORAGE_PROVISIONER, STORAGE_PROVISIONER_BETA,
} from './volume-matching.ts';

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';
const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

/**
 * Binds claims and volumes to each other, and follows volumes to their end. A binding is two pointers, written in this
 * order: the volume's to the claim (which nobody else can then take), the claim's to the volume, then that it is done;
 * each step can be repeated, so it does not matter where it is broken off. A key is `claim|ns/name` or `volume|name`.
 * Upstream: pkg/controller/volume/persistentvolume.
 */
export const persistentVolumeBinderController: Controller = {
  name: 'persistentvolume-controller',
  start(context) {
    const { client, informers, recorder } = context;
    const claims = informers.informer(persistentVolumeClaims);
    const volumes = informers.informer(persistentVolumes);
    const classes = informers.informer(storageClasses);
    const pods = informers.informer(podResource);

    async function reconcile(key: string): Promise<void> {
      const bar = key.indexOf('|');
      const name = key.slice(bar + 1);
      if (key.startsWith('volume')) {
        const volume = volumes.get(name);
        if (volume) await syncVolume(volume);
        return;
      }
      const claim = claims.get(name);
      if (!claim) return;
      if (claim.metadata.annotations?.[BIND_COMPLETED] === undefined) await syncUnbound(claim);
      else await syncBound(claim);
    }

    async function syncUnbound(claim: PersistentVolumeClaim): Promise<void> {
      const storageClass = classes.get(classOf(claim));
      if (claim.spec.volumeName) return await bindToNamed(claim, claim.spec.volumeName);
      const delayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
      const volume = bestVolume(claim, volumes.list(), delayed);
      if (volume) return await bind(volume, claim);
      if (claim.spec.storageClassName === undefined && classOf(claim) === '' && (await assignDefaultClass(claim))) return;

      if (delayed && claim.metadata.annotations?.[SELECTED_NODE] === undefined) tellWhyWaiting(claim);
      else if (classOf(claim) !== '') return await requestVolume(claim, storageClass);
      else recorder.event(claim, 'Normal', 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set');
      await setClaimPhase(claim, 'Pending');
    }

    async function bindToNamed(claim: PersistentVolumeClaim, name: string): Promise<void> {
      const volume = volumes.get(name);
      if (!volume) return void (await setClaimPhase(claim, 'Pending'));
      if (!volume.spec.claimRef) {
        const fault = mismatch(volume, claim);
        if (!fault) return await bind(volume, claim);
        recorder.event(claim, 'Warning', 'VolumeMismatch', `Cannot bind to requested volume "${name}": ${fault}`);
      } else if (isMeantFor(volume, claim)) {
        return await bind(volume, claim);
      } else {
        recorder.event(claim, 'Warning', 'FailedBinding', `volume "${name}" already bound to a different claim.`);
      }
      await setClaimPhase(claim, 'Pending');
    }

    function tellWhyWaiting(claim: PersistentVolumeClaim): void {
      const waiting = pods.list(claim.metadata.namespace).filter((pod) => !pod.spec.nodeName && pod.spec.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === claim.metadata.name));
      const names = waiting.map((pod) => pod.metadata.name).join(',');
      if (waiting.length === 0) recorder.event(claim, 'Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
      else recorder.event(claim, 'Normal', 'WaitForPodScheduled', `waiting for ${waiting.length > 1 ? 'pods' : 'pod'} ${names} to be scheduled`);
    }

    /** A claim made before there was a default class gets it as soon as there is one. */
    async function assignDefaultClass(claim: PersistentVolumeClaim): Promise<boolean> {
      const defaults = classes.list().filter((one) => one.metadata.annotations?.[DEFAULT_CLASS] === 'true');
      const newest = defaults.toSorted((a, b) => Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1))[0];
      if (!newest) return false;
      await client.update(persistentVolumeClaims, { ...claim, spec: { ...claim.spec, storageClassName: newest.metadata.name } });
      return true;
    }

    /** Tells the provisioner of the class that a volume is wanted. */
    async function requestVolume(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): Promise<void> {
      if (!storageClass) {
        recorder.event(claim, 'Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${classOf(claim)}" not found`);
      } else if (storageClass.provisioner === NO_PROVISIONER) {
        recorder.event(claim, 'Normal', 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set');
      } else {
        const { provisioner } = storageClass;
        if (claim.metadata.annotations?.[STORAGE_PROVISIONER] !== provisioner) {
          const annotations = { ...claim.metadata.annotations, [STORAGE_PROVISIONER]: provisioner, [STORAGE_PROVISIONER_BETA]: provisioner };
          claim = await client.update(persistentVolumeClaims, { ...claim, metadata: { ...claim.metadata, annotations } });
        }
        recorder.event(claim, 'Normal', 'ExternalProvisioning', `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. ` +
          'If volume creation is delayed, please verify that the provisioner is running and correctly registered.');
      }
      await setClaimPhase(claim, 'Pending');
    }

    async function bind(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
      if (volume.spec.claimRef?.uid !== claim.metadata.uid) {
        const byUs = volume.spec.claimRef === undefined && { annotations: { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' } };
        volume = await client.update(persistentVolumes, { ...volume, metadata: { ...volume.metadata, ...byUs }, spec: { ...volume.spec, claimRef: referenceTo(claim) } });
      }
      volume = await setVolumePhase(volume, 'Bound');
      const { annotations } = claim.metadata;
      if (claim.spec.volumeName !== volume.metadata.name || annotations?.[BIND_COMPLETED] === undefined) {
        const byUs: Record<string, string> = claim.spec.volumeName ? {} : { [BOUND_BY_CONTROLLER]: 'yes' };
        const metadata = { ...claim.metadata, annotations: { ...annotations, ...byUs, [BIND_COMPLETED]: 'yes' } };
        claim = await client.update(persistentVolumeClaims, { ...claim, metadata, spec: { ...claim.spec, volumeName: volume.metadata.name } });
      }
      await setClaimPhase(claim, 'Bound', volume);
    }

    async function syncBound(claim: PersistentVolumeClaim): Promise<void> {
      const lost = async (reason: string, message: string): Promise<void> => {
        if (await setClaimPhase(claim, 'Lost')) recorder.event(claim, 'Warning', reason, message);
      };
      const { volumeName } = claim.spec;
      if (!volumeName) return await lost('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!');
      const volume = volumes.get(volumeName);
      if (!volume) return await lost('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
      const { claimRef } = volume.spec;
      if (!claimRef || claimRef.uid === claim.metadata.uid || (isMeantFor(volume, claim) && !claimRef.uid)) return await bind(volume, claim);
      await lost('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
    }

    async function syncVolume(volume: PersistentVolume): Promise<void> {
      const { claimRef } = volume.spec;
      if (!claimRef?.uid) return void (await setVolumePhase(volume, 'Available'));
      const claim = await claimFor(volume);
      if (claim?.spec.volumeName === volume.metadata.name) return void (await setVolumePhase(volume, 'Bound'));
      if (claim && !claim.spec.volumeName) return loop.enqueue(`claim|${keyOf(claim)}`);
      const provisioned = volume.metadata.annotations?.[PROVISIONED_BY] !== undefined && volume.spec.persistentVolumeReclaimPolicy === 'Delete';
      if (claim && !provisioned) return await unbind(volume);
      if (volume.status?.phase === 'Failed') return;
      // Its claim is gone. What was made for a claim is unmade by who made it (its class's provisioner); what was not waits for people.
      const released = await setVolumePhase(volume, 'Released');
      if (volume.spec.persistentVolumeReclaimPolicy !== 'Delete' || volume.metadata.annotations?.[PROVISIONED_BY] !== undefined) return;
      const message = `error getting deleter volume plugin for volume "${volume.metadata.name}": no deletable volume plugin matched`;
      recorder.event(volume, 'Warning', 'VolumeFailedDelete', message);
      await setVolumePhase(released, 'Failed', message);
    }

    /** The claim a volume points at. That the cache does not show it is no proof. */
    async function claimFor(volume: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
      const { namespace, name, uid } = volume.spec.claimRef!;
      const cached = claims.get(`${namespace}/${name}`);
      if (cached?.metadata.uid === uid) return cached;
      if (volume.status?.phase === 'Released' || volume.status?.phase === 'Failed') return undefined;
      try {
        const fresh = await client.get(persistentVolumeClaims, { name: name!, namespace: namespace! });
        return fresh.metadata.uid === uid ? fresh : undefined;
      } catch (error) {
        if (isReason(error, 'NotFound')) return undefined;
        throw error;
      }
    }

    /** The claim chose another volume. */
    async function unbind(volume: PersistentVolume): Promise<void> {
      const byUs = volume.metadata.annotations?.[BOUND_BY_CONTROLLER] !== undefined;
      const metadata = { ...volume.metadata, annotations: without(volume.metadata.annotations ?? {}, BOUND_BY_CONTROLLER) };
      const spec = byUs ? without(volume.spec, 'claimRef') : { ...volume.spec, claimRef: without(volume.spec.claimRef!, 'uid', 'resourceVersion') };
      await setVolumePhase(await client.update(persistentVolumes, { ...volume, metadata, spec }), 'Available');
    }

    async function setVolumePhase(volume: PersistentVolume, phase: string, message?: string): Promise<PersistentVolume> {
      if (volume.status?.phase === phase) return volume;
      const rest = without(volume.status ?? {}, 'message', 'reason');
      return await client.updateStatus(persistentVolumes, { ...volume, status: { ...rest, phase, ...(message && { message }) } });
    }

    async function setClaimPhase(claim: PersistentVolumeClaim, phase: string, volume?: PersistentVolume): Promise<boolean> {
      const status = claimStatus(claim, phase, volume);
      if (!status) return false;
      await client.updateStatus(persistentVolumeClaims, { ...claim, status });
      return true;
    }

    const loop = startLoop(context, { name: 'persistentvolume-controller', queue: 'claims', needs: [claims, volumes, classes, pods], workers: 1, reconcile });
    const unbound = (): string[] => claims.list().filter((claim) => claim.metadata.annotations?.[BIND_COMPLETED] === undefined).map((claim) => `claim|${keyOf(claim)}`);
    loop.follow(claims, (claim) => [`claim|${keyOf(claim)}`, ...(claim.spec.volumeName ? [`volume|${claim.spec.volumeName}`] : [])]);
    loop.follow(volumes, (volume) => {
      const { claimRef } = volume.spec;
      return [`volume|${volume.metadata.name}`, ...(claimRef ? [`claim|${keyOf({ metadata: { namespace: claimRef.namespace!, name: claimRef.name! } })}`] : unbound())];
    });
    loop.follow(classes, unbound);
    loop.own(claims.subscribe({
      delete: (claim) => volumes.list().filter((volume) => volume.spec.claimRef?.uid === claim.metadata.uid).forEach((volume) => loop.enqueue(`volume|${volume.metadata.name}`)),
    }));
    return loop;
  },
};
