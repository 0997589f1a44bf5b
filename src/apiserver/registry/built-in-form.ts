import type { KindDefinition } from '../../api/kind.ts';
import { apiVersionOf, type KubeObject } from '../../api/object.ts';
import type { VersionLookup } from '../apply/other-versions.ts';
import type { ServedResource } from './served-resource.ts';
import type { StoredForm } from './stored-form.ts';

/** How objects of one built-in version read in another. Both directions are pure and lose nothing that the stored version can hold. */
export interface Conversion {
  fromStored(object: KubeObject): KubeObject;
  toStored(object: KubeObject): KubeObject;
}

/** The form of a built-in version that another one stores, here and back by `conversion`. */
export function builtInForm(own: ServedResource, stored: ServedResource, conversion: Conversion): StoredForm & { readonly versions: VersionLookup } {
  const seen = new WeakMap<KubeObject, KubeObject>();
  const show = (object: KubeObject): KubeObject => {
    let shown = seen.get(object);
    if (!shown) seen.set(object, (shown = own.schema.decode({ ...conversion.fromStored(object), apiVersion: apiVersionOf(own.resource), kind: own.resource.kind }).object));
    return shown;
  };
  const store = (object: KubeObject): KubeObject => {
    const decoded = stored.schema.decode({ ...conversion.toStored(object), apiVersion: apiVersionOf(stored.resource), kind: stored.resource.kind }).object;
    return withDefaults(stored, decoded);
  };
  return { resource: stored.resource, shown: (objects) => objects.map(show), stored: store, versions: versionsOf(own, stored, show, store) };
}

function versionsOf(own: ServedResource, stored: ServedResource, show: (object: KubeObject) => KubeObject, store: (object: KubeObject) => KubeObject): VersionLookup {
  const [ownVersion, storedVersion] = [apiVersionOf(own.resource), apiVersionOf(stored.resource)];
  return (apiVersion) => {
    if (apiVersion === ownVersion) return { schema: own.schema.type, convert: (object) => (object.apiVersion === ownVersion ? object : show(object)) };
    if (apiVersion === storedVersion) return { schema: stored.schema.type, convert: (object) => (object.apiVersion === storedVersion ? object : store(object)) };
    return undefined;
  };
}

function withDefaults({ schema, definition }: ServedResource, object: KubeObject): KubeObject {
  const filled = schema.defaults(object);
  return definition.defaults?.(filled) ?? filled;
}

/** What a version does besides what the stored version does, which is where upstream's strategies and validation are: on the kind, not on a version of it. */
export function convertedDefinition(own: KindDefinition, stored: KindDefinition, { fromStored, toStored }: Conversion): KindDefinition {
  const { prepareForCreate, prepareForUpdate, prepareForStatusUpdate, validate, validateCreate, validateUpdate, validateStatusUpdate } = stored;
  return {
    ...own,
    ...(prepareForCreate && { prepareForCreate: (object, context) => fromStored(prepareForCreate(toStored(object), context)) }),
    ...(prepareForUpdate && { prepareForUpdate: (next, previous, context) => fromStored(prepareForUpdate(toStored(next), toStored(previous), context)) }),
    ...(prepareForStatusUpdate && { prepareForStatusUpdate: (next, previous, context) => fromStored(prepareForStatusUpdate(toStored(next), toStored(previous), context)) }),
    validate: (object) => [...(own.validate?.(object) ?? []), ...(validate?.(toStored(object)) ?? [])],
    validateCreate: (object) => [...(own.validateCreate?.(object) ?? []), ...(validateCreate?.(toStored(object)) ?? [])],
    validateUpdate: (next, previous) => [...(own.validateUpdate?.(next, previous) ?? []), ...(validateUpdate?.(toStored(next), toStored(previous)) ?? [])],
    validateStatusUpdate: (next, previous) => [...(own.validateStatusUpdate?.(next, previous) ?? []), ...(validateStatusUpdate?.(toStored(next), toStored(previous)) ?? [])],
  };
}
