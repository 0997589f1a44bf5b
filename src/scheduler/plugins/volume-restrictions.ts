import type { Pod, Volume } from '../../api/generated/core-v1.ts';
import type { SchedulerPlugin } from '../framework.ts';
import { rejection, unresolvable } from '../rejection.ts';
import type { PodInfo } from '../pod-info.ts';
import type { PluginContext } from './plugin-context.ts';
import { claimNames } from './volume-binding.ts';

/** By key of each claim that only one pod may use, how many pods use it. */
interface State {
  readonly users: Map<string, number>;
  readonly disks: readonly Volume[];
}

/** A claim of access mode ReadWriteOncePod has one pod at a time, and a disk of the old kinds is not mounted twice on a node. Upstream: plugins/volumerestrictions. */
export function volumeRestrictions(context: PluginContext): SchedulerPlugin<State> {
  const exclusiveClaims = (pod: Pod): string[] => claimNames(pod).map(({ name }) => `${pod.metadata.namespace}/${name}`)
    .filter((key) => context.persistentVolumeClaims.get(key)?.spec.accessModes?.includes('ReadWriteOncePod'));
  const count = ({ users: state }: State, other: PodInfo, by: 1 | -1): void => {
    for (const { name } of claimNames(other.pod)) {
      const key = `${other.pod.metadata.namespace}/${name}`;
      const before = state.get(key);
      if (before !== undefined) state.set(key, before + by);
    }
  };
  return {
    name: 'VolumeRestrictions',
    preFilter({ pod }) {
      for (const { name, ephemeral } of claimNames(pod)) {
        if (!ephemeral && !context.persistentVolumeClaims.get(`${pod.metadata.namespace}/${name}`)) return { rejected: unresolvable(`persistentvolumeclaim "${name}" not found`) };
      }
      const claims = exclusiveClaims(pod);
      const disks = (pod.spec.volumes ?? []).filter(isDisk);
      if (claims.length === 0 && disks.length === 0) return 'skip';
      const state: State = { users: new Map(claims.map((key) => [key, 0])), disks };
      if (claims.length > 0) for (const node of context.cluster.nodes()) for (const other of node.pods.values()) count(state, other, 1);
      return { state };
    },
    filter({ users, disks }, _pod, { pods }) {
      if (disks.length > 0) {
        for (const { pod: { spec } } of pods.values()) for (const theirs of spec.volumes ?? []) if (isDisk(theirs) && disks.some((ours) => disksConflict(ours, theirs))) return inUseHere;
      }
      for (const count of users.values()) if (count > 0) return inUse;
      return undefined;
    },
    cloneState: ({ users, disks }) => ({ users: new Map(users), disks }),
    addPod: (state, _pod, other) => count(state, other, 1),
    removePod: (state, _pod, other) => count(state, other, -1),
    hints: {
      AssignedPod: (pod, { action, object }) => action === 'delete' && ((object as Pod).spec.volumes?.some(isDisk) === true || ((object as Pod).metadata.namespace === pod.metadata.namespace && exclusiveClaims(pod).length > 0)),
      PersistentVolumeClaim: (_pod, { action }) => action === 'add',
    },
  };
}

const inUseHere = rejection('node(s) had no available disk');
const inUse = rejection('node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod');

function isDisk({ gcePersistentDisk, awsElasticBlockStore, rbd, iscsi }: Volume): boolean {
  return gcePersistentDisk !== undefined || awsElasticBlockStore !== undefined || rbd !== undefined || iscsi !== undefined;
}

/** Whether both are one disk, which one of them would write to. */
function disksConflict(a: Volume, b: Volume): boolean {
  const bothRead = (one: { readonly readOnly?: boolean }, other: { readonly readOnly?: boolean }): boolean => Boolean(one.readOnly && other.readOnly);
  if (a.gcePersistentDisk && b.gcePersistentDisk) return a.gcePersistentDisk.pdName === b.gcePersistentDisk.pdName && !bothRead(a.gcePersistentDisk, b.gcePersistentDisk);
  if (a.awsElasticBlockStore && b.awsElasticBlockStore) return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID;
  if (a.iscsi && b.iscsi) return a.iscsi.iqn === b.iscsi.iqn && !bothRead(a.iscsi, b.iscsi);
  if (!a.rbd || !b.rbd) return false;
  const [one, other] = [a.rbd, b.rbd];
  return one.monitors.some((monitor) => other.monitors.includes(monitor)) && (one.pool ?? 'rbd') === (other.pool ?? 'rbd') && one.image === other.image && !bothRead(one, other);
}
