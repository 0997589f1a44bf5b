import { badRequest, fieldError, invalid, type FieldError } from '../../api/errors.ts';
import { apiVersionOf, type KubeObject, type ResourceType } from '../../api/object.ts';
import { decode, DecodeError, type Decoded, type DecodeOptions } from '../../api/schema/decode.ts';
import { structuralType } from '../../api/schema/structural-type.ts';
import type { StructType } from '../../api/schema/schema.ts';
import { duplicateFields } from '../registry/duplicate-fields.ts';
import type { ObjectSchema } from '../registry/served-resource.ts';
import { embeddedErrors } from './embedded-objects.ts';
import { EMBEDDED_FIELDS, isObject, type JsonSchema } from './json-schema.ts';
import { listErrors } from './list-invariants.ts';
import { fillDefaults, OBJECT_META, prune } from './prune.ts';
import { validateValue } from './validate-value.ts';
import type { RuleMetrics } from './rule-metrics.ts';
import { hasRules, ruleErrors } from './validation-rules.ts';
import { shownText } from '../../api/schema/shown-text.ts';

/** What a version of a CRD says of its objects. Upstream: apiextensions-apiserver pkg/apiserver/customresource_handler.go. */
export class CustomSchema implements ObjectSchema {
  readonly #resource: ResourceType<unknown>;
  readonly #schema: JsonSchema;
  readonly #metrics: RuleMetrics | undefined;
  readonly type: StructType;

  constructor(resource: ResourceType<unknown>, schema: JsonSchema | undefined, metrics?: RuleMetrics) {
    this.#resource = resource;
    this.#metrics = metrics;
    this.#schema = schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    this.type = structuralType(resource, schema);
  }

  decode(value: unknown, { validation = 'Ignore', duplicates, fault }: DecodeOptions = {}): Decoded<KubeObject> {
    const resource = this.#resource;
    const fail = (cause: string): never => {
      throw badRequest(`${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${cause}`);
    };
    if (!isObject(value)) return fail('expected a JSON object');
    const { apiVersion = apiVersionOf(resource), kind = resource.kind, metadata = {}, ...content } = value;
    if (apiVersion !== apiVersionOf(resource)) throw badRequest(`the API version in the data (${shownText(apiVersion)}) does not match the expected API version (${apiVersionOf(resource)})`);
    if (kind !== resource.kind) throw invalid({ group: resource.group, kind: shownText(kind) }, shownText((metadata as { readonly name?: unknown } | null)?.name ?? ''), [fieldError.invalid('kind', shownText(kind), `must be ${resource.kind}`)]);
    const warnings: string[] = fault ? [fault] : [];
    let decodedMetadata: unknown;
    try {
      const decoded = decode(OBJECT_META, metadata, { validation: validation === 'Ignore' ? 'Ignore' : 'Warn', ...(duplicates && { duplicates }) });
      decodedMetadata = decoded.object;
      warnings.push(...decoded.warnings.map((text) => text.replace(/ field "/, ' field "metadata.')));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return fail(error.message);
    }
    const unknown: string[] = [];
    const pruned = prune(content, this.#schema, unknown, '', EMBEDDED_FIELDS) as object;
    warnings.push(...unknown.map((path) => `unknown field "${path}"`));
    if (duplicates?.size) warnings.push(...duplicateFields(value, duplicates).filter((text) => !text.startsWith('duplicate field "metadata.')));
    if (validation === 'Strict' && warnings.length > 0) fail(`strict decoding error: ${warnings.join(', ')}`);
    const unchanged = pruned === content && decodedMetadata === value['metadata'] && value['apiVersion'] !== undefined && value['kind'] !== undefined;
    const object = (unchanged ? value : { apiVersion, kind, metadata: decodedMetadata, ...pruned }) as unknown as KubeObject;
    return { object, warnings: validation === 'Ignore' ? [] : warnings };
  }

  defaults(object: KubeObject): KubeObject {
    return fillDefaults(object, this.#schema) as KubeObject;
  }

  validate(object: KubeObject, previous?: KubeObject): readonly FieldError[] {
    const schema = { ...this.#schema, required: this.#schema.required?.filter((name) => !EMBEDDED_FIELDS.includes(name)) ?? [], ...metadataOpen(this.#schema) };
    // Lists that were wrong before are not held against the writer.
    const lists = previous && listErrors(previous, this.#schema, '').length > 0 ? [] : listErrors(object, this.#schema, '');
    const errors = [...validateValue(object, schema, '', previous), ...embeddedErrors(object, { ...this.#schema, 'x-kubernetes-embedded-resource': false }, ''), ...lists]
      .map((error) => (error.field === '' ? fieldErrorAtTop(error) : error));
    // Rules are written for values of the right types and of bounded size: they are not asked about others.
    if (!hasRules(this.#schema)) return errors;
    if (errors.some(({ type }) => BLOCKING.has(type))) return [...errors, fieldErrorAtTop(fieldError.invalid('', null, NOT_CHECKED))];
    const evaluate = (): readonly FieldError[] => [...ruleErrors(object, this.#schema, '', previous)];
    return [...errors, ...(this.#metrics ? this.#metrics.evaluating(evaluate) : evaluate()).map((error) => (error.field === '' ? fieldErrorAtTop(error) : error))];
  }
}

/** Upstream: apiextensions-apiserver pkg/registry/customresource/strategy.go, hasBlockingErr. */
const BLOCKING: ReadonlySet<FieldError['type']> = new Set(['FieldValueNotSupported', 'FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueTypeInvalid']);
const NOT_CHECKED = 'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

const fieldErrorAtTop = (error: FieldError): FieldError => ({ ...error, field: '<nil>' });

/** Metadata is the server's matter; a schema may only narrow name and generateName. */
function metadataOpen({ properties }: JsonSchema): Pick<JsonSchema, 'properties'> {
  const metadata = properties?.['metadata'];
  if (!metadata) return properties ? { properties } : {};
  return { properties: { ...properties, metadata: { type: 'object', ...(metadata.properties && { properties: metadata.properties }) } } };
}
