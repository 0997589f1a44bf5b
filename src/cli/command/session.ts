import type { Client } from '../../client/client.ts';
import type { HttpClient, RawOptions, StreamResponse } from '../../client/http-client.ts';
import type { ResolvedContext } from '../../client/kubeconfig.ts';
import { parseObject } from '../../client/parse-object.ts';
import type { Flags, FlagSpecs } from './flags.ts';
import type { Preference } from '../config/kuberc.ts';
import { ResourceMapper, type DiscoveredResource } from './resource-mapper.ts';
import type { KubectlIo } from './kubectl-io.ts';
import type { KubectlError } from './kubectl-error.ts';

/** Flags that every verb takes. */
export const globalFlags: FlagSpecs = {
  namespace: { short: 'n', type: 'string', usage: 'If present, the namespace scope for this CLI request' },
  kuberc: { type: 'string', usage: 'Path to the file with preferences, instead of ~/.kube/kuberc; KUBERC=off turns them off' },
  kubeconfig: { type: 'string', usage: 'Path to the kubeconfig file to use for CLI requests.' },
  context: { type: 'string', usage: 'The name of the kubeconfig context to use' },
  cluster: { type: 'string', usage: 'The name of the kubeconfig cluster to use' },
  user: { type: 'string', usage: 'The name of the kubeconfig user to use' },
  server: { short: 's', type: 'string', usage: 'The address and port of the Kubernetes API server' },
  token: { type: 'string', usage: 'Bearer token for authentication to the API server' },
  'certificate-authority': { type: 'string', usage: 'Path to a cert file for the certificate authority' },
  'client-certificate': { type: 'string', usage: 'Path to a client certificate file for TLS' },
  'client-key': { type: 'string', usage: 'Path to a client key file for TLS' },
  'tls-server-name': { type: 'string', usage: 'Server name to use for server certificate validation' },
  'insecure-skip-tls-verify': { type: 'bool', usage: "If true, the server's certificate will not be checked for validity" },
  'request-timeout': { type: 'string', default: '0', usage: 'The length of time to wait before giving up on a single server request' },
  as: { type: 'string', usage: 'Username to impersonate for the operation' },
  'as-group': { type: 'array', usage: 'Group to impersonate for the operation' },
  'as-uid': { type: 'string', usage: 'UID to impersonate for the operation' },
  'as-user-extra': { type: 'array', usage: "User extras to impersonate for the operation, 'key=value'; may be repeated for several values of a key" },
  'match-server-version': { type: 'bool', usage: 'Require server version to match client version' },
  'warnings-as-errors': { type: 'bool', usage: 'Treat warnings received from the server as errors and exit with a non-zero exit code' },
  'disable-compression': { type: 'bool', usage: 'If true, opt-out of response compression for all requests to the server' },
  username: { type: 'string', usage: 'Username for basic authentication to the API server' },
  password: { type: 'string', usage: 'Password for basic authentication to the API server' },
  profile: { type: 'string', default: 'none', usage: 'Name of profile to capture. Taken for the sake of scripts, without effect.' },
  'profile-output': { type: 'string', default: 'profile.pprof', usage: 'Name of the file to write the profile to. Without effect.' },
  'log-flush-frequency': { type: 'duration', default: '5s', usage: 'Maximum number of seconds between log flushes. Without effect.' },
  vmodule: { type: 'string', usage: 'Comma-separated list of pattern=N settings for file-filtered logging. Without effect.' },
  'cache-dir': { type: 'string', usage: 'Default cache directory' },
  v: { short: 'v', type: 'int', usage: 'number for the log level verbosity' },
};

const TABLE_ACCEPT = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';
const DISCOVERY_ACCEPT = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

interface AggregatedDiscovery {
  readonly items: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string; readonly responseKind: { readonly kind: string }; readonly scope: string; readonly singularResource: string;
        readonly shortNames?: readonly string[]; readonly categories?: readonly string[]; readonly verbs: readonly string[];
      }[];
    }[];
  }[];
}

/** One call's conversation with a cluster: which one, as whom, in which namespace, and what it serves. */
export class Session {
  readonly #flags: Flags;
  readonly #io: KubectlIo;
  #context: Promise<ResolvedContext> | undefined;
  #http: Promise<HttpClient> | undefined;
  #mapper: Promise<ResourceMapper> | undefined;
  #warnings = 0;
  /** Manifests that cannot be taken: the others are, and these are told at the end and fail the call. */
  readonly manifestFaults: KubectlError[] = [];

  readonly #preference: Preference | undefined;

  constructor(flags: Flags, io: KubectlIo, preference?: Preference) {
    this.#flags = flags;
    this.#io = io;
    this.#preference = preference;
  }

  get flags(): Flags {
    return this.#flags;
  }

  get warnings(): number {
    return this.#warnings;
  }

  /** The context of kubeconfig and flags. */
  context(): Promise<ResolvedContext> {
    this.#context ??= import('../../client/kubeconfig.ts').then(({ resolveContext }) => {
      // A verb may declare a flag of its own by that name: `create rolebinding --user`.
      const text = (name: string): string | undefined => (this.#flags.declares(name, 'string') && this.#flags.string(name)) || undefined;
      return resolveContext({
        env: this.#io.env, kubeconfig: text('kubeconfig'), context: text('context'), cluster: text('cluster'), user: text('user'), server: text('server'), token: text('token'),
        certificateAuthority: text('certificate-authority'), clientCertificate: text('client-certificate'), clientKey: text('client-key'), namespace: text('namespace'),
        insecureSkipTlsVerify: this.#flags.bool('insecure-skip-tls-verify') || undefined, tlsServerName: text('tls-server-name'), username: text('username'), password: text('password'),
        as: text('as'), asUid: text('as-uid'), asGroups: this.#flags.strings('as-group'), asUserExtra: extraOf(this.#flags.strings('as-user-extra')),
        plugins: { policy: this.#preference?.credentialPluginPolicy ?? '', allowed: (this.#preference?.credentialPluginAllowlist ?? []).map(({ command, name }) => command || name || '') },
      });
    });
    return this.#context;
  }

