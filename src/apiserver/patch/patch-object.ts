import { badRequest, fieldError, invalid, unsupportedMediaType } from '../../api/errors.ts';
import { decode, DecodeError } from '../../api/schema/decode.ts';
import type { StructType } from '../../api/schema/schema.ts';
import { applyJsonPatch, unknownMembers } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import { applyStrategicMergePatch } from './strategic-merge-patch.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';

/**
 * Applies a patch of any of the three plain types to an object; answers undecoded JSON. `type` is the built-in type of the object, absent for
 * custom resources, which know no strategic merge (415). Pure; shares what did not change. (Server-side apply is apply/apply.ts.)
 */
export function applyPatch(object: unknown, contentType: string, patch: unknown, type: StructType | undefined): unknown {
  if (contentType === JSON_PATCH) return applyJsonPatch(object, patch);
  if (contentType === MERGE_PATCH) {
    if (patch === null) throw badRequest('Invalid JSON Patch');
    if (typeof patch !== 'object' || Array.isArray(patch)) throw badRequest(`error decoding patch: json: cannot unmarshal ${Array.isArray(patch) ? 'array' : typeof patch} into Go value of type map[string]interface {}`);
    return applyMergePatch(object, patch);
  }
  if (contentType === STRATEGIC && type) return applyStrategicMergePatch(object, patch, type);
  throw unsupportedMediaType(patchTypes(type !== undefined));
}

/** Media types of patches that a resource takes, in upstream's order. */
export function patchTypes(builtIn: boolean): readonly string[] {
  return [JSON_PATCH, MERGE_PATCH, ...(builtIn ? [STRATEGIC] : []), 'application/apply-patch+yaml'];
}

/**
 * Applies a patch to a decoded object of a built-in type and reads the result. `strictErrors` are faults of the patch's own text (duplicate fields).
 * Throws 422 `patch: Invalid value: …` where the result does not fit the type, or with `Strict` has unknown fields.
 */
export function patchObject<T>(object: T, contentType: string, patch: unknown, type: StructType, validation: 'Strict' | 'Warn' | 'Ignore' = 'Ignore', strictErrors: readonly string[] = []):
{ readonly object: T; readonly warnings: readonly string[] } {
  const patched = applyPatch(object, contentType, patch, type);
  const shown = (): string => (contentType === STRATEGIC ? goMap(patch) : JSON.stringify(patched));
  try {
    if (contentType !== STRATEGIC) checkKind(patched, object);
    const decoded = decode<T>(type, patched, { validation: validation === 'Ignore' ? 'Ignore' : 'Warn', known: object });
    if (validation === 'Ignore') return decoded;
    const warnings = [...strictErrors, ...(contentType === JSON_PATCH ? unknownMembers(patch) : []), ...decoded.warnings];
    if (validation === 'Strict' && warnings.length) throw new DecodeError(`strict decoding error: ${warnings.join(', ')}`);
    return { object: decoded.object, warnings };
  } catch (error) {
    if (error instanceof DecodeError) throw invalid({ group: '', kind: '' }, '', [fieldError.invalid('patch', shown(), error.message)]);
    throw error;
  }
}

/** Throws where the patch made an object of another kind or version of it. */
function checkKind(patched: unknown, object: unknown): void {
  type Head = { readonly apiVersion?: string; readonly kind?: string } | null;
  const { apiVersion, kind } = object as NonNullable<Head>;
  const next = patched as Head;
  const version = next?.apiVersion || apiVersion;
  const name = next?.kind || kind;
  if (version !== apiVersion || name !== kind) throw new DecodeError(`no kind ${JSON.stringify(name)} is registered for version ${JSON.stringify(version)} in scheme "pkg/api/legacyscheme/scheme.go:30"`);
}

/** A JSON value as Go's %+v prints a map: `map[spec:map[replicas:two]]`. */
function goMap(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goMap).join(' ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `map[${Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => `${key}:${goMap(inner)}`).join(' ')}]`;
  }
  return value === null ? '<nil>' : String(value);
}
