import type { Cell, CellFamily, Histogram, HistogramFamily, MetricRegistry } from '../../base/metrics.ts';
import type { RequestInfo } from '../request.ts';

/** Upper bounds in seconds. Upstream: apiserver pkg/endpoints/metrics. */
const BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const SLI_BUCKETS = BUCKETS.slice(2);
const WATCH_LIST_BUCKETS = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 15, 20, 30, 45, 60];
/** In bytes: a kilobyte to a gigabyte. */
const SIZES = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

const KIND = ['component', 'group', 'resource', 'scope', 'subresource', 'verb', 'version'];

/** The series of one kind of request, found once. */
interface Kind {
  readonly labels: readonly string[];
  readonly codes: Map<number, Cell>;
  readonly duration: Histogram;
  readonly sli: Histogram;
  readonly sizes: Histogram | undefined;
  readonly longRunning: Cell;
}

export interface RequestMetricsOptions {
  readonly metrics: MetricRegistry;
  /** Whether there is such a resource: others are not told apart, or anybody could fill the memory with their names. */
  readonly isServed: (info: RequestInfo) => boolean;
  readonly isDeprecated: (info: RequestInfo) => boolean;
}

/** A request that was answered. */
export interface AnsweredRequest {
  readonly info: RequestInfo;
  readonly method: string;
  readonly code: number;
  readonly seconds: number;
  readonly dryRun: boolean;
  /** Of the answer; undefined where it is not known. */
  readonly bytes: number | undefined;
  readonly userAgent: string | undefined;
}

/** How many requests of which kind there were, how long they took and how large their answers were. */
export class RequestMetrics {
  readonly #options: RequestMetricsOptions;
  readonly #total: CellFamily;
  readonly #durations: HistogramFamily;
  readonly #sli: HistogramFamily;
  readonly #sizes: HistogramFamily;
  readonly #longRunning: CellFamily;
  readonly #terminations: CellFamily;
  /** Requests under way that do not last, by whether they write. */
  readonly #inFlight = { mutating: new HighWater(), readOnly: new HighWater() };
  readonly #deprecated: CellFamily;
  readonly #watchLists: HistogramFamily;
  readonly #kinds = new Map<string, Kind>();

