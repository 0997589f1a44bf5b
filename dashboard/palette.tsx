import { signal, useComputed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { pathOf } from './api.ts';
import { discover, type Served } from './discovery.ts';
import { speak, t } from './language.ts';
import { go, open } from './route.ts';
import { tables, workloads, workloadTableOf } from './store.ts';
import { cycleTheme } from './theme.ts';

interface Choice {
  readonly id: string;
  readonly kind: string;
  readonly text: string;
  /** Keys that do the same. */
  readonly keys?: string;
  run(): void;
}

/** Where `g` and a letter go. */
export const GO_TO: Readonly<Record<string, readonly [view: string, title: string]>> = {
  o: ['overview', 'Overview'], b: ['background', 'Background'], w: ['workloads', 'Workloads'], p: ['pods', 'Pods'], s: ['services', 'Services'], n: ['nodes', 'Nodes'], e: ['events', 'Events'], r: ['resources', 'Resources'],
};
const elsewhere = (view: string): void => go({ view, params: { open: '', tab: '', q: '', show: '', of: '' } });
export const goTo = (key: string): boolean => {
  const place = GO_TO[key];
  if (place) elsewhere(place[0]);
  return place !== undefined;
};

export const shown = signal<'palette' | 'keys' | undefined>(undefined);
const MOST = 40;

/** Words may stand anywhere; what begins with the first is nearest. Pure. */
export function rank(text: string, words: readonly string[]): number {
  const low = text.toLowerCase();
  if (!words.every((word) => low.includes(word))) return -1;
  const first = words[0] ?? '';
  return (low.startsWith(first) || low.split('/').at(-1)!.startsWith(first) ? 0 : new RegExp(`[\\s/.-]${first.replace(/[^\p{L}\p{N}]/gu, '\\$&')}`, 'u').test(low) ? 1 : 2) * 1000 + low.length;
}

/** Everything by its name: places, kinds, objects, and what the page can do. */
export function Palette(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (shown.value && !dialog.current!.open) dialog.current!.showModal();
    if (!shown.value) dialog.current!.close();
  }, [shown.value]);
  return <dialog class="palette" ref={dialog} aria-label={shown.value === 'keys' ? t('Keys') : t('Go to anything')} onClose={() => { shown.value = undefined; }}
    onClick={(event) => { if (event.target === event.currentTarget) shown.value = undefined; }}>
    {shown.value === 'palette' && <Chooser />}
    {shown.value === 'keys' && <Keys />}
  </dialog>;
}

function Chooser(): JSX.Element {
  const typed = useSignal('');
  const at = useSignal(0);
  const kinds = useSignal<readonly Served[]>([]);
  useEffect(() => { discover().then((found) => { kinds.value = found.filter(({ preferred }) => preferred); }, () => { /* Then there are no kinds to choose from. */ }); }, []);
  const choices = useComputed((): readonly Choice[] => {
    const words = typed.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found: (readonly [number, Choice])[] = [];
    const offer = (choice: Choice): void => {
      const value = rank(choice.text, words);
      if (value >= 0) found.push([value, choice]);
    };
    for (const choice of commands()) offer(choice);
    for (const { kind, base, resource, group } of kinds.value) offer({ id: `kind ${base}/${resource}`, kind: 'Kind', text: group ? `${kind} · ${group}` : kind, run: () => go({ view: 'resources', params: { of: `${base}/${resource}`, open: '', q: '' } }) });
    if (words.length > 0) for (const choice of objects()) offer(choice);
    return found.sort((a, b) => a[0] - b[0]).slice(0, MOST).map(([, choice]) => choice);
  });
  const run = (choice: Choice | undefined): void => {
    shown.value = undefined;
    choice?.run();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const last = choices.value.length - 1;
    if (event.key === 'ArrowDown') at.value = Math.min(last, at.value + 1);
    else if (event.key === 'ArrowUp') at.value = Math.max(0, at.value - 1);
    else if (event.key === 'Enter') run(choices.value[at.value]);
    else return;
    event.preventDefault();
    document.getElementById(`choice-${at.value}`)?.scrollIntoView({ block: 'nearest' });
  };
  return <>
    <input type="text" role="combobox" list={undefined} aria-expanded="true" aria-controls="choices" aria-activedescendant={`choice-${at.value}`} aria-label={t('Go to anything')} placeholder={t('Go to anything: a view, a kind, an object')}
      autocomplete="off" spellcheck={false} autofocus value={typed.value} onInput={(event) => { typed.value = event.currentTarget.value; at.value = 0; }} onKeyDown={onKeyDown} />
    <ul id="choices" role="listbox" aria-label={t('What fits')}>{choices.value.map((choice, i) => <li key={choice.id} id={`choice-${i}`} role="option" aria-selected={i === at.value} onClick={() => run(choice)} onMouseMove={() => { at.value = i; }}>
      <small>{t(choice.kind)}</small><span>{choice.text}</span>{choice.keys && <kbd>{choice.keys}</kbd>}
    </li>)}</ul>
    {choices.value.length === 0 && <p class="quiet">{t('Nothing is called so.')}</p>}
  </>;
}

