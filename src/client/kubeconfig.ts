import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { ExecCredential, type PluginPolicy } from './exec-credential.ts';
import type { HttpClientOptions } from './http-client.ts';
import { confirmUsable, KubeconfigError } from './kubeconfig-faults.ts';
import { proxyOfEnvironment } from './proxy.ts';
import type { Kubeconfig, KubeconfigCluster, KubeconfigUser, Named } from './kubeconfig-entries.ts';

/** The files that count: `KUBECONFIG`'s list, else `~/.kube/config`. The first is the one that is written to. */
export function kubeconfigPaths(env: NodeJS.ProcessEnv): string[] {
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  return listed.length > 0 ? listed : [join(env['HOME'] || homedir(), '.kube', 'config')];
}

/** Reads and merges; of entries of one name, and of current contexts, the first counts. Files that are not there count as empty. */
export function loadKubeconfig(paths: readonly string[]): Kubeconfig {
  const files = paths.map(readOne);
  const merged = <T extends Named>(pick: (file: Kubeconfig) => readonly T[] | null | undefined): T[] => {
    const byName = new Map<string, T>();
    for (const file of files) for (const entry of pick(file) ?? []) if (!byName.has(entry.name)) byName.set(entry.name, entry);
    return [...byName.values()];
  };
  return {
    'current-context': files.map((file) => file['current-context']).find((name) => name) ?? '',
    clusters: merged((file) => file.clusters), users: merged((file) => file.users), contexts: merged((file) => file.contexts),
  };
}

function readOne(path: string): Kubeconfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  const config = parsed(path, text);
  // Files are named relative to the kubeconfig they are named in.
  const absolute = <T extends object>(entry: T, ...fields: (keyof T)[]): T => {
    const own = { ...entry };
    for (const field of fields) if (own[field]) own[field] = resolve(dirname(path), own[field] as string) as T[keyof T];
    return own;
  };
  return {
    ...config,
    clusters: config.clusters?.map((c) => ({ ...c, cluster: absolute(c.cluster ?? {}, 'certificate-authority') })) ?? [],
    users: config.users?.map((u) => ({ ...u, user: withExecPath(absolute(u.user ?? {}, 'client-certificate', 'client-key', 'tokenFile'), dirname(path)) })) ?? [],
  };
}

const NO_OBJECT = 'couldn\'t get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/** Throws what kubectl says of a file that is no kubeconfig. */
function parsed(path: string, text: string): Kubeconfig {
  const fault = (message: string, cause?: unknown): Error => new Error(`error loading config file "${path}": ${message}`, { cause });
  let config: Kubeconfig & { readonly kind?: string; readonly apiVersion?: string };
  try {
    config = (parse(text, { prettyErrors: false, uniqueKeys: false }) as Kubeconfig | null) ?? {};
  } catch (error) {
    throw fault((error as Error).message, error);
  }
  if (typeof config !== 'object') throw fault(NO_OBJECT);
  if (config.kind && config.kind !== 'Config') throw fault(`no kind "${config.kind}" is registered for version "${config.apiVersion ?? ''}" in scheme "pkg/runtime/scheme.go:111"`);
  for (const [list, type] of [['clusters', 'NamedCluster'], ['users', 'NamedAuthInfo'], ['contexts', 'NamedContext']] as const) {
    const value: unknown = config[list] ?? [];
    if (!Array.isArray(value)) throw fault(`json: cannot unmarshal ${value !== null && typeof value === 'object' ? 'object' : typeof value === 'boolean' ? 'bool' : typeof value} into Go struct field Config.${list} of type []v1.${type}`);
  }
  const data = [...(config.clusters ?? []).map(({ cluster }) => cluster?.['certificate-authority-data']), ...(config.users ?? []).flatMap(({ user }) => [user?.['client-certificate-data'], user?.['client-key-data']])];
  for (const base64 of data) {
    const at = base64 ? base64.search(/[^A-Za-z\d+/=\s]/) : -1;
    if (at >= 0) throw fault(`illegal base64 data at input byte ${at}`);
  }
  return config;
}

/** A program that is named by a path is found from the kubeconfig, too; by a name alone in PATH. */
function withExecPath(user: KubeconfigUser, folder: string): KubeconfigUser {
  return user.exec?.command?.includes('/') ? { ...user, exec: { ...user.exec, command: resolve(folder, user.exec.command) } } : user;
}

