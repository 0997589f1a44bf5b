import { humanDuration } from '../../api/human-duration.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Diagnose, Finding, Situation } from '../finding.ts';
import { namesOf } from '../names-of.ts';
import { kindWords } from '../words.ts';

/** Objects that are asked to end and do not. */
export const ending: Diagnose = (situation) => {
  const { focus, pods, nodes, nowMs } = situation;
  const objects: readonly KubeObject[] = pods.includes(focus as never) ? pods : [focus, ...pods];
  return objects.flatMap((object) => {
    const { deletionTimestamp, finalizers = [], name } = object.metadata;
    if (!deletionTimestamp || object.kind === 'Namespace') return [];
    const named = `the ${kindWords(object.kind)} ${name}`;
    if (finalizers.length > 0) {
      return [{ waitsFor: `what has to be done before ${named} goes: ${finalizers.join(', ')}`, ...finalizerWords(object, situation) }];
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

/** What Kubernetes' own finalizers stand for; of others only that somebody put them there is known. */
function finalizerWords(object: KubeObject, { neighbours, nowMs }: Situation): Pick<Finding, 'because' | 'help'> {
  const { name, namespace, finalizers = [], deletionTimestamp } = object.metadata;
  const asked = `It was asked to end ${humanDuration(nowMs - Date.parse(deletionTimestamp!))} ago.`;
  const users = neighbours.filter((pod) => (pod.spec.volumes ?? []).some((volume) => volume.persistentVolumeClaim?.claimName === name));
  const own: Readonly<Record<string, Pick<Finding, 'because' | 'help'>>> = {
    'kubernetes.io/pvc-protection': { because: [users.length > 0 ? `The claim is still used by ${namesOf(users, 'pod')}: what pods use is not taken from them.` : 'It goes when no pod uses it any more.'], help: users.length > 0 ? [`End what uses it: kubectl delete pod ${users[0]!.metadata.name}, or what makes that pod`] : [] },
    'kubernetes.io/pv-protection': { because: ['The volume is still bound to a claim: it goes when the claim is gone.'], help: ['See which: kubectl get pv'] },
    foregroundDeletion: { because: ['What it owns goes first (it was deleted with --cascade=foreground).'], help: ['See what is left of that, and why it does not end.'] },
    orphan: { because: ['What it owns is let go of first (it was deleted with --cascade=orphan).'], help: [] },
    'service.kubernetes.io/load-balancer-cleanup': { because: ['Its load balancer gives the external address back first.'], help: ['See whether the load balancer still runs.'] },
    'batch.kubernetes.io/job-tracking': { because: ['Its job has not counted it yet; the job controller does that within moments, where it runs.'], help: [] },
  };
  const strange = finalizers.filter((finalizer) => !Object.hasOwn(own, finalizer));
  const plural = object.kind.toLowerCase();
  return {
    because: [asked, ...finalizers.flatMap((finalizer) => own[finalizer]?.because ?? []), ...(strange.length > 0 ? [`${strange.join(', ')}: such a name (a finalizer) is taken away by whoever put it there, when its work is done.`] : [])],
    help: [
      ...finalizers.flatMap((finalizer) => own[finalizer]?.help ?? []),
      ...(strange.length > 0 ? ['See whether the program that put it there still runs.', `If that is gone for good: kubectl patch ${plural} ${name}${namespace ? ` -n ${namespace}` : ''} --type=merge -p '{"metadata":{"finalizers":null}}'`] : []),
    ],
  };
}
