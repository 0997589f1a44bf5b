import type { Pod } from '../../api/generated/core-v1.ts';
import type { DeviceRequestAllocationResult, DeviceTaint, ResourceSlice } from '../../api/generated/resource-v1.ts';
import { pods as podResource, resourceClaims, resourceSlices } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf } from '../../api/object.ts';
import { isPodTerminal } from '../../api/pod/conditions.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { claimEvictionTime, claimNamesOf } from './device-taints.ts';
import { withDisruption } from './disruption-target.ts';

const POOL_INDEX = 'pools of devices';
const CLAIM_INDEX = 'claims of devices';
const poolOf = (driver: string, pool: string): string => `${driver}/${pool}`;

/**
 * Deletes pods whose devices are tainted so that they must not be used any longer. Upstream: pkg/controller/devicetainteviction, without DeviceTaintRules, which
 * upstream has off by default.
 */
export const deviceTaintEvictionController: Controller = {
  name: 'device-taint-eviction-controller',
  start(context) {
    const { client, clock, informers, recorder } = context;
    const pods = informers.informer(podResource);
    const claims = informers.informer(resourceClaims);
    const slices = informers.informer(resourceSlices);
    slices.addIndex(POOL_INDEX, ({ spec }) => [poolOf(spec.driver, spec.pool.name)]);
    pods.addIndex(CLAIM_INDEX, (pod) => claimNamesOf(pod).map((name) => `${pod.metadata.namespace}/${name}`));
    claims.addIndex(POOL_INDEX, ({ status }) => [...new Set((status?.allocation?.devices?.results ?? []).map(({ driver, pool }) => poolOf(driver, pool)))]);
    /** Pods that are to go, and since when. */
    const marked = new Map<string, number>();

    /** In the newest generation of the pool. */
    function taintsOf({ driver, pool, device }: DeviceRequestAllocationResult): readonly DeviceTaint[] {
      const members = slices.byIndex(POOL_INDEX, poolOf(driver, pool));
      const newest = Math.max(...members.map(({ spec }) => spec.pool.generation));
      return members.filter(({ spec }) => spec.pool.generation === newest).flatMap(({ spec }) => spec.devices ?? []).find(({ name }) => name === device)?.taints ?? [];
    }

    function dueOf(pod: Pod, seenMs: number): number | undefined {
      const { namespace, uid } = pod.metadata;
      const times = claimNamesOf(pod).flatMap((name) => {
        const claim = claims.get(`${namespace}/${name}`);
        if (!claim?.status?.reservedFor?.some((user) => user.uid === uid)) return [];
        return claimEvictionTime(claim, taintsOf, seenMs) ?? [];
      });
      return times.length > 0 ? Math.min(...times) : undefined;
    }

    async function reconcile(key: string): Promise<ReconcileResult> {
      const pod = pods.get(key);
      if (!pod?.spec.nodeName || pod.metadata.deletionTimestamp || isPodTerminal(pod)) return void marked.delete(key);
      const seenMs = marked.get(key) ?? clock.now();
      const due = dueOf(pod, seenMs);
      if (due === undefined) {
        if (marked.delete(key)) recorder.event(pod, 'Normal', 'DeviceTaintManagerEviction', 'Cancelling deletion');
        return;
      }
      marked.set(key, seenMs);
      if (due > clock.now()) return { requeueAfterMs: due - clock.now() };
      recorder.event(pod, 'Normal', 'DeviceTaintManagerEviction', 'Marking for deletion');
      const { namespace, name, uid } = pod.metadata;
      try {
        await client.updateStatus(podResource, withDisruption(pod, 'DeletionByDeviceTaintManager', 'Device Taint manager: deleting due to NoExecute taint', clock.now()));
        await client.delete(podResource, { namespace, name }, { preconditions: { uid } });
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }

    const usersOf = (claimKey: string): readonly string[] => pods.byIndex(CLAIM_INDEX, claimKey).map(keyOf);
    const usersOfPool = ({ spec }: ResourceSlice): readonly string[] => claims.byIndex(POOL_INDEX, poolOf(spec.driver, spec.pool.name)).flatMap((claim) => usersOf(keyOf(claim)));
    const loop = startLoop(context, { name: 'device-taint-eviction-controller', needs: [pods, claims, slices], workers: 4, reconcile });
    loop.follow(pods, (pod) => (claimNamesOf(pod).length > 0 ? [keyOf(pod)] : []));
    loop.follow(claims, (claim) => usersOf(keyOf(claim)));
    loop.follow(slices, usersOfPool);
    return loop;
  },
};
