import table from './fields.json' with { type: 'json' };

/** What a value of the API is made of. Lists and maps carry how they merge (structured-merge-diff's meaning of the words). */
export type Type = ScalarType | ListType | MapType | StructType | AnyType;

export interface ScalarType {
  readonly kind: 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'bytes' | 'time' | 'microTime' | 'duration' | 'quantity' | 'intOrString';
  /** Go's name of a string type of its own, `Protocol`; absent for plain strings. */
  readonly enumName?: string;
  /** The values allowed, where upstream publishes them. */
  readonly values?: readonly string[];
}

export interface ListType {
  readonly kind: 'list';
  readonly item: Type;
  readonly merge: 'atomic' | 'set' | 'map';
  /** Fields that identify an item of a `map` list. */
  readonly keys: readonly string[];
}

export interface MapType {
  readonly kind: 'map';
  readonly value: Type;
  readonly merge: 'granular' | 'atomic';
}

/** Any JSON: a raw extension, a field set, a JSON value. */
export interface AnyType {
  readonly kind: 'any';
  /** `io.k8s.apimachinery.pkg.runtime.RawExtension`; empty in custom resources. */
  readonly name: string;
  /** Whether objects in it merge field by field (custom resources that preserve unknown fields) or as a whole. */
  readonly merge?: 'granular' | 'atomic';
}

export interface StructType {
  readonly kind: 'struct';
  /** `io.k8s.api.apps.v1.DeploymentSpec`. */
  readonly name: string;
  /** `DeploymentSpec`, as faults name it. */
  readonly shortName: string;
  /** `v1`, the Go package as faults name it. */
  readonly package: string;
  readonly merge: 'granular' | 'atomic';
  /** All fields with those of inlined types, by JSON name, in upstream's order. */
  readonly fields: ReadonlyMap<string, Field>;
  /** Own fields and inlined types apart, as protobuf has them. TypeMeta is not among them: protobuf's envelope carries it. */
  readonly parts: readonly (Field | Inlined)[];
  /** Has apiVersion and kind. */
  readonly hasTypeMeta: boolean;
  /**
   * Where the JSON is one of two shapes (JSONSchemaPropsOrBool and its like): the shapes. Such a type has no named fields.
   */
  readonly oneOf?: readonly Type[];
  /** The type of fields that are not declared (custom resources); absent where such fields are dropped. */
  readonly additional?: Type;
}

export interface Field {
  readonly name: string;
  readonly type: Type;
  /** Protobuf field number; 0 where the type has no protobuf form. */
  readonly number: number;
  /** Absent differs from zero. */
  readonly pointer: boolean;
  /** Left out of JSON when empty. */
  readonly omitEmpty: boolean;
  readonly required: boolean;
  /** Strategic merge patch: `merge`, `replace`, `retainKeys`. */
  readonly patchStrategies: readonly string[];
  readonly patchMergeKey?: string;
  /** As JSON. */
  readonly default?: unknown;
  readonly gates?: readonly string[];
  /** A list that Go has a named type for (APIResource's verbs): in protobuf a message with the items as field 1. */
  readonly listMessage?: true;
}

export interface Inlined {
  readonly inlined: StructType;
  readonly number: number;
}

interface RawField {
  readonly t?: string;
  readonly n?: number;
  readonly req?: boolean;
  readonly list?: string;
  readonly keys?: readonly string[];
  readonly map?: string;
  readonly struct?: string;
  readonly ptr?: boolean;
  readonly omit?: boolean;
  readonly strategy?: string;
  readonly merge?: string;
  readonly default?: string;
  readonly gate?: readonly string[];
}

const rawTypes = table.types as unknown as Readonly<Record<string, Readonly<Record<string, RawField | string>>>>;
const rawEnums = table.enums as Readonly<Record<string, readonly string[]>>;
const rawKinds = table.kinds as Readonly<Record<string, { readonly resource?: boolean; readonly namespaced?: boolean }>>;

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const APIEXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.';

const plain: Readonly<Record<string, Type>> = {
  string: { kind: 'string' }, bool: { kind: 'bool' }, int32: { kind: 'int32' }, int64: { kind: 'int64' }, double: { kind: 'double' }, bytes: { kind: 'bytes' },
  'time.Duration': { kind: 'int64' },
  [META + 'Time']: { kind: 'time' },
  [META + 'MicroTime']: { kind: 'microTime' },
  [META + 'Duration']: { kind: 'duration' },
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { kind: 'quantity' },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { kind: 'intOrString' },
  ...Object.fromEntries(['io.k8s.apimachinery.pkg.runtime.RawExtension', META + 'FieldsV1', META + 'interface{}', APIEXTENSIONS + 'JSON'].map((name) => [name, { kind: 'any', name } as const])),
};

