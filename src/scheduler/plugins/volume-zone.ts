import type { SchedulerPlugin } from '../framework.ts';
import { unresolvable } from '../rejection.ts';
import type { PluginContext } from './plugin-context.ts';
import { claimNames } from './volume-binding.ts';
import { classNameOf } from './volume-matching.ts';

/** The labels that say where a volume is, those of old releases with what they are called now. */
const TOPOLOGY: Readonly<Record<string, string>> = {
  'topology.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region': 'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
};

interface Place {
  readonly label: string;
  readonly values: readonly string[];
}

/** A pod goes where its volumes' labels say that these are. Volumes of several zones name them `a__b`. Upstream: plugins/volumezone. */
export const volumeZone = (context: PluginContext): SchedulerPlugin<readonly Place[]> => ({
  name: 'VolumeZone',
  preFilter({ pod }) {
    const places: Place[] = [];
    for (const { name } of claimNames(pod)) {
      const claim = context.persistentVolumeClaims.get(`${pod.metadata.namespace}/${name}`);
      if (!claim) return { rejected: unresolvable(`persistentvolumeclaim "${name}" not found`) };
      const { volumeName } = claim.spec;
      if (!volumeName) {
        const className = classNameOf(claim);
        if (className === '') return { rejected: unresolvable('PersistentVolumeClaim had no pv name and storageClass name') };
        if (context.storageClasses.get(className)?.volumeBindingMode === 'WaitForFirstConsumer') continue;
        return { rejected: unresolvable('PersistentVolume had no name') };
      }
      const volume = context.persistentVolumes.get(volumeName);
      if (!volume) return { rejected: unresolvable(`persistentvolume "${volumeName}" not found`) };
      for (const [label, value] of Object.entries(volume.metadata.labels ?? {})) if (label in TOPOLOGY) places.push({ label, values: value.split('__') });
    }
    return places.length === 0 ? 'skip' : { state: places };
  },
  filter(places, _pod, { labels }) {
    // Where nodes know nothing of zones, volumes are everywhere.
    if (!Object.keys(TOPOLOGY).some((label) => labels[label] !== undefined)) return undefined;
    return places.every(({ label, values }) => values.includes(labels[label] ?? labels[TOPOLOGY[label]!] ?? '')) ? undefined : elsewhere;
  },
  hints: {
    Node: (_pod, { action }) => action !== 'delete',
    PersistentVolumeClaim: (pod, { action, object }) => action !== 'delete' && claimNames(pod).some(({ name }) => name === (object as { readonly metadata: { readonly name: string } }).metadata.name),
    PersistentVolume: (_pod, { action }) => action !== 'delete',
    StorageClass: (_pod, { action }) => action === 'add',
  },
});

const elsewhere = unresolvable('node(s) had no available volume zone');
