import { account, kinds } from './korean-account.ts';

interface Pattern {
  readonly match: RegExp;
  readonly places: readonly string[];
  readonly words: string;
}

/** `the image {name}, for {whom}`: what stands between the braces is a word, a kind, or any text. */
function patternOf([english, words]: readonly [string, string]): Pattern {
  const places: string[] = [];
  const source = english.split(/(\{\w+\})/).map((part) => {
    const [, place] = /^\{(\w+)\}$/.exec(part) ?? [];
    if (!place) return part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    places.push(place);
    return place === 'kind' ? `(${Object.keys(kinds).join('|')})` : place === 'n' || place === 'name' ? String.raw`(\S+?)` : '(.+?)';
  });
  return { match: new RegExp(`^${source.join('')}$`, 's'), places, words };
}

const patterns: readonly Pattern[] = Object.entries(account).map(patternOf);

/** The sentence in Korean where there is a row for it, else as it is. */
export function koreanOf(text: string): string {
  for (const { match, places, words } of patterns) {
    const found = match.exec(text);
    if (!found) continue;
    const values = new Map(places.map((place, i) => [place, place === 'kind' ? kinds[found[i + 1]!]! : koreanOf(found[i + 1]!)]));
    return words.replaceAll(/\{(\w+)\}/g, (whole, place: string) => values.get(place) ?? whole);
  }
  return text;
}

/** Advice ends often with a command, which stays as it is: `Read what it wrote: kubectl logs web`. */
export function koreanAdvice(text: string): string {
  const [, words, command] = /^(.*?): ((?:kubectl|wherry) .*)$/s.exec(text) ?? [];
  return words && command ? `${koreanOf(words)}: ${command}` : koreanOf(text);
}
