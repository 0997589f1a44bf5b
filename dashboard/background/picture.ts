import type { Station, Step } from '../../src/dashboard/background/step.ts';
import type { Beat } from './beats.ts';

/** How far a pod has come. */
export type Stage =
  'asked' | 'stuck' | 'placed' | 'sandbox' | 'pulled' | 'made' | 'started' | 'ready' | 'failing' | 'ended' | 'ending' | 'gone';

export interface PodLook {
  readonly uid: string;
  readonly ns: string;
  readonly name: string;
  readonly node?: string;
  readonly stage: Stage;
}

/** An object as it is written down in the API server, pods apart. */
export interface Card {
  readonly uid: string;
  readonly kind: string;
  readonly name: string;
  readonly wanted?: number;
  readonly ready?: number;
  readonly gone: boolean;
  /** The beat in sight wrote it. */
  readonly fresh: boolean;
}

export interface Picture {
  readonly cards: readonly Card[];
  readonly pods: readonly PodLook[];
  /** When each station was first lit, milliseconds since 1970; absent: not yet. */
  readonly lit: ReadonlyMap<Station, number>;
  readonly now: Beat | undefined;
}

/** Never drawn as cards: they tell what others tell better. */
const UNDRAWN = new Set(['Pod', 'Endpoints', 'ControllerRevision', 'Event', 'Node']);

/** Everything as it is after the beats up to `index`, that one included. Pure: scrubbing back is asking for an earlier index. */
export function pictureAt(beats: readonly Beat[], index: number): Picture {
  const pods = new Map<string, PodLook>();
  const cards = new Map<string, Card>();
  const lit = new Map<Station, number>();
  // Pods that were there before are there from the beginning, where they are.
  const born = new Set(
    beats.flatMap(({ steps }) => steps.filter(({ act, kind }) => act === 'create' && kind === 'Pod').map(({ uid }) => uid)),
  );
  for (const { steps } of beats) {
    for (const { uid, ns = '', name, kind, node, station } of steps) {
      if (kind !== 'Pod' || born.has(uid) || (pods.get(uid)?.node && pods.has(uid))) continue;
      const home = station === 'node' || station === 'container' || station === 'registry' ? node : undefined;
      pods.set(uid, { uid, ns, name, stage: 'ready', ...(home && { node: home }) });
    }
  }
  for (const [i, beat] of beats.entries()) {
    if (i > index) break;
    if (!lit.has(beat.station)) lit.set(beat.station, beat.at);
    for (const step of beat.steps) {
      const writes = isWrite(step);
      if (writes && !lit.has('api')) lit.set('api', step.at);
      if (step.kind === 'Pod') takePodStep(pods, step);
      else if (writes && !UNDRAWN.has(step.kind)) cards.set(step.uid, cardAfter(cards.get(step.uid), step, i === index));
    }
  }
  return { cards: [...cards.values()], pods: [...pods.values()], lit, now: beats[Math.min(index, beats.length - 1)] };
}

export function isWrite({ act, facts }: Pick<Step, 'act' | 'facts'>): boolean {
  // Containers are made, too, but by a call of the runtime.
  return act === 'update' || act === 'mark' || act === 'delete' || (act === 'create' && facts['container'] === undefined);
}

function takePodStep(pods: Map<string, PodLook>, step: Step): void {
  const known = pods.get(step.uid) ?? { uid: step.uid, ns: step.ns ?? '', name: step.name, stage: 'asked' as const };
  const stage = stageAfter(known.stage, step);
  pods.set(step.uid, { ...known, stage, ...(step.node && step.act !== 'mark' && step.act !== 'delete' && { node: step.node }) });
}

function stageAfter(before: Stage, step: Step): Stage {
  const { act, changes, failed } = step;
  if (act === 'delete') return 'gone';
  if (act === 'mark') return 'ending';
  // Who is on the way out is not drawn as anything else, whatever its kubelet still reports.
  if (before === 'ending' || before === 'gone') return before;
  if (failed) return act === 'schedule' ? 'stuck' : 'failing';
  switch (act) {
    case 'schedule':
      return 'placed';
    case 'sandbox':
      return 'sandbox';
    case 'pull':
      return 'pulled';
    case 'create':
      return isWrite(step) ? 'asked' : 'made';
    case 'start':
      return 'started';
    case 'exit':
      return step.facts['code'] === 0 ? 'ended' : 'failing';
    case 'update': {
      const to = (name: string): unknown => changes[name]?.[1];
      if (to('phase') === 'Succeeded') return 'ended';
      if (to('phase') === 'Failed') return 'failing';
      if (to('ready') === true) return 'ready';
      if (to('unschedulable') === true) return 'stuck';
      if (typeof to('waiting') === 'string' && !/^(ContainerCreating|PodInitializing)$/.test(String(to('waiting')))) return 'failing';
      if (changes['ready'] && before === 'ready') return 'started';
      return to('node') && before === 'asked' ? 'placed' : before;
    }
  }
}

function cardAfter(before: Card | undefined, { uid, kind, name, act, changes }: Step, fresh: boolean): Card {
  const number = (key: string): number | undefined => (changes[key] ? Number(changes[key][1] ?? 0) : undefined);
  const wanted = number('replicas') ?? number('wanted') ?? before?.wanted;
  // What is made has nothing ready yet; what was there before may.
  const ready = number('ready') ?? (act === 'create' && wanted !== undefined ? 0 : before?.ready);
  return { uid, kind, name, gone: act === 'delete', fresh, ...(wanted !== undefined && { wanted }), ...(ready !== undefined && { ready }) };
}
