import { persistentVolumeClaims, pods as podResource } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf } from '../../api/object.ts';
import { isPodTerminal } from '../../api/pod/conditions.ts';
import { startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { controllerOf, controllerReference, isControlledBy } from '../ownership.ts';
import { isNamespaceTerminating } from '../pod-control.ts';

/** Makes the claims of pods' ephemeral volumes, which go with the pod. Upstream: pkg/controller/volume/ephemeral. */
export const ephemeralVolumeController: Controller = {
  name: 'ephemeral-volume-controller',
  eventSource: 'ephemeral_volume',
  start(context) {
    const { client, informers, recorder } = context;
    const pods = informers.informer(podResource);
    const claims = informers.informer(persistentVolumeClaims);
    const tries = context.metrics.counter('ephemeral_volume_controller_create_total', 'Number of claims that were to be made for ephemeral volumes.').of();
    const failures = context.metrics.counter('ephemeral_volume_controller_create_failures_total', 'Number of those that were not made.').of();

    async function reconcile(key: string): Promise<void> {
      const pod = pods.get(key);
      if (!pod || pod.metadata.deletionTimestamp || isPodTerminal(pod)) return;
      const { namespace } = pod.metadata;
      for (const { name: volume, ephemeral } of pod.spec.volumes ?? []) {
        if (!ephemeral?.volumeClaimTemplate) continue;
        const name = `${pod.metadata.name}-${volume}`;
        const existing = claims.get(`${namespace}/${name}`);
        if (existing && isControlledBy(existing, pod)) continue;
        if (existing) {
          const foreign = new Error(`PVC ${namespace}/${name} was not created for pod ${key} (pod is not owner)`);
          recorder.event(pod, 'Warning', 'FailedBinding', `ephemeral volume ${volume}: ${foreign.message}`);
          throw foreign;
        }
        const { metadata, spec } = ephemeral.volumeClaimTemplate;
        const { labels, annotations } = metadata ?? {};
        tries.add();
        try {
          await client.create(persistentVolumeClaims, { metadata: { name, namespace, ...(labels && { labels }), ...(annotations && { annotations }), ownerReferences: [controllerReference(pod)] }, spec });
        } catch (error) {
          failures.add();
          if (isNamespaceTerminating(error) || isReason(error, 'AlreadyExists')) continue;
          recorder.event(pod, 'Warning', 'FailedBinding', `ephemeral volume ${volume}: create PVC ${name}: ${(error as Error).message}`);
          throw error;
        }
      }
    }

    const loop = startLoop(context, { name: 'ephemeral-volume-controller', queue: 'ephemeral_volume', needs: [pods, claims], workers: 2, reconcile });
    loop.follow(pods, (pod) => (pod.spec.volumes?.some((volume) => volume.ephemeral) ? [keyOf(pod)] : []));
    loop.own(claims.subscribe({
      delete(claim) {
        const owner = controllerOf(claim);
        if (owner?.kind === 'Pod') loop.enqueue(keyOf({ metadata: { namespace: claim.metadata.namespace, name: owner.name } }));
      },
    }));
    return loop;
  },
};
