import { parseApiVersion } from '../../api/resources.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { isTree, type Tree } from './resource.ts';

/** Where a transformer writes: a path of fields parted by slashes (`\/` within a name), in kinds that match. Lists on the way are gone through. */
export interface FieldSpec {
  readonly path: string;
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  /** Whether missing fields are made. */
  readonly create?: boolean;
}

export function fitsKind(object: Tree, { group, version, kind }: Pick<FieldSpec, 'group' | 'version' | 'kind'>): boolean {
  const own = parseApiVersion(String(object['apiVersion'] ?? ''));
  return (!kind || kind === object['kind']) && (!group || group === own.group) && (!version || version === own.version);
}

/** Calls `set` with every place that the spec means: the map or list that holds the value, and the key in it. */
export function visitField(object: Tree, spec: FieldSpec, made: 'map' | 'text', set: (holder: Tree, key: string) => void): void {
  if (!fitsKind(object, spec)) return;
  const steps = spec.path.split(/(?<!\\)\//).map((step) => step.replaceAll('\\/', '/'));
  walk({ object }, 'object', steps);

  function walk(holder: Tree, key: string, rest: readonly string[]): void {
    const [step, ...after] = rest;
    if (step === undefined) return set(holder, key);
    const value = holder[key];
    if (value === null || value === undefined) return;
    if (Array.isArray(value)) {
      value.forEach((_item, i) => walk(value as unknown as Tree, String(i), rest));
      return;
    }
    if (!isTree(value)) throw new KubectlError(`considering field '${spec.path}' of object ${String(object['kind'])}: expected sequence or mapping node`);
    const name = step.replace(/\[\]$/, '');
    if (value[name] === undefined || value[name] === null) {
      if (!spec.create || name !== step) return;
      value[name] = after.length > 0 || made === 'map' ? {} : '';
    }
    walk(value, name, after);
  }
}
