import { signal } from '@preact/signals';
import { pathOf } from './api.ts';
import { speak, t } from './language.ts';
import { go, open } from './route.ts';
import { tables, workloads, workloadTableOf } from './store.ts';
import { cycleTheme } from './theme.ts';

export interface Choice {
  readonly id: string;
  readonly kind: string;
  readonly text: string;
  /** Keys that do the same. */
  readonly keys?: string;
  run(): void;
}

/** Where `g` and a letter go. */
export const GO_TO: Readonly<Record<string, readonly [view: string, title: string]>> = {
  o: ['overview', 'Overview'],
  b: ['background', 'Background'],
  w: ['workloads', 'Workloads'],
  p: ['pods', 'Pods'],
  s: ['services', 'Services'],
  n: ['nodes', 'Nodes'],
  e: ['events', 'Events'],
  r: ['resources', 'Resources'],
};
const elsewhere = (view: string): void => go({ view, params: { open: '', tab: '', q: '', show: '', of: '' } });
export const goTo = (key: string): boolean => {
  const place = GO_TO[key];
  if (place) elsewhere(place[0]);
  return place !== undefined;
};

export const shown = signal<'palette' | 'keys' | undefined>(undefined);
export const MOST = 40;

/** Words may stand anywhere; what begins with the first is nearest. Pure. */
export function rank(text: string, words: readonly string[]): number {
  const low = text.toLowerCase();
  if (!words.every((word) => low.includes(word))) return -1;
  const first = words[0] ?? '';
  const beginsWord = new RegExp(`[\\s/.-]${first.replace(/[^\p{L}\p{N}]/gu, '\\$&')}`, 'u');
  const distance = low.startsWith(first) || low.split('/').at(-1)!.startsWith(first) ? 0 : beginsWord.test(low) ? 1 : 2;
  return distance * 1000 + low.length;
}

export function commands(): readonly Choice[] {
  return [
    ...Object.entries(GO_TO).map(([key, [view, title]]): Choice => ({
      id: `view ${view}`,
      kind: 'View',
      text: t(title),
      keys: `g ${key}`,
      run: () => elsewhere(view),
    })),
    { id: 'new', kind: 'Do', text: t('Make something new'), keys: 'c', run: () => open('new') },
    {
      id: 'watch',
      kind: 'Do',
      text: t('Watch what the last command set off'),
      run: () => go({ view: 'background', params: { of: 'latest', open: '' } }),
    },
    {
      id: 'keys',
      kind: 'Do',
      text: t('Show all keys'),
      keys: '?',
      run: () => {
        shown.value = 'keys';
      },
    },
    { id: 'theme', kind: 'Do', text: t('Change between light and dark'), run: cycleTheme },
    { id: 'en', kind: 'Do', text: 'English', run: () => speak('en') },
    { id: 'ko', kind: 'Do', text: '한국어', run: () => speak('ko') },
    ...tables.namespaces
      .all()
      .map(({ name }): Choice => ({ id: `ns ${name}`, kind: 'Namespace', text: name, run: () => go({ params: { ns: name } }) })),
  ];
}

export function* objects(): Generator<Choice> {
  for (const row of workloads.value)
    yield { id: row.uid, kind: row.kind, text: `${row.ns}/${row.name}`, run: () => open(pathOf(workloadTableOf[row.kind], row)) };
  for (const table of ['services', 'nodes', 'pods'] as const) {
    const kind = { services: 'Service', nodes: 'Node', pods: 'Pod' }[table];
    for (const row of tables[table].all())
      yield { id: row.uid, kind, text: row.ns ? `${row.ns}/${row.name}` : row.name, run: () => open(pathOf(table, row)) };
  }
}
