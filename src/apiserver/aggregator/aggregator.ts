import { Agent, request as httpsRequest } from 'node:https';
import { isReason, serviceUnavailable, StatusError } from '../../api/errors.ts';
import type { APIService, APIServiceCondition } from '../../api/generated/apiregistration-v1.ts';
import { apiServices, endpointSlices, services } from '../../api/generated/resources.ts';
import type { User } from '../../api/kind.ts';
import { rfc3339, type Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import type { ApiRegistry } from '../registry/api-registry.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import type { RequestContext } from '../request.ts';
import { hostPort } from '../subresources/kubelet-connections.ts';
import { reverseProxy } from '../subresources/reverse-proxy.ts';
import type { ConnectCall } from '../subresources/subresource-handler.ts';
import { discoveredResources, type ApiResourceList } from './discovered-resources.ts';
import { sliceOf, type ForeignDocument } from './foreign-documents.ts';
import { userHeaders, type FrontProxyIdentity } from './front-proxy.ts';

export interface AggregatorOptions {
  readonly registry: ApiRegistry;
  readonly objects: StoredObjects;
  /** The server's own context, in which statuses are written. */
  readonly context: RequestContext;
  /** A ready endpoint of a service of the cluster. Throws 503. */
  readonly endpoints: { resolve(namespace: string, name: string, port: number): { readonly host: string; readonly port: number } };
  readonly identity: FrontProxyIdentity;
  readonly clock: Clock;
  readonly log: Log;
}

/** Who asks another server what it serves. */
const AGGREGATOR_USER: User = { name: 'system:kube-aggregator', groups: ['system:masters'] };

/** Documents of another server that were read less than this ago are good enough; older ones are read again while they serve once more. */
const DOCUMENT_AGE_MS = 60_000;
/** Upper bound of what another server tells of itself, in bytes. */
const LARGEST = 64 * 1024 * 1024;

const CHECK_TIMEOUT_MS = 5000;
/** How long after a failure another server is asked again. */
const RETRY_MS = 5000;

/** A group version that another server answers for. */
interface Aggregated {
  readonly service: APIService;
  readonly agent: Promise<Agent>;
  check?: Disposable;
  /** What it serves, as it told last. */
  resources?: ApiResourceList['resources'];
  document?: { readonly readMs: number; readonly content: Promise<ForeignDocument> };
}

/**
 * Group versions whose APIService names a service: requests for them go there, with the user in headers; what is served there shows in
 * discovery. Upstream: kube-aggregator pkg/apiserver, pkg/controllers/status.
 */
export class Aggregator implements Disposable {
  readonly #options: AggregatorOptions;
  /** By `group/version`. */
  readonly #aggregated = new Map<string, Aggregated>();
  readonly #stack = new DisposableStack();

  constructor(options: AggregatorOptions) {
    this.#options = options;
    const { objects } = options;
    this.#stack.use(objects.follow(apiServices, {
      put: (service, previous) => {
        if (!previous || !deepEqual(service.spec, previous.spec)) this.#take(service);
      },
      delete: (service) => this.#drop(keyOf(service)),
    }));
    const again = (namespace: string | undefined, name: string | undefined): void => {
      for (const aggregated of this.#aggregated.values()) {
        const { service } = aggregated.service.spec;
        if (service?.namespace === namespace && service?.name === name) this.#check(aggregated, 0);
      }
    };
    this.#stack.use(objects.follow(endpointSlices, {
      put: ({ metadata }) => again(metadata.namespace, metadata.labels?.['kubernetes.io/service-name']),
      delete: ({ metadata }) => again(metadata.namespace, metadata.labels?.['kubernetes.io/service-name']),
    }));
    this.#stack.use(objects.follow(services, {
      put: ({ metadata }, previous) => {
        if (!previous) again(metadata.namespace, metadata.name);
      },
      delete: ({ metadata }) => again(metadata.namespace, metadata.name),
    }));
  }

  /** Whether another server answers for the path: `/apis/GROUP/VERSION` and all under it. */
  serves(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  /** Passes the request on. Rejects with 503 where the other server cannot be reached. */
  async proxy(call: ConnectCall): Promise<void> {
    const aggregated = this.#find(call.info.path)!;
    // What a client says of itself in these headers must not reach a server that believes them.
    const { headersDistinct } = call.request;
    for (const name of Object.keys(headersDistinct)) if (name.startsWith('x-remote-')) delete headersDistinct[name];
    const { url, serverName } = this.#address(aggregated.service, call.request.url ?? call.info.path);
    try {
      await reverseProxy(call, { url, agent: await aggregated.agent, headers: { ...userHeaders(call.context.user), host: serverName } }, this.#options.log);
    } catch (error) {
      if (isReason(error, 'ServiceUnavailable') && !aggregated.check) this.#check(aggregated, 0);
      throw error;
    }
  }

  /** What other servers tell of the group versions that they answer for; those that cannot be asked are left out. */
  async documents(): Promise<readonly ForeignDocument[]> {
    if (this.#aggregated.size === 0) return [];
    return await Promise.all([...this.#aggregated.values()].filter(({ resources }) => resources).map((aggregated) => this.#documentOf(aggregated)));
  }

  #documentOf(aggregated: Aggregated): Promise<ForeignDocument> {
    const now = this.#options.clock.monotonic();
    const known = aggregated.document;
    if (known && now - known.readMs < DOCUMENT_AGE_MS) return known.content;
    const content = this.#readDocument(aggregated);
    aggregated.document = { readMs: now, content: known ? known.content : content };
    if (!known) return content;
    void content.then(() => (aggregated.document = { readMs: now, content }));
    return known.content;
  }

  /** Never rejects: a server without documents is one that says less of itself. */
  async #readDocument(aggregated: Aggregated): Promise<ForeignDocument> {
    const { spec: { group, version } } = aggregated.service;
    const path = `apis/${group}/${version}`;
    const read = async (from: string): Promise<Buffer | undefined> => {
      try {
        return await this.#fetch(aggregated, from);
      } catch (error) {
        this.#options.log.debug('no document of another server', { path: from, service: aggregated.service.metadata.name, error });
        return undefined;
      }
    };
    const [v3, v2] = await Promise.all([read(`/openapi/v3/${path}`), read('/openapi/v2')]);
    const parsed = v2 && parseObject(v2);
    return { path, ...(v3 && parseObject(v3) && { v3 }), ...(parsed && { v2: sliceOf(parsed, path) }) };
  }

  #find(path: string): Aggregated | undefined {
    if (this.#aggregated.size === 0 || !path.startsWith('/apis/')) return undefined;
    const [, , group, version] = path.split('/');
    return this.#aggregated.get(`${group}/${version}`);
  }

  #take(service: APIService): void {
    const key = keyOf(service);
    this.#drop(key);
    if (!service.spec.service) return;
    const { caBundle, insecureSkipTLSVerify, service: target } = service.spec;
    const agent = this.#options.identity.keyPair().then((pair) => new Agent({
      keepAlive: true, key: pair.key, cert: pair.certificate, servername: `${target.name}.${target.namespace}.svc`, rejectUnauthorized: !insecureSkipTLSVerify,
      ...(caBundle && { ca: Buffer.from(caBundle, 'base64').toString() }),
    }));
    const aggregated: Aggregated = { service, agent };
    this.#aggregated.set(key, aggregated);
    this.#check(aggregated, 0);
  }

  #drop(key: string): void {
    const known = this.#aggregated.get(key);
    if (!known) return;
    this.#aggregated.delete(key);
    known.check?.[Symbol.dispose]();
    void known.agent.then((agent) => agent.destroy(), () => {});
    this.#publish(known.service, []);
  }

  #address({ spec: { service } }: APIService, path: string): { readonly url: URL; readonly serverName: string } {
    const { namespace = '', name = '', port = 443 } = service!;
    const { host, port: targetPort } = this.#options.endpoints.resolve(namespace, name, port);
    return { url: new URL(path, `https://${hostPort(host, targetPort)}`), serverName: `${name}.${namespace}.svc` };
  }

  /** Asks the other server what it serves, now or later; again after a while where it does not answer. */
  #check(aggregated: Aggregated, delayMs: number): void {
    aggregated.check?.[Symbol.dispose]();
    aggregated.check = this.#options.clock.timer(delayMs, () => {
      delete aggregated.check;
      void this.#checkNow(aggregated);
    });
  }

  async #checkNow(aggregated: Aggregated): Promise<void> {
    const { service } = aggregated;
    const { context, log } = this.#options;
    let condition: Omit<APIServiceCondition, 'lastTransitionTime'>;
    try {
      const list = await this.#discover(aggregated);
      if (this.#aggregated.get(keyOf(service)) !== aggregated) return;
      aggregated.resources = list.resources;
      delete aggregated.document;
      this.#publish(service, list.resources);
      condition = { type: 'Available', status: 'True', reason: 'Passed', message: 'all checks passed' };
    } catch (error) {
      if (context.signal.aborted || this.#aggregated.get(keyOf(service)) !== aggregated) return;
      const message = error instanceof Error ? error.message : String(error);
      if (aggregated.resources) this.#publish(service, aggregated.resources, true);
      const { namespace = '', name = '' } = service.spec.service ?? {};
      if (!this.#options.objects.get(services, { namespace, name })) condition = { type: 'Available', status: 'False', reason: 'ServiceNotFound', message: `service/${name} in "${namespace}" is not present` };
      else condition = { type: 'Available', status: 'False', reason: error instanceof StatusError ? 'MissingEndpoints' : 'FailedDiscoveryCheck', message };
      this.#check(aggregated, RETRY_MS);
    }
    try {
      await this.#writeCondition(service, condition);
    } catch (error) {
      if (!context.signal.aborted && !isReason(error, 'NotFound')) log.error('status of an APIService not written', { name: service.metadata.name, error });
    }
  }

  async #discover(aggregated: Aggregated): Promise<ApiResourceList> {
    const { group, version } = aggregated.service.spec;
    return JSON.parse((await this.#fetch(aggregated, `/apis/${group}/${version}`)).toString()) as ApiResourceList;
  }

  /** Asks the other server for a document as the aggregator itself. */
  async #fetch({ service, agent }: Aggregated, path: string): Promise<Buffer> {
    const { url, serverName } = this.#address(service, path);
    const headers = { accept: 'application/json', host: serverName, ...userHeaders(AGGREGATOR_USER) };
    const made = await agent;
    return await new Promise((resolve, reject) => {
      const fail = (cause: string): void => reject(new Error(`failing or missing response from ${url.href}: ${cause}`));
      const asked = httpsRequest(url, { agent: made, headers, timeout: CHECK_TIMEOUT_MS, signal: this.#options.context.signal }, (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > LARGEST) asked.destroy(new Error('the answer is too large'));
          else chunks.push(chunk);
        });
        answer.on('error', (error) => fail(error.message));
        answer.on('end', () => {
          if (answer.statusCode === 200) resolve(Buffer.concat(chunks));
          else fail(`bad status from ${url.href}: ${answer.statusCode}`);
        });
      });
      asked.on('timeout', () => asked.destroy(new Error('time-out')));
      asked.on('error', (error) => fail(`Get ${JSON.stringify(url.href)}: ${error.message}`));
      asked.end();
    });
  }

  /** Shows these resources of the group version in discovery, and no others. What the server itself serves under the version comes back when none are given. */
  #publish({ spec: { group = '', version = '' } }: APIService, resources: ApiResourceList['resources'], stale = false): void {
    this.#options.registry.shadow(group, version, resources.length > 0 ? discoveredResources(group, version, resources, stale) : undefined);
  }

  async #writeCondition({ metadata: { name } }: APIService, condition: Omit<APIServiceCondition, 'lastTransitionTime'>): Promise<void> {
    const { registry, context, clock } = this.#options;
    const store = registry.storeOf(apiServices);
    if (!store) throw serviceUnavailable('apiservices are not served');
    await store.update(context, { name }, (current) => {
      const conditions = current!.status?.conditions ?? [];
      const present = conditions.find(({ type }) => type === 'Available');
      if (present && present.status === condition.status && present.reason === condition.reason && present.message === condition.message) return current!;
      const lastTransitionTime = present?.status === condition.status ? present.lastTransitionTime : rfc3339(clock.now());
      const next = { ...condition, ...(lastTransitionTime && { lastTransitionTime }) } as APIServiceCondition;
      return { ...current!, status: { ...current!.status, conditions: [...conditions.filter(({ type }) => type !== 'Available'), next] } };
    }, { subresource: 'status' });
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
    for (const { agent, check } of this.#aggregated.values()) {
      check?.[Symbol.dispose]();
      void agent.then((made) => made.destroy(), () => {});
    }
    this.#aggregated.clear();
  }
}

const keyOf = ({ spec: { group = '', version = '' } }: APIService): string => `${group}/${version}`;

function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // another server's nonsense is no fault of ours
    throw error;
  }
}