export interface ContextRequest {
  readonly env: NodeJS.ProcessEnv;
  /** Instead of any file. */
  readonly config?: Kubeconfig | undefined;
  /** `--kubeconfig`: the only file then. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly cluster?: string | undefined;
  readonly user?: string | undefined;
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly certificateAuthority?: string | undefined;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: string | undefined;
  readonly namespace?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly tlsServerName?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly as?: string | undefined;
  readonly asUid?: string | undefined;
  readonly asGroups?: readonly string[] | undefined;
  readonly asUserExtra?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Which programs may give credentials. */
  readonly plugins?: PluginPolicy | undefined;
}

/** Where to and as whom. */
export interface ResolvedContext {
  readonly contextName: string;
  /** Of the request, else of the context, else `default`. */
  readonly namespace: string;
  readonly connection: Omit<HttpClientOptions, 'userAgent'>;
}

/**
 * Resolves kubeconfig and overrides (kubectl's global flags) to a connection; without any kubeconfig, inside a pod, to the pod's own
 * cluster, else to `localhost:8080` as kubectl does. Throws what kubectl says of names that are not there.
 */
export function resolveContext(request: ContextRequest): ResolvedContext {
  // One that is asked for by name has to be there.
  if (request.kubeconfig && !request.config && !existsSync(request.kubeconfig)) throw new Error(`stat ${request.kubeconfig}: no such file or directory`);
  const config = request.config ?? loadKubeconfig(request.kubeconfig ? [request.kubeconfig] : kubeconfigPaths(request.env));
  const contextName = request.context ?? config['current-context'] ?? '';
  const context = config.contexts?.find((c) => c.name === contextName)?.context;
  if (!context && contextName) throw new KubeconfigError(`Error in configuration: context was not found for specified context: ${contextName}`, { bare: true });
  const own = !context && !request.server && !request.cluster ? insidePod(request.env) : undefined;
  if (own) return { ...own, namespace: request.namespace ?? own.namespace };

  const clusterName = request.cluster ?? context?.cluster ?? '';
  const known = config.clusters?.find((c) => c.name === clusterName)?.cluster;
  if (!known && request.cluster) throw new KubeconfigError(`no server found for cluster "${clusterName}"`);
  const userName = request.user ?? context?.user ?? '';
  const user = config.users?.find((u) => u.name === userName)?.user;
  if (!user && request.user) throw new KubeconfigError(`auth info "${userName}" does not exist`);

  // What flags say goes before what the file says; asked for by flag, an unverified server needs no authority.
  const { 'certificate-authority': _file, 'certificate-authority-data': _data, ...unverified } = known ?? {};
  const cluster: KubeconfigCluster = {
    ...(request.insecureSkipTlsVerify || request.certificateAuthority ? unverified : known), ...(!known?.server && !(known && context) && { server: DEFAULT_SERVER }), ...(request.server && { server: request.server }),
    ...(request.certificateAuthority && { 'certificate-authority': request.certificateAuthority }), ...(request.insecureSkipTlsVerify && { 'insecure-skip-tls-verify': true }), ...(request.tlsServerName && { 'tls-server-name': request.tlsServerName }),
  };
  const merged: KubeconfigUser = {
    ...user, ...(request.token && { token: request.token, tokenFile: '' }), ...(request.username && { username: request.username }), ...(request.password && { password: request.password }),
    ...(request.clientCertificate && { 'client-certificate': request.clientCertificate, 'client-certificate-data': '' }), ...(request.clientKey && { 'client-key': request.clientKey, 'client-key-data': '' }),
    ...(request.as && { as: request.as }), ...(request.asUid && { 'as-uid': request.asUid }), ...(request.asGroups?.length && { 'as-groups': request.asGroups }), ...(request.asUserExtra && { 'as-user-extra': request.asUserExtra }),
  };
  confirmUsable(cluster, clusterName, merged, userName);
  return { contextName, namespace: request.namespace ?? (context?.namespace || 'default'), connection: connectionOf(cluster, merged, request) };
}

const DEFAULT_SERVER = 'http://localhost:8080';

