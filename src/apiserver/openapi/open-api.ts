import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { documentV2, documentV3 } from './document.ts';
import type { DocumentedResource } from './documented-resource.ts';

/** A document as bytes, made once. */
export class PublishedDocument {
  /** JSON. */
  readonly bytes: Buffer;
  /** SHA-512 of the bytes in upper-case hexadecimal digits, as upstream's. */
  readonly hash: string;
  #gzip: Buffer | undefined;

  constructor(value: unknown) {
    this.bytes = Buffer.from(JSON.stringify(value));
    this.hash = createHash('sha512').update(this.bytes).digest('hex').toUpperCase();
  }

  get etag(): string {
    return `"${this.hash}"`;
  }

  get gzip(): Buffer {
    return (this.#gzip ??= gzipSync(this.bytes, { level: 1 }));
  }
}

/**
 * OpenAPI of all that is served, made when first asked for. `resources` answers the served resources; a group version's document is made
 * again when one of its resources is another object than before. Upstream: kube-openapi pkg/handler, handler3.
 */
export class OpenApi {
  readonly #resources: () => readonly DocumentedResource[];
  readonly #serverVersion: string;
  readonly #groups = new Map<string, { readonly resources: readonly DocumentedResource[]; readonly document: PublishedDocument }>();
  #all: { readonly resources: readonly DocumentedResource[]; readonly document: PublishedDocument } | undefined;

  /** `serverVersion`: `v1.36.0`. */
  constructor(resources: () => readonly DocumentedResource[], serverVersion: string) {
    this.#resources = resources;
    this.#serverVersion = serverVersion;
  }

  /** `/openapi/v2`. */
  v2(): PublishedDocument {
    const resources = this.#resources();
    if (!this.#all || !same(this.#all.resources, resources)) this.#all = { resources: [...resources], document: new PublishedDocument(documentV2(resources, this.#serverVersion)) };
    return this.#all.document;
  }

  /** `/openapi/v3`: every group version's path with the hash of its document. */
  index(): PublishedDocument {
    const paths = [...this.#byGroupVersion().keys()].sort().map((path) => {
      return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${this.group(path)!.hash}` }] as const;
    });
    return new PublishedDocument({ paths: Object.fromEntries(paths) });
  }

  /** `/openapi/v3/PATH`: `api/v1`, `apis/apps/v1`. Undefined where nothing is served there. */
  group(path: string): PublishedDocument | undefined {
    const resources = this.#byGroupVersion().get(path);
    if (!resources) return undefined;
    const known = this.#groups.get(path);
    if (known && same(known.resources, resources)) return known.document;
    const document = new PublishedDocument(documentV3(resources));
    this.#groups.set(path, { resources, document });
    return document;
  }

  #byGroupVersion(): ReadonlyMap<string, readonly DocumentedResource[]> {
    return Map.groupBy(this.#resources(), ({ group, version }) => (group ? `apis/${group}/${version}` : `api/${version}`));
  }
}

const same = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((item, i) => item === b[i]);
