import type { Pod, Toleration } from '../../api/generated/core-v1.ts';
import { concerns } from './admission-fault.ts';
import type { AdmissionPlugin } from './admission.ts';

const KEYS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];
const SECONDS = 300;

/** A pod stays five minutes on a node that is not heard of, unless it says otherwise. Upstream: plugin/pkg/admission/defaulttolerationseconds. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  admit(attributes) {
    if (!concerns(attributes, '', 'pods')) return undefined;
    const pod = attributes.object as Pod;
    const present = pod.spec.tolerations ?? [];
    const tolerates = (key: string): boolean => present.some((t) => (!t.key || t.key === key) && (!t.effect || t.effect === 'NoExecute'));
    const added: Toleration[] = KEYS.filter((key) => !tolerates(key)).map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: SECONDS }));
    return added.length ? { ...pod, spec: { ...pod.spec, tolerations: present.concat(added) } } : undefined;
  },
};