function connectionOf(cluster: KubeconfigCluster, user: KubeconfigUser, { env, plugins }: ContextRequest): ResolvedContext['connection'] {
  const server = withScheme(cluster.server!);
  if (!URL.canParse(server)) throw new KubeconfigError(`host must be a URL or a host:port pair: "${cluster.server}"`);
  const proxy = cluster['proxy-url'] || proxyOfEnvironment(env, new URL(server));
  const impersonation = {
    ...(user.as && { 'Impersonate-User': user.as }), ...(user['as-uid'] && { 'Impersonate-Uid': user['as-uid'] }), ...(user['as-groups']?.length && { 'Impersonate-Group': user['as-groups'] }),
    ...Object.fromEntries(Object.entries(user['as-user-extra'] ?? {}).map(([key, values]) => [`Impersonate-Extra-${encodeURIComponent(key.toLowerCase())}`, values])),
  };
  // Who speaks without TLS shows nobody its credentials.
  if (!server.startsWith('https:')) return { server, ...(proxy && { proxy }), ...(Object.keys(impersonation).length > 0 && { headers: impersonation }) };
  const insecure = cluster['insecure-skip-tls-verify'];
  const ca = pem(cluster['certificate-authority-data'], cluster['certificate-authority']);
  if (insecure && ca) throw new KubeconfigError('specifying a root certificates file with the insecure flag is not allowed');
  const certificate = pem(user['client-certificate-data'], user['client-certificate']);
  const key = pem(user['client-key-data'], user['client-key']);
  const token = user.tokenFile ? tokenOf(user.tokenFile) : user.token || tokenOfProvider(user);
  const tlsServerName = cluster['tls-server-name'];
  const basic = user.username || user.password ? { authorization: `Basic ${Buffer.from(`${user.username ?? ''}:${user.password ?? ''}`).toString('base64')}` } : undefined;
  const headers = { ...basic, ...impersonation };
  const connection = {
    server, ...(proxy && { proxy }), ...(ca && { ca }), ...(certificate && { certificate }), ...(key && { key }), ...(token && { token }), ...(Object.keys(headers).length > 0 && { headers }),
    ...(insecure && { insecureSkipTlsVerify: true }), ...(tlsServerName && { tlsServerName }),
  };
  if (!user.exec || token || certificate || basic) return connection;
  return withCredentialsOf(new ExecCredential(user.exec, { env, plugins, cluster: { server, ...(ca && { 'certificate-authority-data': Buffer.from(ca).toString('base64') }), ...(tlsServerName && { 'tls-server-name': tlsServerName }), ...(insecure && { 'insecure-skip-tls-verify': true }), ...(cluster['proxy-url'] && { 'proxy-url': cluster['proxy-url'] }) } }), connection);
}

/** Read for each request: tokens in files are renewed. One that is not there is told of at once. */
function tokenOf(file: string): () => string {
  const read = (): string => readFileSync(file, 'utf8').trim();
  read();
  return read;
}

/** Of the programs that kubectl once had built in, only OpenID Connect is left, and of that we take the token as it stands. */
function tokenOfProvider({ 'auth-provider': provider }: KubeconfigUser): string | undefined {
  if (!provider) return undefined;
  const successor = { gcp: ['"gke-gcloud-auth-plugin"', 'https://cloud.google.com/blog/products/containers-kubernetes/kubectl-auth-changes-in-gke'], azure: ['https://github.com/Azure/kubelogin', 'https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins'] }[provider.name];
  if (successor) throw new KubeconfigError(`The ${provider.name} auth plugin has been removed.\nPlease use the ${successor[0]} kubectl/client-go credential plugin instead.\nSee ${successor[1]} for further details`);
  if (provider.name !== 'oidc') throw new KubeconfigError(`no Auth Provider found for name "${provider.name}"`);
  return provider.config?.['id-token'];
}

/** Who never connects runs no program for it: what it says is read when a client is made of the connection. */
function withCredentialsOf<T extends object>(exec: ExecCredential, connection: T): T {
  const credentials = {
    get token(): (() => string) | undefined { return exec.current().token === undefined ? undefined : () => exec.current().token ?? ''; },
    get certificate(): string | undefined { return exec.current().certificate; },
    get key(): string | undefined { return exec.current().key; },
  };
  return Object.defineProperties({ ...connection }, Object.getOwnPropertyDescriptors(credentials)) as T;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

function insidePod(env: NodeJS.ProcessEnv): ResolvedContext | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port) return undefined;
  const read = (name: string): string => readFileSync(join(SERVICE_ACCOUNT, name), 'utf8');
  return {
    contextName: '',
    namespace: read('namespace').trim(),
    // Read again for each request: the token is renewed on disk.
    connection: { server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`, ca: read('ca.crt'), token: () => read('token').trim() },
  };
}

function withScheme(server: string): string {
  return /^https?:\/\//.test(server) ? server : `http://${server}`;
}

function pem(data: string | undefined, path: string | undefined): string | undefined {
  if (data) return Buffer.from(data, 'base64').toString();
  return path ? readPem(path) : undefined;
}

function readPem(path: string): string {
  return readFileSync(path, 'utf8');
}
