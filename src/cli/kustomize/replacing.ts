import { parseDocuments } from '../manifests/manifest.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import type { FileLoader } from './file-loader.ts';
import type { FieldOptions, Replacement, Selector } from './kustomization.ts';
import { isTree, type Resource, type ResourceId, type Tree } from './resource.ts';
import { isSelected } from './selection.ts';

/** Copies values from one resource into others. Upstream: kustomize api/filters/replacement. */
export function applyReplacements(resources: readonly Resource[], entries: readonly Replacement[], loader: FileLoader): void {
  const replacements = entries.flatMap((entry) => (entry.path ? parseDocuments(entry.path, loader.text(entry.path)).flat() as Replacement[] : [entry]));
  for (const replacement of replacements) {
    const { targets, source, sourceValue } = replacement;
    if ((source === undefined && sourceValue === undefined) || targets === undefined) throw new KubectlError('replacements must specify a source and at least one target');
    if (source !== undefined && sourceValue !== undefined) throw new KubectlError('value and resource selectors are mutually exclusive');
    const value = sourceValue ?? sourceOf(resources, source!);
    for (const { select, reject = [], fieldPaths = ['metadata.name'], options = {} } of targets) {
      if (!select) throw new KubectlError('target must specify resources to select');
      for (const resource of resources) {
        if (!isSelected(resource, select) || reject.some((one) => isSelected(resource, one))) continue;
        for (const path of fieldPaths) put(resource.object, path, value, options);
      }
    }
  }
}

type Source = NonNullable<Replacement['source']>;

function sourceOf(resources: readonly Resource[], source: Source): unknown {
  const exact = (id: ResourceId): boolean => (['group', 'version', 'kind', 'name', 'namespace'] as const).every((part) => !source[part] || source[part] === id[part]);
  const matches = resources.filter(({ ids }) => ids.some(exact));
  if (matches.length > 1) throw new KubectlError(`multiple matches for selector ${selectorText(source)}`);
  if (matches.length === 0) throw new KubectlError(`nothing selected by ${selectorText(source)}`);
  const path = source.fieldPath || 'metadata.name';
  const [place] = places(matches[0]!.object, path, undefined);
  const found = place && place.holder[place.key];
  if (found === undefined || found === null || found === '') throw new KubectlError(`fieldPath \`${path}\` is missing for replacement source ${selectorText(source).replace(/:.*$/, '')}`);
  const { delimiter, index = 0 } = source.options ?? {};
  if (!delimiter) return found;
  if (typeof found === 'object') throw new KubectlError('delimiter option can only be used with scalar nodes');
  const part = String(found).split(delimiter)[index];
  if (part === undefined) throw new KubectlError(`options.index ${index} is out of bounds for value ${String(found)}`);
  return part;
}

function selectorText({ group, version, kind, name, namespace, ...rest }: Selector & { readonly fieldPath?: string }): string {
  return `${kind || '[noKind]'}.${version || '[noVer]'}.${group || '[noGrp]'}/${name || '[noName]'}.${namespace || '[noNs]'}:${rest.fieldPath ?? ''}`;
}

function put(object: Tree, path: string, value: unknown, options: FieldOptions): void {
  const found = places(object, path, options.create ? value : undefined);
  if (found.length === 0) throw new KubectlError(options.create ? `unable to find or create field "${path}" in replacement target` : `unable to find field "${path}" in replacement target`);
  // Labels and annotations are text, whatever the source is.
  const asText = /^metadata\.(?:labels|annotations)\./.test(path);
  for (const { holder, key } of found) holder[key] = combined(asText ? String(holder[key] ?? '') : holder[key], value, options);
}

/** The new value, in the place of the old one or of a part of it; a scalar keeps its type where the text allows. */
function combined(old: unknown, value: unknown, { delimiter, index = 0 }: FieldOptions): unknown {
  let next = value;
  if (delimiter) {
    if (typeof old === 'object' && old !== null) throw new KubectlError('delimiter option can only be used with scalar nodes');
    const parts = String(old ?? '').split(delimiter);
    if (index < 0) parts.unshift(String(value));
    else if (index >= parts.length) parts.push(String(value));
    else parts[index] = String(value);
    next = parts.join(delimiter);
  }
  if (typeof next === 'object' && next !== null) return structuredClone(next);
  if (typeof old === 'string') return String(next);
  if (typeof old === 'number' && /^-?\d+(\.\d+)?$/.test(String(next))) return Number(next);
  if (typeof old === 'boolean' && (String(next) === 'true' || String(next) === 'false')) return String(next) === 'true';
  return next;
}

interface Place {
  readonly holder: Tree;
  readonly key: string;
}

/** `spec.containers.[name=web].image`, `*` for all items, `\.` or `[a.b/c]` for a dot within a name. */
function stepsOf(path: string): string[] {
  const steps: string[] = [];
  let step = '';
  let brackets = 0;
  for (let i = 0; i < path.length; i++) {
    const c = path[i]!;
    if (c === '\\' && path[i + 1] === '.') {
      step += '.';
      i++;
    } else if (c === '.' && brackets === 0) {
      steps.push(step);
      step = '';
    } else {
      brackets += c === '[' ? 1 : c === ']' ? -1 : 0;
      step += c;
    }
  }
  return [...steps, step].map((one) => (/^\[[^=]*\]$/.test(one) ? one.slice(1, -1) : one)).filter((one) => one !== '');
}

/** Where the path leads; `made` (if given) is what a missing field is made for. */
function places(object: Tree, path: string, made: unknown): Place[] {
  let here: Place[] = [{ holder: { object }, key: 'object' }];
  const steps = stepsOf(path);
  steps.forEach((step, at) => {
    here = here.flatMap(({ holder, key }) => below(holder, key, step, at < steps.length - 1, made));
  });
  return here;
}

function below(holder: Tree, key: string, step: string, inner: boolean, made: unknown): Place[] {
  const item = /^\[(?<name>[^=]+)=(?<value>.*)\]$/s.exec(step)?.groups;
  if (holder[key] === undefined || holder[key] === null) {
    if (made === undefined) return [];
    holder[key] = item ? [] : {};
  }
  const value = holder[key];
  if (Array.isArray(value)) {
    const list = value as unknown as Tree;
    if (item) {
      const matching = value.flatMap((one, i) => (isTree(one) && String(one[item['name']!]) === item['value'] ? [{ holder: list, key: String(i) }] : []));
      if (matching.length > 0 || made === undefined) return matching;
      value.push({ [item['name']!]: item['value'] });
      return [{ holder: list, key: String(value.length - 1) }];
    }
    if (step === '*') return value.map((_one, i) => ({ holder: list, key: String(i) }));
    if (step === '-' && made !== undefined) return [{ holder: list, key: String(value.length) }];
    if (!/^\d+$/.test(step)) return value.flatMap((_one, i) => below(list, String(i), step, inner, made));
    return Number(step) < value.length ? [{ holder: list, key: step }] : [];
  }
  if (!isTree(value)) return [];
  if (step === '*') return Object.keys(value).map((name) => ({ holder: value, key: name }));
  if (value[step] === undefined && made === undefined) return [];
  return [{ holder: value, key: step }];
}