/** Types whose JSON is not the struct that Go has. First the shape of protobuf field 2 where it has one. */
const unions: Readonly<Record<string, readonly string[]>> = {
  [APIEXTENSIONS + 'JSONSchemaPropsOrBool']: [APIEXTENSIONS + 'JSONSchemaProps', 'bool'],
  [APIEXTENSIONS + 'JSONSchemaPropsOrArray']: [APIEXTENSIONS + 'JSONSchemaProps', APIEXTENSIONS + 'JSONSchemaProps[]'],
  [APIEXTENSIONS + 'JSONSchemaPropsOrStringArray']: [APIEXTENSIONS + 'JSONSchemaProps', 'string[]'],
};

/** Types without fields, which the table leaves out. */
const emptyTypes = new Set([APIEXTENSIONS + 'CustomResourceSubresourceStatus', 'io.k8s.api.scheduling.v1alpha2.BasicSchedulingPolicy', 'io.k8s.api.apiserverinternal.v1alpha1.StorageVersionSpec']);
/** Types of which the table has only Go's definition. */
const aliases: Readonly<Record<string, string>> = {
  [APIEXTENSIONS + 'struct{}']: APIEXTENSIONS + 'CustomResourceSubresourceStatus',
  'io.k8s.api.apiserverinternal.v1alpha1.struct{}': 'io.k8s.api.apiserverinternal.v1alpha1.StorageVersionSpec',
};

const cache = new Map<string, StructType>();
const emptyKeys: readonly string[] = [];

/**
 * A struct type by its name in the field table, `io.k8s.api.core.v1.Pod`. Built on first use; the same object ever after.
 * Throws where the table has no such type.
 */
export function typeSchema(name: string): StructType {
  const found = cache.get(name);
  if (found) return found;
  const raw = rawTypes[name] ?? (emptyTypes.has(name) ? {} : undefined);
  if (!raw) throw new Error(`The field table has no type ${name}`);
  return build(name, raw);
}

/** `['io.k8s.api.core.v1.Pod', …]`: every struct type of the table. */
export function typeNames(): readonly string[] {
  return Object.keys(rawTypes);
}

/** Built lazily inside, because types hold one another (JSONSchemaProps holds itself). */
class Struct implements StructType {
  readonly kind = 'struct';
  readonly name: string;
  readonly shortName: string;
  readonly package: string;
  readonly merge: 'granular' | 'atomic';
  readonly hasTypeMeta: boolean;
  readonly #raw: Readonly<Record<string, RawField | string>>;
  #parts: readonly (Field | Inlined)[] | undefined;
  #fields: ReadonlyMap<string, Field> | undefined;
  #oneOf: readonly Type[] | undefined;

  constructor(name: string, raw: Readonly<Record<string, RawField | string>>, merge?: 'granular' | 'atomic') {
    const dots = name.split('.');
    this.name = name;
    this.shortName = dots.at(-1)!;
    this.package = dots.at(-2) ?? '';
    this.merge = merge ?? (raw['<structType>'] === 'atomic' ? 'atomic' : 'granular');
    this.hasTypeMeta = `<inline> ${META}TypeMeta` in raw;
    this.#raw = raw;
  }

