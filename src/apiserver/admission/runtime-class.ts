import type { Pod } from '../../api/generated/core-v1.ts';
import type { RuntimeClass } from '../../api/generated/node-v1.ts';
import { runtimeClasses } from '../../api/generated/resources.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { concerns, refused } from './admission-fault.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

/** Adds to a pod what its runtime class costs and where it runs. Upstream: plugin/pkg/admission/runtimeclass. */
export function runtimeClass({ objects }: AdmissionServices): AdmissionPlugin {
  const find = (attributes: AdmissionAttributes, pod: Pod): RuntimeClass | undefined => {
    const name = pod.spec.runtimeClassName;
    if (name === undefined) return undefined;
    const found = objects.get(runtimeClasses, { name });
    if (!found) throw refused(attributes, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
    return found;
  };
  return {
    name: 'RuntimeClass',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      if (!concerns(attributes, '', 'pods')) return undefined;
      const pod = attributes.object as Pod;
      const found = find(attributes, pod);
      if (!found) return undefined;
      const { spec } = pod;
      const overhead = found.overhead?.podFixed;
      if (overhead && Object.keys(spec.overhead ?? {}).length && !deepEqual(overhead, spec.overhead)) throw refused(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
      const { nodeSelector = {}, tolerations = [] } = found.scheduling ?? {};
      for (const [key, value] of Object.entries(nodeSelector)) {
        const own = spec.nodeSelector?.[key];
        if (own !== undefined && own !== value) throw refused(attributes, `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`);
      }
      const added = tolerations.filter((toleration) => !(spec.tolerations ?? []).some((present) => deepEqual(present, toleration)));
      return {
        ...pod,
        spec: {
          ...spec, ...(overhead && { overhead }),
          ...(Object.keys(nodeSelector).length && { nodeSelector: { ...spec.nodeSelector, ...nodeSelector } }),
          ...(added.length && { tolerations: [...(spec.tolerations ?? []), ...added] }),
        },
      };
    },
    validate(attributes) {
      if (!concerns(attributes, '', 'pods')) return;
      const pod = attributes.object as Pod;
      const overhead = find(attributes, pod)?.overhead;
      if (overhead && !deepEqual(overhead.podFixed, pod.spec.overhead)) throw refused(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
      if (!overhead && pod.spec.overhead !== undefined) throw refused(attributes, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
    },
  };
}
