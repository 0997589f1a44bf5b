import { badRequest } from '../../api/errors.ts';
import { apiVersionOf } from '../../api/object.ts';
import { kindType } from '../../api/schema/schema.ts';
import { parseApiVersion } from '../../api/resources.ts';
import { decode, DecodeError, type Decoded, type DecodeOptions } from '../../api/schema/decode.ts';
import { shownText } from '../../api/schema/shown-text.ts';

interface Expected {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** How upstream names the type of a kind that is of no version: `core.Pod`, `apps.Deployment`. */
export function internalType({ group, kind }: Pick<Expected, 'group' | 'kind'>): string {
  return `${group === '' || group === 'events.k8s.io' ? 'core' : group.split('.')[0]}.${kind}`;
}

/**
 * Decodes a value as an object of the expected kind. `apiVersion` and `kind` may be absent; another kind or version is refused.
 * Throws 400, worded as upstream's transformDecodeError (apiserver pkg/endpoints/handlers).
 */
export function decodeAs<T>(type: string, expected: Expected, value: unknown, options?: DecodeOptions): Decoded<T> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest(`the object provided is unrecognized (must be of type ${expected.kind}): expected a JSON object (${JSON.stringify(value)?.slice(0, 30) ?? ''})`);
  }
  const { apiVersion = apiVersionOf(expected), kind = expected.kind } = value as { readonly apiVersion?: unknown; readonly kind?: unknown };
  if (kind !== expected.kind || apiVersion !== apiVersionOf(expected)) {
    const { group, version } = parseApiVersion(shownText(apiVersion));
    const known = kindType(group, version, shownText(kind)) !== undefined;
    if (!known || kind !== expected.kind) {
      const why = known ? `converting (${version}.${shownText(kind)}) to (${internalType(expected)}): unknown conversion`
        : `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`;
      throw badRequest(`${shownText(kind)} in version "${version}" cannot be handled as a ${expected.kind}: ${why}`);
    }
    throw badRequest(`the API version in the data (${shownText(apiVersion)}) does not match the expected API version (${apiVersionOf(expected)})`);
  }
  try {
    return decode<T>(type, value, options);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw badRequest(`${expected.kind} in version "${expected.version}" cannot be handled as a ${expected.kind}: ${error.message}`);
  }
}
