import type { Pod } from '../api/generated/core-v1.ts';

/** What a person changes so that such pods come out otherwise, as kubectl takes it: `deployment/web`, or `pod/web` where nothing made the pod. */
export function makerOf({ metadata: { name, labels = {}, ownerReferences = [] } }: Pod): string {
  const owner = ownerReferences.find(({ controller }) => controller);
  if (!owner) return `pod/${name}`;
  const hash = `-${labels['pod-template-hash']}`;
  return owner.kind === 'ReplicaSet' && owner.name.endsWith(hash) ? `deployment/${owner.name.slice(0, -hash.length)}` : `${owner.kind.toLowerCase()}/${owner.name}`;
}

/** How the template of a pod is changed. A pod that nothing made cannot be changed in most of what it says; nor can a job. */
export function editCommand(pod: Pod): string {
  const maker = makerOf(pod);
  return /^(pod|job)\//.test(maker) ? `make the ${maker.split('/')[0]} anew: kubectl replace --force -f FILE` : `kubectl edit ${maker}`;
}
