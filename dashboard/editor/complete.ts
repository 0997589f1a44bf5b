import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { discover, type Served } from '../discovery.ts';
import { resolve, schemaAt, schemaOf, typeInWords } from './schema.ts';
import { placeIn } from './yaml-place.ts';

let served: Promise<readonly Served[]> | undefined;

/** Fields and values that the server's schema knows at the cursor. */
export async function completeYaml(context: CompletionContext): Promise<CompletionResult | null> {
  const { state, pos, explicit } = context;
  const line = state.doc.lineAt(pos);
  const place = placeIn(state.doc.toString().split('\n'), line.number - 1, pos - line.from);
  if (!place || (place.typed === '' && !explicit && place.key === undefined)) return null;
  const from = pos - place.typed.length;
  const options =
    place.path.length === 0 && (place.key === 'apiVersion' || place.key === 'kind')
      ? await names(place.key, place.apiVersion, place.kind)
      : await fields(place);
  return options.length === 0 ? null : { from, options, validFor: /^[\w./-]*$/ };
}

async function names(key: 'apiVersion' | 'kind', apiVersion: string, kind: string): Promise<Completion[]> {
  served ??= discover();
  const all = await served;
  const versionOf = ({ base }: Served): string => base.replace(/^\/apis?\//, '');
  const fitting =
    key === 'apiVersion'
      ? all.filter((each) => !kind || each.kind === kind)
      : all.filter((each) => !apiVersion || versionOf(each) === apiVersion);
  return [...new Set((fitting.length > 0 ? fitting : all).map((each) => (key === 'apiVersion' ? versionOf(each) : each.kind)))]
    .sort()
    .map((label) => ({ label, type: 'type' }));
}

async function fields({ apiVersion, kind, path, key, present }: NonNullable<ReturnType<typeof placeIn>>): Promise<Completion[]> {
  const schema = await schemaOf(apiVersion, kind);
  if (!schema)
    return path.length === 0 && key === undefined
      ? ['apiVersion', 'kind', 'metadata', 'spec']
          .filter((name) => !present.includes(name))
          .map((label) => ({ label, apply: `${label}: `, type: 'property' }))
      : [];
  const here = schemaAt(schema, path);
  if (key !== undefined) {
    const value = resolve(here?.properties?.[key], schema.definitions);
    const choices = value?.enum ?? (value?.type === 'boolean' ? [true, false] : []);
    return choices.map((choice) => ({ label: String(choice), type: 'enum' }));
  }
  const required = new Set(here?.required);
  return Object.entries(here?.properties ?? {})
    .filter(([name]) => !present.includes(name))
    .map(([label, of]) => {
      const it = resolve(of, schema.definitions);
      const nested = it?.type === 'object' || it?.type === 'array' || it?.properties !== undefined;
      return {
        label,
        type: 'property',
        detail: `${typeInWords(of, schema.definitions)}${required.has(label) ? ', required' : ''}`,
        boost: required.has(label) ? 2 : 0,
        apply: nested ? `${label}:` : `${label}: `,
        ...((of.description ?? it?.description) && { info: (of.description ?? it?.description)! }),
      };
    });
}
