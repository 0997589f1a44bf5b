import type { Pod } from '../../api/generated/core-v1.ts';
import { rejection, unresolvable, type SchedulerPlugin } from '../framework.ts';
import type { PodInfo } from '../pod-info.ts';
import type { PluginContext } from './plugin-context.ts';
import { claimNames } from './volume-binding.ts';

/** By key of each claim that only one pod may use, how many pods use it. */
type State = Map<string, number>;

/** A claim of access mode ReadWriteOncePod has one pod at a time. Upstream: plugins/volumerestrictions; thinner: no rules for the disks of single clouds. */
export function volumeRestrictions(context: PluginContext): SchedulerPlugin<State> {
  const exclusiveClaims = (pod: Pod): string[] => claimNames(pod).map(({ name }) => `${pod.metadata.namespace}/${name}`)
    .filter((key) => context.persistentVolumeClaims.get(key)?.spec.accessModes?.includes('ReadWriteOncePod'));
  const count = (state: State, other: PodInfo, by: 1 | -1): void => {
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
      if (claims.length === 0) return 'skip';
      const state: State = new Map(claims.map((key) => [key, 0]));
      for (const node of context.cluster.nodes()) for (const other of node.pods.values()) count(state, other, 1);
      return { state };
    },
    filter: (state) => ([...state.values()].some((users) => users > 0)
      ? rejection('node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod')
      : undefined),
    cloneState: (state) => new Map(state),
    addPod: (state, _pod, other) => count(state, other, 1),
    removePod: (state, _pod, other) => count(state, other, -1),
    hints: {
      AssignedPod: (pod, { action, object }) => action === 'delete' && (object as Pod).metadata.namespace === pod.metadata.namespace && exclusiveClaims(pod).length > 0,
      PersistentVolumeClaim: (_pod, { action }) => action === 'add',
    },
  };
}
