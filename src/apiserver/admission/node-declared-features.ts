import type { Node, Pod } from '../../api/generated/core-v1.ts';
import { nodes } from '../../api/generated/resources.ts';
import { isSidecar } from '../../api/pod/conditions.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { concerns, refused } from './admission-fault.ts';
import type { AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

/** What a node must be able to do for a change of a pod, by the name that it is declared under; in their order. Upstream: component-helpers nodedeclaredfeatures. */
const FEATURES: readonly (readonly [name: string, isNeeded: (pod: Pod, old: Pod) => boolean])[] = [
  ['InPlacePodLevelResourcesVerticalScaling', (pod, old) => !deepEqual(pod.spec.resources, old.spec.resources)],
  ['InPlacePodVerticalScalingInitContainers', (pod, old) => (old.spec.initContainers ?? []).some((container, i) => !isSidecar(container) && !deepEqual(container.resources, pod.spec.initContainers?.[i]?.resources))],
];

/** Refuses changes of a pod that its node does not say it can make. Upstream: plugin/pkg/admission/nodedeclaredfeatures. */
export function nodeDeclaredFeatures({ objects }: AdmissionServices): AdmissionPlugin {
  return {
    name: 'NodeDeclaredFeatureValidator',
    handles: (operation) => operation === 'UPDATE',
    validate(attributes) {
      if (!concerns(attributes, '', 'pods') && !concerns(attributes, '', 'pods', 'resize')) return;
      const [pod, old] = [attributes.object as Pod, attributes.oldObject as Pod];
      const { nodeName } = pod.spec;
      if (!nodeName || pod.spec === old.spec) return;
      const needed = FEATURES.filter(([, isNeeded]) => isNeeded(pod, old)).map(([name]) => name);
      if (needed.length === 0) return;
      const node: Node | undefined = objects.get(nodes, { name: nodeName });
      if (!node) throw refused(attributes, `node ${JSON.stringify(nodeName)} not found`);
      const lacking = needed.filter((name) => !node.status?.declaredFeatures?.includes(name));
      if (lacking.length > 0) throw refused(attributes, `pod update requires features ${lacking.join(', ')} which are not available on node ${JSON.stringify(nodeName)}`);
    },
  };
}
