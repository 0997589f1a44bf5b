import type { JSX } from 'preact';
import { t } from '../language.ts';
import { type PodLook } from './picture.ts';

const STAGES: Readonly<Record<PodLook['stage'], string>> = {
  asked: 'written down',
  stuck: 'no node fits',
  placed: 'has a node',
  sandbox: 'has a network',
  pulled: 'has its image',
  made: 'container made',
  started: 'runs',
  ready: 'runs and is ready',
  failing: 'fails',
  ended: 'has ended',
  ending: 'is ending',
  gone: 'gone',
};
const MOST_PODS = 240;

export function Pods({ pods, touched }: { readonly pods: readonly PodLook[]; readonly touched?: ReadonlySet<string> }): JSX.Element {
  const counts = new Map<string, number>();
  for (const { stage } of pods) counts.set(stage, (counts.get(stage) ?? 0) + 1);
  const words = [...counts].map(([stage, n]) => `${n} ${t(STAGES[stage as PodLook['stage']])}`).join(', ');
  return (
    <div class={`looks${pods.length > 40 ? ' many' : ''}`} role="img" aria-label={words}>
      {pods.slice(0, MOST_PODS).map(({ uid, name, stage }) => (
        <i key={uid} class={`look ${stage}${touched?.has(uid) ? ' touched' : ''}`} title={`${name}: ${t(STAGES[stage])}`} />
      ))}
      {pods.length > MOST_PODS && <small>+{pods.length - MOST_PODS}</small>}
    </div>
  );
}
