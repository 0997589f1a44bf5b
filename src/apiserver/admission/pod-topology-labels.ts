import type { Binding, Pod } from '../../api/generated/core-v1.ts';
import { nodes } from '../../api/generated/resources.ts';
import type { KubeObject } from '../../api/object.ts';
import { concerns } from './admission-fault.ts';
import type { AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

const LABELS = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

/** Tells a pod where its node is, by the node's labels: when it is bound, or made for a node. Upstream: plugin/pkg/admission/podtopologylabels. */
export function podTopologyLabels({ objects }: AdmissionServices): AdmissionPlugin {
  return {
    name: 'PodTopologyLabels',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      const node = nodeOf(attributes.object, concerns(attributes, '', 'pods'), concerns(attributes, '', 'pods', 'binding'));
      const labels = node ? objects.get(nodes, { name: node })?.metadata.labels : undefined;
      const copied = LABELS.filter((label) => labels?.[label] !== undefined);
      if (copied.length === 0) return undefined;
      const object = attributes.object!;
      return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata?.labels, ...Object.fromEntries(copied.map((label) => [label, labels![label]!])) } } };
    },
  };
}

function nodeOf(object: KubeObject | undefined, isPod: boolean, isBinding: boolean): string | undefined {
  if (isPod) return (object as Pod | undefined)?.spec.nodeName;
  const target = isBinding ? (object as Binding | undefined)?.target : undefined;
  return target?.kind === 'Node' ? target.name : undefined;
}
