import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { loadDescriptions, type Descriptions } from './descriptions.ts';
import { mergeV2, type ForeignDocument } from '../aggregator/foreign-documents.ts';
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
  readonly #foreign: () => Promise<readonly ForeignDocument[]>;
  readonly #foreignDocuments = new WeakMap<Buffer, PublishedDocument>();
  #all: { readonly resources: readonly unknown[]; readonly document: PublishedDocument } | undefined;
  #protobuf: { readonly of: PublishedDocument; readonly document: PublishedDocument } | undefined;

  #descriptions: Promise<Descriptions> | undefined;

  /** `serverVersion`: `v1.36.0`. `foreign`: what other servers tell of the group versions that they answer for. */
  constructor(resources: () => readonly DocumentedResource[], serverVersion: string, foreign: () => Promise<readonly ForeignDocument[]> = async () => []) {
    this.#resources = () => resources().filter((resource) => !resource.foreign);
    this.#foreign = foreign;
    this.#serverVersion = serverVersion;
  }

  /** `/openapi/v2`. */
  async v2(): Promise<PublishedDocument> {
    const descriptions = await this.#describe();
    const others = (await this.#foreign()).flatMap(({ v2 }) => (v2 ? [v2] : []));
    const resources = this.#resources();
    const sources = [...resources, ...others];
    if (!this.#all || !same(this.#all.resources, sources)) this.#all = { resources: sources, document: json(mergeV2(documentV2(resources, this.#serverVersion, descriptions), others)) };
    return this.#all.document;
  }

  /** The same as protobuf, the only form in which Go clients ask for it. */
  async v2Protobuf(): Promise<PublishedDocument> {
    const of = await this.v2();
    if (this.#protobuf?.of !== of) this.#protobuf = { of, document: new PublishedDocument(encodeV2(JSON.parse(of.bytes.toString()) as Json), PROTO_V2) };
    return this.#protobuf.document;
  }

  /** `/openapi/v3`: every group version's path with the hash of its document. */
  async index(): Promise<PublishedDocument> {
    const descriptions = await this.#describe();
    const paths: Record<string, unknown> = {};
    for (const { path, v3 } of await this.#foreign()) if (v3) paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${this.#published(v3).hash}` };
    for (const path of [...this.#byGroupVersion().keys()].sort()) {
      // Each document takes a few milliseconds when it is made first: others shall have their turn in between.
      if (!this.#groups.has(path)) await setImmediate();
      const document = this.#group(path, descriptions);
      if (document) paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${document.hash}` };
    }
    return json({ paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))) });
  }

  /** `/openapi/v3/PATH`: `api/v1`, `apis/apps/v1`. Undefined where nothing is served there. */
  async group(path: string): Promise<PublishedDocument | undefined> {
    const own = this.#group(path, await this.#describe());
    if (own) return own;
    const v3 = (await this.#foreign()).find((foreign) => foreign.path === path)?.v3;
    return v3 && this.#published(v3);
  }

  #published(bytes: Buffer): PublishedDocument {
    let document = this.#foreignDocuments.get(bytes);
    if (!document) this.#foreignDocuments.set(bytes, (document = new PublishedDocument(bytes)));
    return document;
  }

  #group(path: string, descriptions: Descriptions): PublishedDocument | undefined {
    const resources = this.#byGroupVersion().get(path);
    if (!resources) return undefined;
    const known = this.#groups.get(path);
    if (known && same(known.resources, resources)) return known.document;
    const document = json(documentV3(resources, descriptions));
    this.#groups.set(path, { resources, document });
    return document;
  }

  #describe(): Promise<Descriptions> {
    return (this.#descriptions ??= loadDescriptions());
  }

  #byGroupVersion(): ReadonlyMap<string, readonly DocumentedResource[]> {
    return Map.groupBy(this.#resources(), ({ group, version }) => (group ? `apis/${group}/${version}` : `api/${version}`));
  }
}

const json = (value: unknown): PublishedDocument => new PublishedDocument(Buffer.from(JSON.stringify(value)));

const same = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((item, i) => item === b[i]);
