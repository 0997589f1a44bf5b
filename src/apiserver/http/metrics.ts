import type { RequestInfo } from '../request.ts';

/** Upper bounds in seconds. Upstream: apiserver pkg/endpoints/metrics. */
const BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

interface Series {
  readonly labels: string;
  readonly buckets: number[];
  count: number;
  sum: number;
}

/** `/metrics` in Prometheus' text form: how many requests of which kind, and how long they took. */
export class RequestMetrics {
  /** By labels and code. */
  readonly #counts = new Map<string, Map<number, number>>();
  /** The labels of each kind of request. */
  readonly #labels = new Map<string, string>();
  readonly #durations = new Map<string, Series>();
  readonly #gauges: readonly { readonly name: string; readonly help: string; value(): number }[];

  constructor(gauges: readonly { readonly name: string; readonly help: string; value(): number }[] = []) {
    this.#gauges = gauges;
  }

  count({ isResourceRequest, verb, group, version, resource, subresource, namespace, name }: RequestInfo, method: string, code: number, seconds: number): void {
    const scope = !isResourceRequest ? '' : name ? 'resource' : namespace ? 'namespace' : 'cluster';
    const kind = isResourceRequest ? `${group}/${version}/${resource}/${subresource} ${verb} ${scope}` : method;
    let labels = this.#labels.get(kind);
    if (labels === undefined) {
      const shownVerb = isResourceRequest ? VERBS[verb] ?? verb.toUpperCase() : method;
      labels = labelText({ component: 'apiserver', ...(isResourceRequest && { group }), resource, scope, subresource, verb: shownVerb, ...(isResourceRequest && { version }) });
      this.#labels.set(kind, labels);
    }
    let codes = this.#counts.get(labels);
    if (!codes) this.#counts.set(labels, (codes = new Map()));
    codes.set(code, (codes.get(code) ?? 0) + 1);
    if (verb === 'watch') return;
    let series = this.#durations.get(labels);
    if (!series) this.#durations.set(labels, (series = { labels, buckets: BUCKETS.map(() => 0), count: 0, sum: 0 }));
    series.count++;
    series.sum += seconds;
    for (let i = BUCKETS.length - 1; i >= 0 && seconds <= BUCKETS[i]!; i--) series.buckets[i]!++;
  }

  text(): string {
    const lines = ['# HELP apiserver_request_total Counter of requests by verb, resource and code of the answer.', '# TYPE apiserver_request_total counter'];
    for (const [labels, codes] of this.#counts) for (const [code, count] of codes) lines.push(`apiserver_request_total{code="${code}",${labels}} ${count}`);
    lines.push('# HELP apiserver_request_duration_seconds Time from request to answer in seconds, watches left out.', '# TYPE apiserver_request_duration_seconds histogram');
    for (const { labels, buckets, count, sum } of this.#durations.values()) {
      BUCKETS.forEach((bound, i) => lines.push(`apiserver_request_duration_seconds_bucket{${labels},le="${bound}"} ${buckets[i]}`));
      lines.push(`apiserver_request_duration_seconds_bucket{${labels},le="+Inf"} ${count}`, `apiserver_request_duration_seconds_sum{${labels}} ${sum}`, `apiserver_request_duration_seconds_count{${labels}} ${count}`);
    }
    for (const { name, help, value } of this.#gauges) lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value()}`);
    return `${lines.join('\n')}\n`;
  }
}

const VERBS: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT', deletecollection: 'DELETECOLLECTION' };

const labelText = (labels: Readonly<Record<string, string>>): string => Object.entries(labels).map(([name, value]) => `${name}="${value}"`).join(',');
