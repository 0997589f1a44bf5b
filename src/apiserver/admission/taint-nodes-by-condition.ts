import type { Node } from '../../api/generated/core-v1.ts';
import { concerns } from './admission-fault.ts';
import type { AdmissionPlugin } from './admission.ts';

const KEY = 'node.kubernetes.io/not-ready';

/** A new node takes no pods until it has been seen ready. Upstream: plugin/pkg/admission/nodetaint. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  handles: (operation) => operation === 'CREATE',
  admit(attributes) {
    if (!concerns(attributes, '', 'nodes')) return undefined;
    const node = attributes.object as Node;
    const taints = node.spec?.taints ?? [];
    if (taints.some((taint) => taint.key === KEY && taint.effect === 'NoSchedule')) return undefined;
    return { ...node, spec: { ...node.spec, taints: [...taints, { key: KEY, effect: 'NoSchedule' }] } };
  },
};
