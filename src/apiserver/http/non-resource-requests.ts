import type { Clock } from '../../base/clock.ts';
import type { MetricRegistry } from '../../base/metrics.ts';
import { methodNotAllowedHere, noSuchResource, notAcceptableHere } from '../../api/errors.ts';
import type { Discovery } from '../discovery.ts';
import { DUMPS, dumpFlowControl } from '../flow-control/flow-control-dumps.ts';
import type { FlowControl } from '../flow-control/flow-control.ts';
import { answerHealth, HealthMetrics, type HealthCheck } from './health.ts';
import type { RequestMetrics } from './metrics.ts';
import { negotiate, parseAccept } from './negotiation.ts';
import { checkTimeout } from './query-options.ts';
import { sendBytes, sendNotFoundPage, sendObject, sendText, type Exchange } from './send.ts';
import { ZPages } from './z-pages.ts';
import { versionInfo } from './version.ts';

/** The documents about the API's types. */
export interface OpenApiDocuments {
  /** `/openapi/v2`, `/openapi/v3`, `/openapi/v3/apis/apps/v1`; false where there is no such document. */
  answer(exchange: Exchange, path: string, query: URLSearchParams): Promise<boolean>;
}

export interface NonResourceOptions {
  readonly discovery: Discovery;
  readonly metrics: RequestMetrics;
  /** Of `/metrics/resources`. */
  readonly podResources: Pick<MetricRegistry, 'text'>;
  readonly flowControl: FlowControl;
  readonly health: readonly HealthCheck[];
  readonly openApi?: OpenApiDocuments;
  /** What the server was started with, by the names of kube-apiserver's flags. */
  readonly flags: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Further documents by path, as JSON: `/openid/v1/jwks`, `/.well-known/openid-configuration`. */
  readonly documents: ReadonlyMap<string, () => object | Promise<object>>;
}

export interface NonResourceRequest extends Exchange {
  readonly path: string;
  readonly query: URLSearchParams;
}

const HEALTH_ENDPOINTS = ['healthz', 'livez', 'readyz'];
const NOTHING_ASKED = new URLSearchParams();

const DISCOVERY_VERSIONS = ['v2', 'v2beta1'];

/** Documents that are no plain JSON to those who ask. */
const DOCUMENT_MEDIA: Readonly<Record<string, string>> = { '/openid/v1/jwks': 'application/jwk-set+json' };

const isAccepted = (accept: string | undefined, media: string): boolean => !accept || parseAccept(accept).some(({ type }) => type === media || type === '*/*' || type === `${media.split('/')[0]}/*`);

/** Answers what is not a resource: health, version, metrics, discovery, OpenAPI. */
export class NonResourceRequests {
  readonly #options: NonResourceOptions;
  readonly #healthMetrics = new HealthMetrics();
  readonly #zPages: ZPages;

