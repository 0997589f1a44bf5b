// The page's two languages. English is written where it is shown; the other's words stand in korean/ under the English ones.
import { signal } from '@preact/signals';
import { korean } from './korean.ts';

export type Language = 'en' | 'ko';
const KEPT = 'wherry-language';

function first(): Language {
  const kept = globalThis.localStorage?.getItem(KEPT);
  if (kept === 'en' || kept === 'ko') return kept;
  return globalThis.navigator?.language.startsWith('ko') ? 'ko' : 'en';
}

export const language = signal<Language>(first());

export function speak(next: Language): void {
  language.value = next;
  globalThis.localStorage?.setItem(KEPT, next);
}

/** The text in the reader's language, `{name}` filled in. What there is no translation of stays English: messages of the cluster are never touched. */
export function t(text: string, values?: Readonly<Record<string, string | number>>): string {
  const words = language.value === 'ko' ? (korean[text] ?? text) : text;
  return values ? words.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)) : words;
}

/** `1 pod`, `3 pods`: both are keys of their own, for languages differ in this. */
export function many(amount: number, one: string, more: string): string {
  return t(amount === 1 ? one : more, { n: amount });
}
