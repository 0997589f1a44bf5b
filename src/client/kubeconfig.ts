import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { ExecCredential, type ExecConfig } from './exec-credential.ts';
import type { HttpClientOptions } from './http-client.ts';

interface Named {
  readonly name: string;
}
export interface KubeconfigCluster {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
}
export interface KubeconfigUser {
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly exec?: ExecConfig | null;
}
export interface KubeconfigContext {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

/** A kubeconfig as it is written. Upstream: client-go tools/clientcmd/api/v1. */
export interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly clusters?: readonly (Named & { readonly cluster: KubeconfigCluster })[] | null;
  readonly users?: readonly (Named & { readonly user: KubeconfigUser })[] | null;
  readonly contexts?: readonly (Named & { readonly context: KubeconfigContext })[] | null;
}

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
  let config: Kubeconfig;
  try {
    config = (parse(text, { prettyErrors: false }) as Kubeconfig | null) ?? {};
  } catch (error) {
    throw new Error(`error loading config file "${path}": ${(error as Error).message}`, { cause: error });
  }
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
  if (!context && request.context) throw new Error(`context "${contextName}" does not exist`);
  if (!context && contextName) throw new Error(`context was not found for specified context: ${contextName}`);
  const own = !context && !request.server && !request.cluster ? insidePod(request.env) : undefined;
  if (own) return { ...own, namespace: request.namespace ?? own.namespace };

  const clusterName = request.cluster ?? context?.cluster ?? '';
  const cluster = config.clusters?.find((c) => c.name === clusterName)?.cluster;
  if (!cluster && clusterName) throw new Error(`no server found for cluster "${clusterName}"`);
  const userName = request.user ?? context?.user ?? '';
  const user = config.users?.find((u) => u.name === userName)?.user;
  if (!user && request.user) throw new Error(`auth info "${userName}" does not exist`);

  if (request.certificateAuthority) readAuthority(request.certificateAuthority, clusterName);
  const insecure = request.insecureSkipTlsVerify ?? cluster?.['insecure-skip-tls-verify'];
  const ca = insecure ? undefined : request.certificateAuthority ? readAuthority(request.certificateAuthority, clusterName) : pem(cluster?.['certificate-authority-data'], cluster?.['certificate-authority']);
  const certificate = request.clientCertificate ? readPem(request.clientCertificate) : pem(user?.['client-certificate-data'], user?.['client-certificate']);
  const key = request.clientKey ? readPem(request.clientKey) : pem(user?.['client-key-data'], user?.['client-key']);
  const token = request.token ?? (user?.tokenFile ? readFileSync(user.tokenFile, 'utf8').trim() : user?.token);
  const tlsServerName = request.tlsServerName ?? cluster?.['tls-server-name'];
  const server = withScheme(request.server ?? cluster?.server ?? 'http://localhost:8080');
  const connection = {
    server, ...(ca && { ca }), ...(certificate && { certificate }), ...(key && { key }), ...(token && { token }),
    ...(insecure && { insecureSkipTlsVerify: true }), ...(tlsServerName && { tlsServerName }),
  };
  const exec = user?.exec && !token && !certificate ? new ExecCredential(user.exec, { env: request.env, cluster: { server, ...(ca && { 'certificate-authority-data': Buffer.from(ca).toString('base64') }), ...(tlsServerName && { 'tls-server-name': tlsServerName }), ...(insecure && { 'insecure-skip-tls-verify': true }) } }) : undefined;
  return { contextName, namespace: request.namespace ?? context?.namespace ?? 'default', connection: exec ? withCredentialsOf(exec, connection) : connection };
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

/** Throws what kubectl says of one that cannot be read. */
function readAuthority(path: string, cluster: string): string {
  try {
    return readPem(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(`unable to read certificate-authority ${path} for ${cluster} due to open ${path}: no such file or directory`, { cause: error });
  }
}

function readPem(path: string): string {
  return readFileSync(path, 'utf8');
}
