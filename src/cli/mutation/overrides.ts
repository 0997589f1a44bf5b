import { applyPatch, type Operation } from 'rfc6902';
import { parse } from 'yaml';
import { MANIFEST_YAML } from '../../base/manifest-yaml.ts';
import { parseApiVersion } from '../../api/resources.ts';
import { kindType } from '../../api/schema/schema.ts';
import type { Flags, FlagSpecs } from '../command/flags.ts';
import { applyMergePatch } from '../patches/merge-patch.ts';
import { applyStrategic } from '../patches/strategic-patch.ts';
import { KubectlError } from '../command/kubectl-error.ts';

export const overrideFlags = {
  overrides: { type: 'string', usage: 'JSON that is laid over the generated object.' },
  'override-type': { type: 'string', default: 'merge', usage: 'How the overrides are meant: merge (RFC 7396), strategic, or json (RFC 6902).' },
} as const satisfies FlagSpecs;

/** The object with `--overrides` laid over it. Throws KubectlError where they do not parse or do not fit. */
export function overridden(flags: Flags, object: { readonly apiVersion: string; readonly kind: string }): unknown {
  const text = flags.string('overrides');
  if (!text) return object;
  let patch: unknown;
  try {
    patch = parse(text, MANIFEST_YAML);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new KubectlError('Invalid JSON Patch');
  }
  const type = flags.string('override-type');
  if (type === 'merge') return applyMergePatch(object, patch);
  if (type === 'strategic') {
    const { group, version } = parseApiVersion(object.apiVersion);
    return applyStrategic(object, patch, kindType(group, version, object.kind), { lists: 'server' });
  }
  if (type === 'json') {
    const copy = structuredClone(object);
    const [fault] = applyPatch(copy, patch as Operation[]).filter((error) => error !== null);
    if (fault) throw new KubectlError(`the overrides do not fit the generated object: ${fault.message}`);
    return copy;
  }
  throw new KubectlError(`invalid override type: ${type}`);
}
