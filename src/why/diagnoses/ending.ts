import { humanDuration } from '../../api/human-duration.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Diagnose } from '../finding.ts';
import { kindWords } from '../words.ts';

/** Objects that are asked to end and do not. */
export const ending: Diagnose = ({ focus, pods, nodes, nowMs }) => {
  const objects: readonly KubeObject[] = pods.includes(focus as never) ? pods : [focus, ...pods];
  return objects.flatMap((object) => {
    const { deletionTimestamp, finalizers = [], name } = object.metadata;
    if (!deletionTimestamp) return [];
    const named = `the ${kindWords(object.kind)} ${name}`;
    if (finalizers.length > 0) {
      return [{ waitsFor: `what has to be done before ${named} goes: ${finalizers.join(', ')}`, because: ['Each of these (finalizers) is taken away by whoever put it there, when that is done.'], help: ['See whether the program that put it there still runs.'] }];
    }
    const pod = pods.find((candidate) => candidate === object);
    if (!pod) return [];
    const node = nodes.find(({ metadata }) => metadata.name === pod.spec.nodeName);
    const ready = node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    if (node && ready !== 'True') return [{ waitsFor: `the node ${node.metadata.name} to come back, and end ${named}`, because: ['The node gives no sign of life, and only it can say that the containers have ended.'], help: [`Start the node again; or, if it is gone for good: kubectl delete pod ${name} --force --grace-period=0`] }];
    const left = Date.parse(deletionTimestamp) - nowMs;
    return [{ waitsFor: `the containers of ${named} to end`, because: [left > 0 ? `They were asked to, and have another ${humanDuration(left)}; then they are killed.` : 'Their time is over; they are being killed.'], help: [] }];
  });
};
