import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { documentV2, documentV3 } from './document.ts';
import type { DocumentedResource } from './documented-resource.ts';
import { encodeV2, PROTO_V2 } from './proto-v2.ts';
import type { Json } from './type-schema.ts';

/** A document as bytes, made once. */
export class PublishedDocument {
  readonly bytes: Buffer;
  readonly contentType: string;
  /** SHA-512 of the bytes in upper-case hexadecimal digits, as upstream's. */
  readonly hash: string;
  #gzip: Buffer | undefined;

  constructor(bytes: Buffer, contentType = 'application/json') {
    this.bytes = bytes;
    this.contentType = contentType;
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
  #protobuf: { readonly of: PublishedDocument; readonly document: PublishedDocument } | undefined;

  /** `serverVersion`: `v1.36.0`. */
  constructor(resources: () => readonly DocumentedResource[], serverVersion: string) {
    this.#resources = resources;
    this.#serverVersion = serverVersion;
  }

  /** `/openapi/v2`. */
  v2(): PublishedDocument {
    const resources = this.#resources();
    if (!this.#all || !same(this.#all.resources, resources)) this.#all = { resources: [...resources], document: json(documentV2(resources, this.#serverVersion)) };
    return this.#all.document;
  }

  /** The same as protobuf, the only form in which Go clients ask for it. */
  v2Protobuf(): PublishedDocument {
    const of = this.v2();
    if (this.#protobuf?.of !== of) this.#protobuf = { of, document: new PublishedDocument(encodeV2(JSON.parse(of.bytes.toString()) as Json), PROTO_V2) };
    return this.#protobuf.document;
  }

  /** `/openapi/v3`: every group version's path with the hash of its document. */
  index(): PublishedDocument {
    const paths = [...this.#byGroupVersion().keys()].sort().map((path) => {
      return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${this.group(path)!.hash}` }] as const;
    });
    return json({ paths: Object.fromEntries(paths) });
  }

  /** `/openapi/v3/PATH`: `api/v1`, `apis/apps/v1`. Undefined where nothing is served there. */
  group(path: string): PublishedDocument | undefined {
    const resources = this.#byGroupVersion().get(path);
    if (!resources) return undefined;
    const known = this.#groups.get(path);
    if (known && same(known.resources, resources)) return known.document;
    const document = json(documentV3(resources));
    this.#groups.set(path, { resources, document });
    return document;
  }

  #byGroupVersion(): ReadonlyMap<string, readonly DocumentedResource[]> {
    return Map.groupBy(this.#resources(), ({ group, version }) => (group ? `apis/${group}/${version}` : `api/${version}`));
  }
}

const json = (value: unknown): PublishedDocument => new PublishedDocument(Buffer.from(JSON.stringify(value)));

const same = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((item, i) => item === b[i]);
