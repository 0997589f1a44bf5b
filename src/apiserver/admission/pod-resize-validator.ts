import { StatusError } from '../../api/errors.ts';
import type { Node, Pod } from '../../api/generated/core-v1.ts';
import { nodes } from '../../api/generated/resources.ts';
import { podResourceRequests } from '../../api/pod/resources.ts';
import { compareQuantities, milliValue, quantityValue } from '../../api/quantity.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { concerns, refused } from './admission-fault.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

/** Refuses to make a pod larger than its node could ever hold. Upstream: plugin/pkg/admission/podresize. */
export function podResizeValidator({ objects }: AdmissionServices): AdmissionPlugin {
  return {
    name: 'PodResizeValidator',
    handles: (operation) => operation === 'UPDATE',
    validate(attributes) {
      if (!concerns(attributes, '', 'pods', 'resize')) return;
      const [pod, old] = [attributes.object as Pod, attributes.oldObject as Pod];
      const { nodeName } = pod.spec;
      if (!nodeName || deepEqual(pod.spec, old.spec)) return;
      const node = objects.get(nodes, { name: nodeName });
      if (!node) throw refused(attributes, `node ${JSON.stringify(nodeName)} not found`);
      const system = node.metadata.labels?.['kubernetes.io/os'] ?? 'linux';
      if (system !== 'linux') throw because(attributes, 'UnsupportedPlatform', `pod resize is only supported on linux nodes, node ${JSON.stringify(nodeName)} is ${JSON.stringify(system)}`);
      const lacking = lackingOn(node, pod);
      if (lacking.length > 0) throw because(attributes, 'NodeCapacity', `node didn't have enough allocatable resources: ${lacking.join('; ')}`);
    },
  };
}

function lackingOn({ status }: Node, pod: Pod): readonly string[] {
  const requests = podResourceRequests(pod);
  const shown = { cpu: milliValue, memory: quantityValue } as const;
  return (['cpu', 'memory'] as const).filter((name) => compareQuantities(requests[name], status?.allocatable?.[name]) > 0)
    .map((name) => `${name}, requested: ${shown[name](requests[name])}, allocatable: ${shown[name](status?.allocatable?.[name])}`);
}

function because(attributes: AdmissionAttributes, reason: string, message: string): StatusError {
  const { status } = refused(attributes, message);
  return new StatusError({ ...status, details: { ...status.details, causes: [{ reason }] } });
}
