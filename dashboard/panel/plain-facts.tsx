import type { JSX } from 'preact';
import type { Obj } from '../api.ts';
import { Conditions, Fact, Facts } from './facts.tsx';

/** More than this many belong into the YAML. */
const MOST = 24;
/** Told elsewhere, or of no use to a person. */
const LEFT_OUT = new Set(['apiVersion', 'kind', 'metadata', 'conditions', 'observedGeneration']);

/** Of kinds that have no summary of their own: each single value, by where it stands. */
export function PlainFacts({ object }: { readonly object: Obj }): JSX.Element {
  const { spec, status, data: _data, ...others } = object as Obj & Readonly<Record<string, unknown>>;
  const parts = [
    ['What it says', valuesOf(object.kind === 'Secret' ? {} : others)],
    ['What is wanted', valuesOf(spec)],
    ['How it is', valuesOf(status)],
  ] as const;
  const conditions = (status as { readonly conditions?: Parameters<typeof Conditions>[0]['of'] } | undefined)?.conditions;
  return (
    <>
      {parts.map(
        ([title, values]) =>
          values.length > 0 && (
            <Facts key={title} title={title}>
              {values.slice(0, MOST).map(([path, value]) => (
                <Fact key={path} name={path}>
                  <code>{value}</code>
                </Fact>
              ))}
              {values.length > MOST && <Fact name="…">{`+${values.length - MOST}`}</Fact>}
            </Facts>
          ),
      )}
      {Array.isArray(conditions) && conditions.length > 0 && (
        <Facts title="Conditions">
          <Conditions of={conditions} />
        </Facts>
      )}
    </>
  );
}

/** `hard.pods` → `10`, `rules[0].verbs` → `get, list`. */
function valuesOf(value: unknown, path = ''): readonly (readonly [path: string, value: string])[] {
  if (value === null || value === undefined || value === '') return [];
  if (typeof value !== 'object') return [[path, String(value)]];
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== 'object')) return value.length > 0 ? [[path, value.join(', ')]] : [];
    return value.flatMap((item, i) => valuesOf(item, `${path}[${i}]`));
  }
  return Object.entries(value).flatMap(([key, item]) => (path === '' && LEFT_OUT.has(key) ? [] : valuesOf(item, path ? `${path}.${key}` : key)));
}