  constructor(options: RequestMetricsOptions) {
    this.#options = options;
    const { metrics } = options;
    this.#total = metrics.counter('apiserver_request_total', 'Counter of requests by verb, resource and code of the answer.', ['code', 'component', 'dry_run', ...KIND.slice(1), 'system_client']);
    this.#durations = metrics.histogram('apiserver_request_duration_seconds', 'Time from request to answer in seconds, watches left out.', BUCKETS, ['component', 'dry_run', ...KIND.slice(1)]);
    this.#sli = metrics.histogram('apiserver_request_sli_duration_seconds', 'Time from request to answer in seconds, watches and other long requests left out.', SLI_BUCKETS, KIND);
    this.#sizes = metrics.histogram('apiserver_response_sizes', 'Size of answers in bytes.', SIZES, KIND);
    this.#longRunning = metrics.gauge('apiserver_longrunning_requests', 'Number of watches, streams and other long requests under way.', KIND);
    metrics.derived('apiserver_current_inflight_requests', 'Most requests that were under way at once since somebody looked last, by whether they write.', 'gauge', ['request_kind'], () => Object.entries(this.#inFlight).map(([kind, { highest }]) => [[kind], highest()]));
    this.#deprecated = metrics.gauge('apiserver_requested_deprecated_apis', 'Deprecated APIs that were asked for.', ['group', 'removed_release', 'resource', 'subresource', 'version']);
    this.#watchLists = metrics.histogram('apiserver_watch_list_duration_seconds', 'Time from the request of a watch that begins with all there is until all of that is told, in seconds.', WATCH_LIST_BUCKETS, ['group', 'version', 'resource', 'scope']);
    this.#terminations = metrics.counter('apiserver_request_terminations_total', 'Number of requests that the server refused in self-defence.', ['code', ...KIND]);
  }

  /** `/metrics` in Prometheus' text form: all of the server's families. */
  text(): string {
    return this.#options.metrics.text();
  }

  /** A request has begun, of which `count` will be told. Answers what is to be called then as well, where this is one that lasts. */
  begun(info: RequestInfo, method: string): (() => void) | undefined {
    if (!lasts(info)) {
      this.#inFlightOf(method).add(1);
      return undefined;
    }
    const { longRunning } = this.#kindOf(info, method);
    longRunning.add();
    return () => longRunning.add(-1);
  }

  count({ info, method, code, seconds, dryRun, bytes, userAgent }: AnsweredRequest): void {
    const kind = this.#kindOf(info, method);
    const [component, ...rest] = kind.labels as [string, ...string[]];
    const key = dryRun ? -code : code;
    let cell = kind.codes.get(key);
    if (userAgent?.startsWith('kube-') && SYSTEM_CLIENTS.has(userAgent.split('/')[0]!)) cell = this.#total.of(String(code), component, dryRun ? 'All' : '', ...rest, userAgent.split('/')[0]!);
    if (!cell) kind.codes.set(key, (cell = this.#total.of(String(code), component, dryRun ? 'All' : '', ...rest, '')));
    cell.add();
    if (code === 429) this.#terminations.of('429', ...kind.labels).add();
    if (lasts(info)) return;
    this.#inFlightOf(method).add(-1);
    (dryRun ? this.#durations.of(component, 'All', ...rest) : kind.duration).observe(seconds);
    kind.sli.observe(seconds);
    if (bytes !== undefined) kind.sizes?.observe(bytes);
  }

  /** A watch has told of all there was when it began. */
  listedByWatch({ group, version, resource, namespace, name }: RequestInfo, seconds: number): void {
    this.#watchLists.of(group, version, resource, name ? 'resource' : namespace ? 'namespace' : 'cluster').observe(seconds);
  }

  #inFlightOf(method: string): HighWater {
    return this.#inFlight[method === 'GET' || method === 'HEAD' ? 'readOnly' : 'mutating'];
  }

  #kindOf(info: RequestInfo, method: string): Kind {
    const { isResourceRequest, verb, group, version, resource, subresource, namespace, name, path } = info;
    const scope = name ? 'resource' : namespace ? 'namespace' : 'cluster';
    const key = isResourceRequest ? `${group}/${version}/${resource}/${subresource} ${verb} ${scope}` : `${method} ${PATHS.has(path) ? path : ''}`;
    const known = this.#kinds.get(key);
    if (known) return known;
    const served = isResourceRequest && VERBS[verb] !== undefined && this.#options.isServed(info);
    if (isResourceRequest && !served) return this.#kindOf({ ...info, isResourceRequest: false, path: '' }, method);
    if (served && this.#options.isDeprecated(info)) this.#deprecated.of(group, '', resource, subresource, version).value = 1;
    const shown = served ? (CONNECTING.has(subresource) ? 'CONNECT' : VERBS[verb]!) : METHODS.has(method) ? method : 'other';
    const labels = ['apiserver', group, resource, served ? scope : '', served ? subresource : PATHS.has(path) ? path : '', shown, version];
    if (!served) for (const i of [1, 2, 6]) labels[i] = '';
    const [component, ...rest] = labels as [string, ...string[]];
    const reads = shown === 'GET' || shown === 'LIST';
    const made: Kind = {
      labels, codes: new Map(), duration: this.#durations.of(component, '', ...rest), sli: this.#sli.of(...labels), sizes: reads ? this.#sizes.of(...labels) : undefined, longRunning: this.#longRunning.of(...labels),
    };
    this.#kinds.set(METHODS.has(method) ? key : `${shown} ${labels[4]}`, made);
    return made;
  }
}

/** How many there are, and how many there were at most. */
class HighWater {
  #now = 0;
  #highest = 0;

  add(amount: 1 | -1): void {
    this.#now += amount;
    if (this.#now > this.#highest) this.#highest = this.#now;
  }

  readonly highest = (): number => {
    const highest = this.#highest;
    this.#highest = this.#now;
    return highest;
  };
}

const lasts = ({ verb, subresource }: RequestInfo): boolean => verb === 'watch' || LONG_RUNNING.has(subresource);

/** Who counts as part of the control plane, by the first word of the user agent. */
const SYSTEM_CLIENTS: ReadonlySet<string> = new Set(['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']);
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT']);
const VERBS: Readonly<Record<string, string>> = { get: 'GET', list: 'LIST', watch: 'WATCH', create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE', deletecollection: 'DELETECOLLECTION' };
const CONNECTING: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy']);
const LONG_RUNNING: ReadonlySet<string> = new Set([...CONNECTING, 'log']);
/** What is told apart besides resources, in the place of a subresource as upstream does it. */
const PATHS: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version', '/metrics', '/api', '/apis', '/openapi/v2', '/openapi/v3', '/openid/v1/jwks', '/.well-known/openid-configuration']);
