import type { Station, Step } from '../../src/dashboard/background/step.ts';

/** Steps that went the same way because of the same: fifty pods that are made are one beat of the story. */
export interface Beat {
  readonly id: string;
  /** The oldest first; at least one. */
  readonly steps: readonly Step[];
  /** Of the first and of the last step, milliseconds since 1970. */
  readonly at: number;
  readonly end: number;
  readonly station: Station;
  readonly parent: Beat | undefined;
  readonly depth: number;
}

/** Steps as beats, in the order in which they began. */
export function beatsOf(steps: readonly Step[]): readonly Beat[] {
  const byStep = new Map<number, Beat>();
  const beats = new Map<string, Beat & { steps: Step[]; end: number }>();
  // A cause is older than what came of it, but clocks of nodes may differ: then it is met later.
  const known = new Map(steps.map((step) => [step.id, step]));
  const place = (step: Step): Beat => {
    const done = byStep.get(step.id);
    if (done) return done;
    const above = step.parent === undefined ? undefined : known.get(step.parent);
    const parent = above && above !== step ? place(above) : undefined;
    const id = `${parent?.id ?? ''}/${wayOf(step)}`;
    const beat = beats.get(id) ?? {
      id,
      steps: [],
      at: step.at,
      end: step.at,
      station: step.station,
      parent,
      depth: parent ? parent.depth + 1 : 0,
    };
    beats.set(id, beat);
    beat.steps.push(step);
    beat.end = Math.max(beat.end, step.at);
    byStep.set(step.id, beat);
    return beat;
  };
  for (const step of steps) place(step);
  return [...beats.values()].sort((a, b) => a.at - b.at || a.depth - b.depth);
}

/** What steps of one beat have in common. */
function wayOf(step: Step): string {
  const { station, by, act, kind, name, facts, failed } = step;
  const actor = station === 'client' || station === 'controller' ? by : '';
  return [station, actor, act, kind, kind === 'Pod' ? '' : name, changedIn(step), facts['present'] ? 'present' : '', failed ? 'failed' : ''].join(' ');
}

/** Of what a kubelet says of a pod at once, the weightiest: some pods have their address told apart from being ready, others in one go. */
const WEIGHTY = ['ready', 'phase', 'waiting', 'address'];

function changedIn({ kind, act, changes }: Step): string {
  const names = Object.keys(changes);
  const weightiest = kind === 'Pod' && act === 'update' ? WEIGHTY.find((what) => names.includes(what)) : undefined;
  return (weightiest ? [weightiest] : names)
    .map((what) => {
      const to = changes[what]![1];
      return what === 'phase' || what === 'waiting' || typeof to === 'boolean' ? `${what}=${String(to)}` : to === null ? `${what}=` : what;
    })
    .join('+');
}