function commands(): readonly Choice[] {
  return [
    ...Object.entries(GO_TO).map(([key, [view, title]]): Choice => ({ id: `view ${view}`, kind: 'View', text: t(title), keys: `g ${key}`, run: () => elsewhere(view) })),
    { id: 'new', kind: 'Do', text: t('Make something new'), keys: 'c', run: () => open('new') },
    { id: 'watch', kind: 'Do', text: t('Watch what the last command set off'), run: () => go({ view: 'background', params: { of: 'latest', open: '' } }) },
    { id: 'keys', kind: 'Do', text: t('Show all keys'), keys: '?', run: () => { shown.value = 'keys'; } },
    { id: 'theme', kind: 'Do', text: t('Change between light and dark'), run: cycleTheme },
    { id: 'en', kind: 'Do', text: 'English', run: () => speak('en') },
    { id: 'ko', kind: 'Do', text: '한국어', run: () => speak('ko') },
    ...tables.namespaces.all().map(({ name }): Choice => ({ id: `ns ${name}`, kind: 'Namespace', text: name, run: () => go({ params: { ns: name } }) })),
  ];
}

function* objects(): Generator<Choice> {
  for (const row of workloads.value) yield { id: row.uid, kind: row.kind, text: `${row.ns}/${row.name}`, run: () => open(pathOf(workloadTableOf[row.kind], row)) };
  for (const table of ['services', 'nodes', 'pods'] as const) {
    const kind = { services: 'Service', nodes: 'Node', pods: 'Pod' }[table];
    for (const row of tables[table].all()) yield { id: row.uid, kind, text: row.ns ? `${row.ns}/${row.name}` : row.name, run: () => open(pathOf(table, row)) };
  }
}

function Keys(): JSX.Element {
  const keys: readonly (readonly [string, string])[] = [
    ['Ctrl K', t('Go to anything')], ['/', t('Filter what is in sight')], ...Object.entries(GO_TO).map(([key, [, title]]) => [`g ${key}`, t(title)] as const), ['c', t('Make something new')],
    ['↑ ↓ Enter', t('Choose and open in a list')], ['← →', t('Tabs of what is open; steps of the background')], ['Space', t('Play and pause the background')], ['Esc', t('Close, or out of a text')], ['?', t('Show all keys')],
  ];
  return <>
    <h2>{t('Keys')}</h2>
    <dl class="keys">{keys.map(([key, text]) => <><dt><kbd>{key}</kbd></dt><dd>{text}</dd></>)}</dl>
    <div class="buttons"><button type="button" onClick={() => { shown.value = undefined; }}>{t('Close')}</button></div>
  </>;
}