  constructor(options: NonResourceOptions) {
    this.#options = options;
    this.#zPages = new ZPages({ ...options, paths: () => this.#paths() });
    // A first look, so that `/metrics/slis` tells of every check before anybody asks for one.
    for (const endpoint of HEALTH_ENDPOINTS) answerHealth(`/${endpoint}`, NOTHING_ASKED, options.health, this.#healthMetrics);
  }

  /** Whether the path of a resource leads to nothing that kube-apiserver answers for: no resource, and of a group that is not built in. */
  isNobodys({ group, version, resource }: { readonly group: string; readonly version: string; readonly resource: string }): boolean {
    const { discovery } = this.#options;
    return !discovery.isBuiltIn(group) && !discovery.serves(group, version, resource);
  }

  async answer(exchange: NonResourceRequest): Promise<void> {
    const { metrics, podResources, health, documents, openApi } = this.#options;
    const { request, path, query } = exchange;
    if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowedHere();
    checkTimeout(query);
    const [, first = '', ...rest] = path.replace(/\/$/, '').split('/');
    switch (first) {
      case 'healthz': case 'livez': case 'readyz': {
        const { code, text } = answerHealth(path, query, health, this.#healthMetrics);
        return await sendText(exchange, code, text);
      }
      case 'statusz': case 'flagz': return await (rest.length > 0 ? sendNotFoundPage(exchange) : this.#zPages.answer(exchange, first));
      case 'version': return await sendObject(exchange, 200, versionInfo, { media: 'application/json', pretty: true });
      case 'metrics': {
        const page = rest.length === 0 ? metrics : rest.length > 1 ? undefined : { slis: this.#healthMetrics, resources: podResources }[rest[0]!];
        return await (page ? sendBytes(exchange, 200, 'text/plain; version=0.0.4; charset=utf-8', Buffer.from(page.text())) : sendNotFoundPage(exchange));
      }
      case 'debug': {
        const dump = DUMPS.includes(path) ? dumpFlowControl(this.#options.flowControl, rest[1]!, query) : undefined;
        return await (dump === undefined ? sendNotFoundPage(exchange) : sendText(exchange, 200, dump));
      }
      case 'api': case 'apis': return await this.#discover(exchange, first, rest);
      case '': return await sendObject(exchange, 200, { paths: this.#paths() }, { media: 'application/json', pretty: true });
      default: {
        const document = documents.get(path);
        if (document) {
          const media = DOCUMENT_MEDIA[path] ?? 'application/json';
          if (!isAccepted(request.headers.accept, media)) throw notAcceptableHere([media]);
          return await sendBytes(exchange, 200, media, Buffer.from(JSON.stringify(await document())), { 'Cache-Control': 'public, max-age=3600' });
        }
        if (first === 'openapi' && (await openApi?.answer(exchange, path, query))) return;
        return await sendNotFoundPage(exchange);
      }
    }
  }

  async #discover(exchange: NonResourceRequest, root: 'api' | 'apis', rest: readonly string[]): Promise<void> {
    const { discovery } = this.#options;
    const { request, query } = exchange;
    if (rest.length === 0) {
      const version = aggregatedVersion(request.headers.accept);
      if (version) {
        const { body, etag } = discovery.aggregated(root === 'api' ? 'core' : 'groups', `apidiscovery.k8s.io/${version}`);
        const headers = { ETag: etag, Vary: 'Accept' };
        const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
        if (request.headers['if-none-match'] === etag) {
          exchange.response.writeHead(304, headers).end();
          return;
        }
        return await sendBytes(exchange, 200, contentType, Buffer.from(`${JSON.stringify(body)}\n`), headers);
      }
    }
    const document = root === 'api'
      ? rest.length === 0 ? discovery.legacyVersions(request.headers.host ?? '') : rest.length === 1 ? discovery.resourceList('', rest[0]!) : undefined
      : rest.length === 0 ? discovery.groupList() : rest.length === 1 ? discovery.group(rest[0]!) : rest.length === 2 ? discovery.resourceList(rest[0]!, rest[1]!) : undefined;
    if (!document) {
      const group = root === 'api' ? '' : rest[0]!;
      if (rest.length === (root === 'api' ? 1 : 2) && discovery.isBuiltIn(group)) throw noSuchResource();
      return await sendNotFoundPage(exchange);
    }
    await sendObject(exchange, 200, document, negotiate(request.headers, query, ['application/json', 'application/yaml']));
  }

  #paths(): readonly string[] {
    const { discovery, documents, health } = this.#options;
    const groups = (discovery.groupList() as { groups: readonly { name: string; versions: readonly { groupVersion: string }[] }[] }).groups;
    return [
      '/api', '/api/v1', '/apis', ...groups.flatMap(({ name, versions }) => [`/apis/${name}`, ...versions.map(({ groupVersion }) => `/apis/${groupVersion}`)]),
      ...HEALTH_ENDPOINTS.flatMap((endpoint) => [`/${endpoint}`, ...health.map(({ name }) => `/${endpoint}/${name}`)]),
      '/flagz', '/metrics', '/metrics/resources', '/metrics/slis', '/statusz', '/openapi/v2', '/openapi/v3', ...documents.keys(), '/version',
    ].sort();
  }
}

/** The version of aggregated discovery that the client prefers, where it does not prefer the plain form. */
function aggregatedVersion(accept: string | undefined): string | undefined {
  for (const { type, parameters } of accept ? parseAccept(accept) : []) {
    if (type !== 'application/json') {
      if (type === '*/*' || type === 'application/*') return undefined;
      continue;
    }
    if (parameters['as'] === undefined) return undefined;
    const version = DISCOVERY_VERSIONS.find((candidate) => candidate === parameters['v']);
    if (parameters['as'] === 'APIGroupDiscoveryList' && parameters['g'] === 'apidiscovery.k8s.io' && version) return version;
  }
  return undefined;
}

