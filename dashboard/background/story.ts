// What is told in the background view: the list of actions, the one that is chosen, and where its player stands.
import { computed, effect, signal } from '@preact/signals';
import type { Actions, Course } from '../../src/dashboard/background/step.ts';
import { call } from '../api.ts';
import { go, resourcePath, view } from '../route.ts';
import { tables } from '../store.ts';
import { beatsOf } from './beats.ts';
import { pictureAt } from './picture.ts';

/** In place of a revision: whatever was begun last, from its beginning. */
export const LATEST = 'latest';
const PATIENCE_MS = 350;
/** While it goes on, also what shows in no table is asked for. */
const GOING_ON_MS = 900;
/** With nothing new for so long, it has come to rest. */
const REST_MS = 4000;

export const actions = signal<Actions | undefined>(undefined);
export const course = signal<Course | undefined>(undefined);
export const fault = signal('');
/** Index of the beat in sight. */
export const position = signal(0);
export const playing = signal(false);
export const speed = signal(1);

export const beats = computed(() => beatsOf(course.value?.steps ?? []));
export const picture = computed(() => pictureAt(beats.value, position.value));
/** When the person's command began, milliseconds since 1970. */
export const began = computed(() => {
  const [first] = course.value?.steps ?? [];
  return first ? first.at - (first.took ?? 0) : 0;
});
export const isAtRest = (lastMs: number): boolean => Date.now() - lastMs > REST_MS;

let asked = '';
let timer: ReturnType<typeof setTimeout> | undefined;

effect(() => {
  if (view.value !== 'background') {
    clearTimeout(timer);
    timer = undefined;
    asked = '';
    return;
  }
  // Whatever happens may be part of it.
  for (const name of ['pods', 'deployments', 'replicasets', 'statefulsets', 'daemonsets', 'jobs', 'services', 'endpointslices'] as const)
    void tables[name].version.value;
  const fresh = resourcePath.value !== asked;
  if (fresh) clearTimeout(timer);
  if (fresh || timer === undefined) timer = setTimeout(() => void look(), fresh ? 0 : PATIENCE_MS);
});

async function look(): Promise<void> {
  timer = undefined;
  const of = resourcePath.peek();
  try {
    actions.value = await call<Actions>('GET', '/background');
    const newest = actions.value.actions[0];
    if (of === LATEST && newest) {
      asked = String(newest.revision);
      go({ params: { of: asked } }, true);
      await show(`course=${newest.revision}`, true);
    } else if (of !== LATEST) {
      const chosen = of || (newest ? String(newest.revision) : '');
      const isNew = asked !== of || course.peek() === undefined;
      asked = of;
      if (chosen) await show(chosen.startsWith('/') ? `path=${encodeURIComponent(chosen)}` : `course=${chosen}`, isNew);
    }
    fault.value = '';
  } catch (error) {
    fault.value = (error as Error).message;
  }
  const last = course.peek()?.steps.at(-1)?.at ?? 0;
  if (view.peek() === 'background' && timer === undefined && (fault.peek() || !isAtRest(last))) timer = setTimeout(() => void look(), GOING_ON_MS);
}

async function show(query: string, isNew: boolean): Promise<void> {
  const fresh = await call<Course>('GET', `/background?${query}`);
  const here = isNew ? undefined : beats.peek()[position.peek()]?.id;
  course.value = fresh;
  if (isNew) {
    // What goes on is played as it comes; what is over is shown whole, and can be played.
    const live = !isAtRest(fresh.steps.at(-1)?.at ?? 0);
    position.value = live ? 0 : Math.max(0, beats.peek().length - 1);
    playing.value = live;
  } else {
    // New beats may stand before the one in sight.
    const index = beats.peek().findIndex(({ id }) => id === here);
    if (index >= 0) position.value = index;
  }
}

const BEAT_MS = 1500;
effect(() => {
  if (!playing.value || position.value >= beats.value.length - 1) return;
  const next = setTimeout(() => {
    position.value++;
  }, BEAT_MS / speed.value);
  return () => clearTimeout(next);
});

export function step(by: number): void {
  playing.value = false;
  seek(position.value + by);
}

export function seek(index: number): void {
  position.value = Math.max(0, Math.min(beats.value.length - 1, index));
}

export function togglePlaying(): void {
  if (!playing.value && position.value >= beats.value.length - 1) position.value = 0;
  playing.value = !playing.value;
}