  get oneOf(): readonly Type[] | undefined {
    return (this.#oneOf ??= unions[this.name]?.map((t) => parseType(t, this.name, {})));
  }

  get parts(): readonly (Field | Inlined)[] {
    return (this.#parts ??= Object.entries(this.#raw).flatMap(([name, field]): (Field | Inlined)[] => {
      if (typeof field === 'string' || name === '' || name === `<inline> ${META}TypeMeta`) return [];
      if (name.startsWith('<inline> ')) return [{ inlined: typeSchema(name.slice('<inline> '.length)), number: field.n ?? 0 }];
      return [makeField(name, field, this.name)];
    }));
  }

  get fields(): ReadonlyMap<string, Field> {
    if (this.#fields) return this.#fields;
    const fields = new Map<string, Field>();
    if (this.hasTypeMeta) for (const field of typeSchema(`${META}TypeMeta`).fields.values()) fields.set(field.name, field);
    for (const part of this.parts) {
      if (!('inlined' in part)) fields.set(part.name, part);
      else for (const field of part.inlined.fields.values()) if (!fields.has(field.name)) fields.set(field.name, field);
    }
    return (this.#fields = fields);
  }
}

function build(name: string, raw: Readonly<Record<string, RawField | string>>): StructType {
  const struct = new Struct(name, raw);
  cache.set(name, struct);
  return struct;
}

function makeField(name: string, raw: RawField, owner: string): Field {
  return {
    name,
    type: parseType(raw.t ?? 'string', owner, raw),
    number: raw.n ?? 0,
    pointer: raw.ptr ?? false,
    omitEmpty: raw.omit ?? false,
    required: raw.req ?? false,
    patchStrategies: raw.strategy ? raw.strategy.split(',') : emptyKeys,
    ...(raw.merge && { patchMergeKey: raw.merge }),
    ...(raw.default !== undefined && { default: defaultValue(raw.default) }),
    ...(raw.gate && { gates: raw.gate }),
    ...(`${owner}.${name}` === `${META}APIResource.verbs` && { listMessage: true as const }),
  };
}

/** The two defaults that the table gives as Go constants. */
const constants: Readonly<Record<string, string>> = { AzureDataDiskCachingReadWrite: 'ReadWrite', AzureSharedBlobDisk: 'Shared' };

function defaultValue(text: string): unknown {
  const reference = /^ref\((.*)\)$/.exec(text);
  if (!reference) return JSON.parse(text);
  const value = constants[reference[1]!];
  if (value === undefined) throw new Error(`The field table names an unknown constant ${reference[1]}`);
  return value;
}

function parseType(text: string, owner: string, field: RawField): Type {
  if (text.endsWith('[]')) {
    const merge = field.list === 'set' || field.list === 'map' ? field.list : 'atomic';
    return { kind: 'list', item: parseType(text.slice(0, -2), owner, {}), merge, keys: field.keys ?? emptyKeys };
  }
  if (text.startsWith('map<')) {
    return { kind: 'map', value: parseType(text.slice(4, -1), owner, {}), merge: field.map === 'atomic' ? 'atomic' : 'granular' };
  }
  const direct = plain[text];
  if (direct) return direct;
  if (text.startsWith('string#')) {
    const enumName = text.split('#')[1]!;
    const values = rawEnums[`${owner.slice(0, owner.lastIndexOf('.'))}.${enumName}`] ?? Object.entries(rawEnums).find(([name]) => name.endsWith(`.${enumName}`))?.[1];
    return { kind: 'string', enumName, ...(values && { values }) };
  }
  if (field.struct === 'granular' || field.struct === 'atomic') {
    const base = typeSchema(text);
    if (base.merge !== field.struct) return new Struct(text, rawTypes[text]!, field.struct);
  }
  return typeSchema(aliases[text] ?? text);
}

const kindTypes = new Map<string, string>();

/** The type of a kind: `kindType('apps', 'v1', 'Deployment')`; lists (`DeploymentList`) and option kinds of meta too. Undefined when it is none of ours. */
export function kindType(group: string, version: string, kind: string): StructType | undefined {
  if (kindTypes.size === 0) {
    for (const name of Object.keys(rawKinds)) {
      const dots = name.split('.');
      kindTypes.set(`${groupOf(name)}/${dots.at(-2)}/${dots.at(-1)}`, name);
    }
  }
  const name = kindTypes.get(`${group}/${version}/${kind}`) ?? (group === '' && version === 'v1' ? kindTypes.get(`meta.k8s.io/v1/${kind}`) : undefined)
    ?? (metaKinds.has(kind) ? kindTypes.get(`meta.k8s.io/v1/${kind}`) : undefined);
  return name === undefined ? undefined : typeSchema(name);
}

/** Kinds of meta that upstream registers in every group version. */
const metaKinds = new Set(['WatchEvent', 'ListOptions', 'GetOptions', 'DeleteOptions', 'CreateOptions', 'UpdateOptions', 'PatchOptions']);

/** Group names that are not the package's: upstream's register.go. */
const fullGroups: Readonly<Record<string, string>> = {
  core: '', meta: 'meta.k8s.io', admission: 'admission.k8s.io', admissionregistration: 'admissionregistration.k8s.io', apidiscovery: 'apidiscovery.k8s.io',
  apiserverinternal: 'internal.apiserver.k8s.io', authentication: 'authentication.k8s.io', authorization: 'authorization.k8s.io',
  certificates: 'certificates.k8s.io', coordination: 'coordination.k8s.io', discovery: 'discovery.k8s.io', events: 'events.k8s.io',
  flowcontrol: 'flowcontrol.apiserver.k8s.io', imagepolicy: 'imagepolicy.k8s.io', networking: 'networking.k8s.io', node: 'node.k8s.io',
  rbac: 'rbac.authorization.k8s.io', resource: 'resource.k8s.io', scheduling: 'scheduling.k8s.io', storage: 'storage.k8s.io',
  storagemigration: 'storagemigration.k8s.io', apiextensions: 'apiextensions.k8s.io', apiregistration: 'apiregistration.k8s.io',
  metrics: 'metrics.k8s.io', custom_metrics: 'custom.metrics.k8s.io', external_metrics: 'external.metrics.k8s.io',
};

/** `io.k8s.api.rbac.v1.Role` → `rbac.authorization.k8s.io`. */
export function groupOf(typeName: string): string {
  const directory = typeName.split('.').at(-3)!;
  return fullGroups[directory] ?? directory;
}

/** Every kind of the table: `{ group, version, kind, type }`. */
export function kinds(): readonly { readonly group: string; readonly version: string; readonly kind: string; readonly type: string }[] {
  return Object.keys(rawKinds).map((type) => ({ group: groupOf(type), version: type.split('.').at(-2)!, kind: type.split('.').at(-1)!, type }));
}
