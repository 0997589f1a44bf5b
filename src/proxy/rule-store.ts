import type { NftNames } from '../base/nft-runner.ts';
import { IPV4, type AddressFamily } from '../base/address-family.ts';
import { renderRule } from './rule.ts';
import type { Fragment } from './service-rules.ts';
import { SHARED_SETS, skeletonChains, TABLE, type SharedSet, type SkeletonOptions } from './skeleton.ts';

/**
 * The rules that are meant, by who wants them, and how they differ from those last written. An entry of a shared map that
 * several want (one external address and port for two services) is the first one's, by name; when that one goes, the next one's.
 */
export class RuleStore {
  readonly #skeleton: SkeletonOptions;
  readonly #family: AddressFamily;
  /** `ip wherry-proxy`. */
  readonly #table: string;
  readonly #fragments = new Map<string, Fragment>();
  readonly #claims = new Map<SharedSet, Map<string, Map<string, string>>>();
  #written = new Flat();
  /** What may differ from `#written`. */
  readonly #touched = new Flat();

  constructor(skeleton: SkeletonOptions) {
    this.#skeleton = skeleton;
    this.#family = skeleton.family ?? IPV4;
    this.#table = `${this.#family.name} ${TABLE}`;
    for (const set of Object.keys(SHARED_SETS) as SharedSet[]) this.#claims.set(set, new Map());
  }

  /** Replaces what `owner` wants; undefined when it is gone. */
  put(owner: string, fragment: Fragment | undefined): void {
    const previous = this.#fragments.get(owner);
    if (previous) this.#touch(previous, (claims) => claims.delete(owner));
    if (!fragment || (fragment.chains.size === 0 && fragment.elements.size === 0)) {
      this.#fragments.delete(owner);
      return;
    }
    this.#fragments.set(owner, fragment);
    this.#touch(fragment, (claims, value) => claims.set(owner, value));
    for (const [name, rules] of fragment.chains) this.#touched.chains.set(name, rules.map((rule) => renderRule(rule, this.#family)));
    for (const [name, seconds] of fragment.affinitySets) this.#touched.affinitySets.set(name, seconds);
  }