  http(): Promise<HttpClient> {
    this.#http ??= Promise.all([this.context(), import('../../client/http-client.ts')]).then(([context, { createHttpClient }]) => createHttpClient({
      ...context.connection,
      userAgent: 'kubectl/v1.36.0 (wherry)',
      ...timeoutOf(this.#flags.string('request-timeout')),
      onWarning: (text) => {
        this.#warnings++;
        this.#io.err(`Warning: ${text}\n`);
      },
    }));
    return this.#http;
  }

  async client(): Promise<Client> {
    return this.http();
  }

  async namespace(): Promise<string> {
    return (await this.context()).namespace;
  }

  /** Whether the namespace was given by `-n`. */
  get namespaceGiven(): boolean {
    return this.#flags.string('namespace') !== '';
  }

  /**
   * What is called by the names and kinds that `suffices` looks for: the built-in resources where they will do, which saves a call its
   * discovery; else what the server says.
   */
  async mapper(suffices: (builtIn: ResourceMapper) => unknown): Promise<ResourceMapper> {
    if (this.#mapper) return this.#mapper;
    const { builtInMapper } = await import('./built-in-mapper.ts');
    return suffices(builtInMapper) ? builtInMapper : this.discovered();
  }

  /** What the server says that it serves, group by group; asked for once. */
  discovered(): Promise<ResourceMapper> {
    this.#mapper ??= this.#discover();
    return this.#mapper;
  }

  async #discover(): Promise<ResourceMapper> {
    const found: DiscoveredResource[] = [];
    for (const answer of await Promise.all(['/api', '/apis'].map((path) => this.json<AggregatedDiscovery>(path, { accept: DISCOVERY_ACCEPT })))) {
      for (const group of answer.items ?? []) {
        for (const { version, resources = [] } of group.versions) {
          for (const r of resources) {
            found.push({
              group: group.metadata?.name ?? '', version, resource: r.resource, singular: r.singularResource, kind: r.responseKind.kind,
              namespaced: r.scope === 'Namespaced', shortNames: r.shortNames ?? [], categories: r.categories ?? [], verbs: r.verbs,
            });
          }
        }
      }
    }
    return new ResourceMapper(found);
  }

  /** GET, as the types have it: null counts as absent. Rejects with StatusError where the server refuses. */
  async json<T>(path: string, options: ReadOptions = {}): Promise<T> {
    return parseObject<T>(await this.text('GET', path, options));
  }

  /** GET of what is shown or written back: with its nulls, as the server said it. */
  async verbatim<T>(path: string, options: ReadOptions = {}): Promise<T> {
    const answer = await this.call<T & { readonly items?: unknown }>('GET', path, options);
    return answer.items === null ? { ...answer, items: [] } : answer;
  }

  /** Rows of a table are at least an empty list. */
  async table<T extends { readonly rows: readonly unknown[] }>(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<T> {
    const table = await this.call<T>('GET', path, { ...(query && { query }), accept: TABLE_ACCEPT });
    return { ...table, rows: table.rows ?? [] };
  }

  /** One request with a JSON (or given) body; the answer's JSON. */
  async call<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    return JSON.parse(await this.text(method, path, options)) as T;
  }

  async text(method: string, path: string, options: RequestOptions = {}): Promise<string> {
    const http = await this.http();
    return (await http.raw(method, targetOf(path, options), this.#rawOptions(options))).body.toString();
  }

  /** The answer as a stream, for logs and watches. Rejects with StatusError where the server refuses. */
  async open(method: string, path: string, options: RequestOptions = {}): Promise<StreamResponse> {
    const http = await this.http();
    return http.stream(method, targetOf(path, options), this.#rawOptions(options));
  }

  #rawOptions({ body, contentType = 'application/json', accept = 'application/json, */*' }: RequestOptions): RawOptions {
    return { headers: { accept, ...(body !== undefined && { 'content-type': contentType }) }, ...(body !== undefined && { body }), signal: this.#io.signal };
  }
}

function targetOf(path: string, { query = {} }: RequestOptions): string {
  const search = new URLSearchParams(Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '')).toString();
  return search ? `${path}${path.includes('?') ? '&' : '?'}${search}` : path;
}

interface ReadOptions {
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly accept?: string;
}

export interface RequestOptions {
  /** Empty and undefined values are left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
}

function timeoutOf(text: string): { readonly timeoutMs?: number } {
  const match = /^(\d+)(ms|s|m|h)?$/.exec(text);
  if (!match) throw new Error('Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)');
  const milliseconds = match ? Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] ?? 's']! : 0;
  return milliseconds > 0 ? { timeoutMs: milliseconds } : {};
}

/** `key=value` pairs, a key several times where it has several values. */
function extraOf(pairs: readonly string[]): Record<string, string[]> | undefined {
  if (pairs.length === 0) return undefined;
  const extra: Record<string, string[]> = {};
  for (const pair of pairs) (extra[pair.split('=')[0]!] ??= []).push(pair.slice(pair.indexOf('=') + 1));
  return extra;
}
