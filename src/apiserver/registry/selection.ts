import { badRequest } from '../../api/errors.ts';
import { FieldSelectorError, parseFieldSelector, type FieldSelector } from '../../api/field-selector.ts';
import type { KindDefinition } from '../../api/kind.ts';
import { apiVersionOf, type KubeObject, type ResourceType } from '../../api/object.ts';
import { parseSelector, SelectorError, type Selector } from '../../api/selector.ts';

/** What of a resource a list or a watch wants. */
export interface Selection {
  /** Whether all objects are wanted: no selector was given. */
  readonly everything: boolean;
  /** The one name that `metadata.name=` asks for. */
  readonly name: string | undefined;
  /** One field of the kind's own that must have one value. */
  readonly exact?: { readonly field: string; readonly value: string };
  matches(object: KubeObject): boolean;
}

const EVERYTHING: Selection = { everything: true, name: undefined, matches: () => true };

/** Throws 400 for selectors that do not parse or name fields that the kind does not offer. */
export function compileSelection(
  resource: ResourceType<KubeObject>, definition: KindDefinition, labelSelector: string | undefined, fieldSelector: string | undefined,
): Selection {
  if (!labelSelector && !fieldSelector) return EVERYTHING;
  const labels = labelSelector ? parse(parseSelector, labelSelector) : undefined;
  const fields = fieldSelector ? parse(parseFieldSelector, fieldSelector) : undefined;
  const own = fields?.terms.filter(({ field }) => field !== 'metadata.name' && (field !== 'metadata.namespace' || !resource.namespaced)) ?? [];
  const offered = own.length > 0 ? selectableNames(definition) : [];
  const unknown = own.find(({ field }) => !offered.includes(field));
  if (unknown) {
    throw badRequest(unknownField(resource, definition, unknown.field));
  }
  const exact = own.find(({ operator }) => operator === '=');
  return {
    everything: false,
    ...(exact && { exact: { field: exact.field, value: exact.value } }),
    name: fields?.exactValue('metadata.name'),
    matches: (object) => (!labels || labels.matches(object.metadata.labels)) && (!fields || fields.matches(values(object, own.length > 0 ? definition : undefined))),
  };
}

/**
 * In the words of each kind's conversion of field labels; kubectl puts what it looked for before them. Upstream: pkg/apis/*\/v1/conversion.go,
 * apimachinery pkg/runtime.DefaultMetaV1FieldSelectorConversion, apiextensions-apiserver pkg/apiserver/conversion/converter.go.
 */
function unknownField(resource: ResourceType<KubeObject>, { selectableFields, custom }: KindDefinition, field: string): string {
  if (resource.kind === 'Job') return `field label ${JSON.stringify(field)} not supported for Job`;
  if (resource.kind === 'ResourceSlice') return `field label not supported for ${apiVersionOf(resource)}, Kind=${resource.kind}: ${field}`;
  return selectableFields || custom ? `field label not supported: ${field}` : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

const known = new WeakMap<KubeObject, Readonly<Record<string, string>>>();

/** The values of an object's selectable fields: found out once, for many watchers ask. Without a definition those of its metadata alone. */
function values(object: KubeObject, definition: KindDefinition | undefined): Readonly<Record<string, string>> {
  const { name, namespace } = object.metadata;
  if (!definition) return { 'metadata.name': name, ...(namespace && { 'metadata.namespace': namespace }) };
  let found = known.get(object);
  if (!found) known.set(object, (found = { ...definition.selectableFields?.(object), 'metadata.name': name, ...(namespace && { 'metadata.namespace': namespace }) }));
  return found;
}

/** The value of one field of the kind's own. */
export function fieldValue(object: KubeObject, definition: KindDefinition, field: string): string {
  return values(object, definition)[field] ?? '';
}

function parse<S extends Selector | FieldSelector>(parser: (source: string) => S, source: string): S {
  try {
    return parser(source);
  } catch (error) {
    if (error instanceof SelectorError || error instanceof FieldSelectorError) throw badRequest(error.message);
    throw error;
  }
}

/** Stands for any member of any object, so that a definition can be asked for its selectable fields before there is an object. */
const anything: object = new Proxy(() => anything, {
  get: (_target, member) => (member === Symbol.toPrimitive ? () => '' : member === Symbol.iterator ? () => [][Symbol.iterator]() : anything),
  apply: () => anything,
});

const names = new WeakMap<KindDefinition, readonly string[]>();

/** The names that `selectableFields` of a definition answers. */
export function selectableNames(definition: KindDefinition): readonly string[] {
  let known = names.get(definition);
  if (!known) {
    known = definition.selectableFields ? Object.keys(definition.selectableFields(anything as KubeObject)) : [];
    names.set(definition, known);
  }
  return known;
}