  #touch(fragment: Fragment, change: (claims: Map<string, string>, value: string) => void): void {
    for (const name of fragment.chains.keys()) this.#touched.chains.set(name, undefined);
    for (const name of fragment.affinitySets.keys()) this.#touched.affinitySets.set(name, undefined);
    for (const [set, entries] of fragment.elements) {
      const shared = this.#claims.get(set)!;
      for (const [key, value] of entries) {
        let claims = shared.get(key);
        if (!claims) shared.set(key, (claims = new Map()));
        change(claims, value);
        if (claims.size === 0) shared.delete(key);
        const first = claims.size > 0 ? claims.get([...claims.keys()].toSorted()[0]!) : undefined;
        this.#touched.element(set, key, first);
      }
    }
  }

  /**
   * The transaction that brings the kernel from what was last written to what is meant, or undefined when nothing differs.
   * Call `written` when it has been applied, `forget` (and resync) when it was refused.
   */
  changes(): string | undefined {
    const lines = differences(this.#written, this.#touched, this.#family);
    return lines.length > 0 ? `${lines.join('\n')}\n` : undefined;
  }

  /** What `changes` or `resync` answered is in the kernel; nothing was put meanwhile. */
  written(): void {
    for (const [name, rules] of this.#touched.chains) setOrDelete(this.#written.chains, name, rules);
    for (const [name, seconds] of this.#touched.affinitySets) setOrDelete(this.#written.affinitySets, name, seconds);
    for (const [set, entries] of this.#touched.elements) for (const [key, value] of entries) this.#written.element(set, key, value);
    for (const entries of this.#written.elements.values()) for (const [key, value] of entries) if (value === undefined) entries.delete(key);
    this.#touched.clear();
  }

  /**
   * The transaction that makes the table right whatever is in it (`present`: the names suffice, for all contents are written anew), all at once: at no moment a service is without its rules,
   * and clients stay with the backends they are bound to.
   */
  resync(present: NftNames): string {
    const all = this.#everything();
    const skeleton = skeletonChains(this.#skeleton);
    const lines = [`add table ${this.#table}`];
    for (const declaration of Object.values(SHARED_SETS)) lines.push(`add ${this.#declare(declaration).replace(/^(map|set) /, `$1 ${this.#table} `)}`);
    for (const set of Object.keys(SHARED_SETS) as SharedSet[]) lines.push(`flush ${kindOf(set)} ${this.#table} ${set}`);
    for (const [name, body] of skeleton) lines.push(`add chain ${this.#table} ${name}${body[0]!.startsWith('type ') ? ` { ${body[0]} }` : ''}`, `flush chain ${this.#table} ${name}`);
    const known = new Flat();
    for (const name of present.chains) if (!skeleton.has(name)) known.chains.set(name, []);
    for (const name of present.sets) if (!(name in SHARED_SETS)) known.affinitySets.set(name, all.affinitySets.get(name) ?? 0);
    for (const name of known.chains.keys()) {
      lines.push(`flush chain ${this.#table} ${name}`);
      if (!all.chains.has(name)) all.chains.set(name, undefined);
    }
    for (const name of known.affinitySets.keys()) if (!all.affinitySets.has(name)) all.affinitySets.set(name, undefined);
    const chainsFirst = differences(known, all, this.#family);
    const rules = [...skeleton].flatMap(([name, body]) => body.filter((line) => !line.startsWith('type ')).map((line) => `add rule ${this.#table} ${name} ${line}`));
    this.#written = new Flat();
    this.#touched.clear();
    this.#touched.add(this.#everything());
    return [...lines, ...rules, ...chainsFirst, ''].join('\n');
  }

  /** The whole table as it is meant, for looking at it and for comparing. */
  render(): string {
    const all = this.#everything();
    const lines: string[] = Object.values(SHARED_SETS).map((general) => {
      const declaration = this.#declare(general);
      const name = declaration.split(' ')[1] as SharedSet;
      const entries = [...(all.elements.get(name) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => renderElement(key, value!));
      return `\t${declaration.slice(0, -2)}${entries.length > 0 ? ` elements = { ${entries.join(', ')} }` : ''} }`;
    });
    for (const [name, seconds] of [...all.affinitySets].toSorted()) lines.push(`\tset ${name} { ${affinityType(seconds!, this.#family)} }`);
    const chains = [...skeletonChains(this.#skeleton), ...[...all.chains].toSorted(([a], [b]) => (a < b ? -1 : 1))];
    // A chain must be known before a rule names it.
    const declared = chains.map(([name, body]) => `add chain ${this.#table} ${name}${body?.[0]?.startsWith('type ') ? ` { ${body[0]} }` : ''}\n`).join('');
    for (const [name, body] of chains) lines.push(`\tchain ${name} {\n${body!.map((line) => `\t\t${line}\n`).join('')}\t}`);
    return `add table ${this.#table}\n${declared}table ${this.#table} {\n${lines.join('\n')}\n}\n`;
  }

  get fragments(): ReadonlyMap<string, Fragment> {
    return this.#fragments;
  }

  /** The value of an entry of a shared map, as the kernel would find it. */
  lookup(set: SharedSet, key: string): string | undefined {
    const claims = this.#claims.get(set)!.get(key);
    return claims && claims.get([...claims.keys()].toSorted()[0]!);
  }

  #declare(declaration: string): string {
    return declaration.replaceAll('ADDRESS', this.#family.type);
  }

  #everything(): Flat {
    const all = new Flat();
    for (const fragment of this.#fragments.values()) {
      for (const [name, rules] of fragment.chains) all.chains.set(name, rules.map((rule) => renderRule(rule, this.#family)));
      for (const [name, seconds] of fragment.affinitySets) all.affinitySets.set(name, seconds);
    }
    for (const [set, entries] of this.#claims) for (const key of entries.keys()) all.element(set, key, this.lookup(set, key));
    return all;
  }
}

/** Chains, sets and entries by name. In a change, undefined means: to be gone. */
class Flat {
  readonly chains = new Map<string, readonly string[] | undefined>();
  readonly affinitySets = new Map<string, number | undefined>();
  readonly elements = new Map<SharedSet, Map<string, string | undefined>>();

  element(set: SharedSet, key: string, value: string | undefined): void {
    let entries = this.elements.get(set);
    if (!entries) this.elements.set(set, (entries = new Map()));
    entries.set(key, value);
  }

  add(other: Flat): void {
    for (const [name, rules] of other.chains) this.chains.set(name, rules);
    for (const [name, seconds] of other.affinitySets) this.affinitySets.set(name, seconds);
    for (const [set, entries] of other.elements) for (const [key, value] of entries) this.element(set, key, value);
  }

  clear(): void {
    this.chains.clear();
    this.affinitySets.clear();
    this.elements.clear();
  }
}

/** In an order in which nothing is named before it is there, nor taken away while it is named. */
function differences(from: Flat, to: Flat, family: AddressFamily): string[] {
  const table = `${family.name} ${TABLE}`;
  const newSets: string[] = [];
  const newChains: string[] = [];
  const rules: string[] = [];
  const goneElements: string[] = [];
  const newElements: string[] = [];
  const emptied: string[] = [];
  const goneChains: string[] = [];
  const goneSets: string[] = [];
  for (const [name, seconds] of to.affinitySets) {
    const before = from.affinitySets.get(name);
    if (before === undefined && seconds !== undefined) newSets.push(`add set ${table} ${name} { ${affinityType(seconds, family)} }`);
    if (before !== undefined && seconds === undefined) goneSets.push(`delete set ${table} ${name}`);
  }
  for (const [name, body] of to.chains) {
    const before = from.chains.get(name);
    if (body === undefined) {
      if (before === undefined) continue;
      emptied.push(`flush chain ${table} ${name}`);
      goneChains.push(`delete chain ${table} ${name}`);
    } else if (!before || !sameLines(before, body)) {
      newChains.push(before ? `flush chain ${table} ${name}` : `add chain ${table} ${name}`);
      rules.push(...body.map((line) => `add rule ${table} ${name} ${line}`));
    }
  }
  for (const [set, entries] of to.elements) {
    const gone: string[] = [];
    const added: string[] = [];
    for (const [key, value] of entries) {
      const before = from.elements.get(set)?.get(key);
      if (before === value) continue;
      if (before !== undefined) gone.push(renderElement(key, before));
      if (value !== undefined) added.push(renderElement(key, value));
    }
    if (gone.length > 0) goneElements.push(`delete element ${table} ${set} { ${gone.join(', ')} }`);
    if (added.length > 0) newElements.push(`add element ${table} ${set} { ${added.join(', ')} }`);
  }
  return [...newSets, ...newChains, ...emptied, ...rules, ...goneElements, ...newElements, ...goneChains, ...goneSets];
}

function renderElement(key: string, value: string): string {
  return value ? `${key} : ${value}` : key;
}

function affinityType(seconds: number, family: AddressFamily): string {
  return `type ${family.type}; flags dynamic,timeout; timeout ${seconds}s;`;
}

function kindOf(set: SharedSet): 'map' | 'set' {
  return SHARED_SETS[set].startsWith('map') ? 'map' : 'set';
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, i) => line === b[i]);
}

function setOrDelete<V>(map: Map<string, V | undefined>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
