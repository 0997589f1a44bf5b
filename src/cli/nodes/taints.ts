import type { Taint } from '../../api/generated/core-v1.ts';
import { labelValueFault } from '../mutation/valid-keys.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export interface TaintChanges {
  readonly add: readonly Taint[];
  /** Without effect: whatever effect it has. */
  readonly remove: readonly Pick<Taint, 'key' | 'effect'>[];
}

/** `key=value:Effect` adds, `key:Effect-` and `key-` remove. Throws KubectlError. Upstream: kubectl pkg/cmd/taint/utils.go. */
export function parseTaints(specs: readonly string[]): TaintChanges {
  const add: Taint[] = [];
  const remove: Pick<Taint, 'key' | 'effect'>[] = [];
  for (const spec of specs) {
    const removed = spec.endsWith('-');
    const said = removed ? spec.slice(0, -1) : spec;
    const [head = '', effect, ...more] = said.split(':');
    // Without an effect the whole is a key.
    const [key = '', value = '', ...rest] = effect === undefined ? [head] : head.split('=');
    if (more.length > 0 || rest.length > 0) throw new KubectlError(`invalid taint spec: ${said}`);
    if (effect !== undefined && !EFFECTS.includes(effect)) throw new KubectlError(`invalid taint effect: ${effect}, unsupported taint effect`);
    const valueFault = labelValueFault(value);
    if (valueFault) throw new KubectlError(`invalid taint spec: ${said}, ${valueFault}`);
    if (!/^([A-Za-z0-9.-]+\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(key)) throw new KubectlError(`invalid taint spec: ${said}, name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`);
    if (removed) remove.push({ key, effect: (effect ?? '') as Taint['effect'] });
    else if (effect === undefined) throw new KubectlError(`invalid taint spec: ${spec}`);
    else if (add.some((taint) => taint.key === key && taint.effect === effect)) throw new KubectlError(`duplicated taints with the same key and effect: {${key} ${value} ${effect} <nil>}`);
    else add.push({ key, ...(value && { value }), effect: effect as Taint['effect'] });
  }
  return { add, remove };
}

/** Refuses what is to be added and removed at once. */
export function checkConflicts({ add, remove }: TaintChanges): void {
  const conflicting = remove.filter(({ key, effect }) => add.some((taint) => taint.key === key && (!effect || taint.effect === effect)));
  if (conflicting.length > 0) throw new KubectlError(`can not both modify and remove the following taint(s) in the same command: ${conflicting.map(({ key, effect }) => `${key}=${effect}`).join(', ')}`);
}

/** The taints after the changes, and what was done in one word. Throws KubectlError where a taint to remove is not there or (without overwrite) one to add is. */
export function changeTaints(node: string, present: readonly Taint[], { add, remove }: TaintChanges, overwrite: boolean): { readonly taints: readonly Taint[]; readonly done: 'tainted' | 'untainted' | 'modified' } {
  const same = (a: Pick<Taint, 'key' | 'effect'>, b: Pick<Taint, 'key' | 'effect'>): boolean => a.key === b.key && (!b.effect || a.effect === b.effect);
  const existing = add.filter((taint) => present.some((one) => same(one, taint)));
  if (existing.length > 0 && !overwrite) throw new KubectlError(`node ${node} already has ${existing.map(({ key }) => key).join(',')} taint(s) with same effect(s) and --overwrite is false`);
  const missing = remove.filter((gone) => !present.some((one) => same(one, gone)));
  if (missing.length > 0) throw new KubectlError(missing.map((gone) => `taint "${text(gone)}" not found`).join(', '));
  const kept = present.filter((one) => !remove.some((gone) => same(one, gone)) && !add.some((taint) => same(one, taint)));
  return { taints: [...add, ...kept], done: add.length === 0 ? 'untainted' : remove.length === 0 && existing.length === 0 ? 'tainted' : 'modified' };
}

function text({ key, value, effect }: Pick<Taint, 'key' | 'effect' | 'value'>): string {
  return `${key}${value ? `=${value}` : ''}${effect ? `:${effect}` : ''}`;
}
