/** Upstream: pkg/registry/core/secret/strategy.go; `stringData` is taken into `data` as pkg/apis/core/v1/conversion.go does. */
import type { KindDefinition } from '../kind.ts';
import type { Secret } from '../generated/core-v1.ts';
import { secrets } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { isConfigMapKey } from '../names.ts';
import { base64Length, maxDataBytes } from '../validation/data-size.ts';
import { formatErrors, immutable, type FieldErrors } from '../validation/fields.ts';
import { keyPairFault } from '../validation/key-pair.ts';
import { isSame } from '../validation/same.ts';
import { fill } from './fill.ts';
import { ageColumn, count, nameColumn, text } from './table-columns.ts';

export const secret: KindDefinition<Secret> = {
  resource: secrets,
  defaults: (object) => fill(withStringData(object), { type: 'Opaque' }),
  prepareForUpdate: (next, previous) => (next.type || !previous.type ? next : { ...next, type: previous.type }),
  validate: (object) => [...dataErrors(object)],
  validateUpdate: (next, previous) => [...updateErrors(next, previous)],
  warnings({ type, data = {} }) {
    const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString();
    const fault = type === 'kubernetes.io/tls' ? keyPairFault(text('tls.crt'), text('tls.key')) : undefined;
    return fault === undefined ? [] : [fault];
  },
  selectableFields: (object) => ({ type: object.type ?? '' }),
  columns: [
    nameColumn,
    text('Type', 'What the secret is for.', (object) => object.type ?? ''),
    count('Data', 'How many entries it has.', (object) => Object.keys(object.data ?? {}).length),
    ageColumn,
  ],
};

/** `stringData` is a way to write `data` without base64; it is never stored. */
function withStringData({ stringData, ...object }: Secret): Secret {
  if (!stringData) return object;
  const added = Object.fromEntries(Object.entries(stringData).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
  return { ...object, data: { ...object.data, ...added } };
}

/** Keys that a type asks for; of the inner lists one is enough, but all are named when none is there. */
const requiredKeys: Readonly<Record<string, { readonly keys: readonly string[]; readonly oneIsEnough?: boolean }>> = {
  'kubernetes.io/dockercfg': { keys: ['.dockercfg'] },
  'kubernetes.io/dockerconfigjson': { keys: ['.dockerconfigjson'] },
  'kubernetes.io/basic-auth': { keys: ['username', 'password'], oneIsEnough: true },
  'kubernetes.io/ssh-auth': { keys: ['ssh-privatekey'] },
  'kubernetes.io/tls': { keys: ['tls.crt', 'tls.key'] },
};

function* dataErrors({ data = {}, type = '', metadata }: Secret): FieldErrors {
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    yield* formatErrors(`data[${key}]`, key, isConfigMapKey(key));
    size += base64Length(value);
  }
  if (size > maxDataBytes) yield fieldError.tooLong('data', maxDataBytes);
  const accountKey = 'kubernetes.io/service-account.name';
  if (type === 'kubernetes.io/service-account-token' && !metadata.annotations?.[accountKey]) yield fieldError.required(`metadata.annotations[${accountKey}]`);

  const required = requiredKeys[type];
  const missing = (required?.keys ?? []).filter((key) => !(key in data) || (key === 'ssh-privatekey' && data[key] === ''));
  if (!required?.oneIsEnough || missing.length === required.keys.length) for (const key of missing) yield fieldError.required(`data[${key}]`);
  if (type.startsWith('kubernetes.io/dockerc') && required && missing.length === 0) yield* jsonErrors(`data[${required.keys[0]}]`, data[required.keys[0]!]!);
}

function* jsonErrors(path: string, base64: string): FieldErrors {
  const wrong = jsonFault(Buffer.from(base64, 'base64').toString());
  if (wrong !== undefined) yield fieldError.invalid(path, '<secret contents redacted>', wrong);
}

/** What is wrong with a text that should be a JSON object, as upstream's parser says it where that is known. */
function jsonFault(source: string): string | undefined {
  if (source.trim() === '') return 'unexpected end of JSON input';
  try {
    const value: unknown = JSON.parse(source);
    if (value === null || (typeof value === 'object' && !Array.isArray(value))) return undefined;
    return `json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type map[string]interface {}`;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return error.message;
  }
}

function* updateErrors(next: Secret, previous: Secret): FieldErrors {
  yield* immutable('type', next.type, previous.type);
  if (!previous.immutable) return;
  if (!next.immutable) yield fieldError.forbidden('immutable', 'field is immutable when `immutable` is set');
  if (!isSame(next.data, previous.data)) yield fieldError.forbidden('data', 'field is immutable when `immutable` is set');
}
