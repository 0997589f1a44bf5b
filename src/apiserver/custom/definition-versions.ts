import { StatusError } from '../../api/errors.ts';
import { apiVersionOf, type KubeObject } from '../../api/object.ts';
import type { OtherVersion } from '../apply/other-versions.ts';
import type { ServedResource } from '../registry/served-resource.ts';
import type { StoredForm } from '../registry/stored-form.ts';
import type { VersionConverter } from './version-converter.ts';

/**
 * All versions of a definition, served or not, and how objects pass between them: an object is stored in whichever version was the stored one
 * when it was last written. Upstream: apiextensions-apiserver pkg/apiserver crdConversionRESTOptionsGetter.
 */
export class DefinitionVersions {
  readonly #versions: ReadonlyMap<string, ServedResource>;
  readonly #storage: ServedResource;
  readonly #converter: VersionConverter;

  constructor(versions: readonly ServedResource[], storage: ServedResource, converter: VersionConverter) {
    this.#versions = new Map(versions.map((version) => [apiVersionOf(version.resource), version]));
    this.#storage = storage;
    this.#converter = converter;
  }

  /** How the objects that one version shows are stored. */
  form(version: ServedResource): StoredForm {
    const known = new Shown((objects) => this.#shown(objects, version));
    const storageVersion = apiVersionOf(this.#storage.resource);
    return {
      resource: this.#storage.resource,
      shown: (stored, { fresh = false } = {}) => known.of(stored, fresh),
      stored: (object) => (object.apiVersion === storageVersion ? object : one(this.#converted([object], this.#storage))),
    };
  }

  /** The version of this name, for managers that wrote in it. */
  lookup(apiVersion: string): OtherVersion | undefined {
    const version = this.#versions.get(apiVersion);
    return version && { schema: version.schema.type, convert: (object) => (object.apiVersion === apiVersion ? object : one(this.#converted([object], version))) };
  }

  /** Stored objects with the defaults of the version that they are stored in, as `version` has them. */
  #shown(stored: readonly KubeObject[], version: ServedResource): readonly KubeObject[] | Promise<readonly KubeObject[]> {
    const apiVersion = apiVersionOf(version.resource);
    const read = stored.map((object) => this.#read(object));
    const others = read.filter((object) => object.apiVersion !== apiVersion);
    if (others.length === 0) return read;
    const merge = (converted: readonly KubeObject[]): readonly KubeObject[] => {
      let at = 0;
      return read.map((object) => (object.apiVersion === apiVersion ? object : converted[at++]!));
    };
    const converted = this.#converted(others, version);
    return converted instanceof Promise ? converted.then(merge) : merge(converted);
  }

  /** A stored object as its own version reads today: what a definition has come to give defaults for has them also where it was stored before. */
  #read(object: KubeObject): KubeObject {
    const version = this.#versions.get(object.apiVersion);
    if (!version) throw unknownVersion(object.apiVersion);
    return version.schema.defaults(version.schema.decode(object).object);
  }

  /** Objects of other versions in this one, without what its schema does not have. */
  #converted(objects: readonly KubeObject[], { resource, schema }: ServedResource): readonly KubeObject[] | Promise<readonly KubeObject[]> {
    const prune = (converted: readonly KubeObject[]): readonly KubeObject[] => converted.map((object) => schema.decode(object).object);
    const converted = this.#converter.convert(objects, apiVersionOf(resource));
    return converted instanceof Promise ? converted.then(prune) : prune(converted);
  }
}

/**
 * What stored objects are shown as, remembered for as long as they are: a hundred watchers ask for the same conversion at once, and a webhook
 * is asked once.
 */
class Shown {
  readonly #make: (stored: readonly KubeObject[]) => readonly KubeObject[] | Promise<readonly KubeObject[]>;
  readonly #known = new WeakMap<KubeObject, { readonly object: KubeObject | Promise<KubeObject>; readonly asked: boolean }>();

  constructor(make: (stored: readonly KubeObject[]) => readonly KubeObject[] | Promise<readonly KubeObject[]>) {
    this.#make = make;
  }

  /** `fresh`: what a webhook said is not taken from memory; it may have learnt since. */
  of(stored: readonly KubeObject[], fresh: boolean): readonly KubeObject[] | Promise<readonly KubeObject[]> {
    const missing = new Set(stored.filter((object) => {
      const known = this.#known.get(object);
      return !known || (fresh && known.asked);
    }));
    if (missing.size > 0) this.#learn([...missing]);
    const found = stored.map((object) => this.#known.get(object)!.object);
    return found.some((object) => object instanceof Promise) ? Promise.all(found) : (found as KubeObject[]);
  }

  #learn(missing: readonly KubeObject[]): void {
    const made = this.#make(missing);
    if (!(made instanceof Promise)) {
      for (const [i, object] of missing.entries()) this.#known.set(object, { object: made[i]!, asked: false });
      return;
    }
    for (const [i, object] of missing.entries()) {
      const entry = { object: made.then((all) => all[i]!), asked: true };
      this.#known.set(object, entry);
      entry.object.then(
        (shown) => void (this.#known.get(object) === entry && this.#known.set(object, { object: shown, asked: true })),
        () => void (this.#known.get(object) === entry && this.#known.delete(object)), // who asked is told; the next one asks again
      );
    }
  }
}

function one(objects: readonly KubeObject[] | Promise<readonly KubeObject[]>): KubeObject | Promise<KubeObject> {
  return objects instanceof Promise ? objects.then(([object]) => object!) : objects[0]!;
}

/** Upstream: crConverter.ConvertToVersion. */
const unknownVersion = (apiVersion: string): StatusError =>
  new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: `request to convert CR from an invalid group/version: ${apiVersion}`, code: 500 });
