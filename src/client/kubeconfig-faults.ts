import { openSync, closeSync } from 'node:fs';
import type { KubeconfigCluster, KubeconfigUser } from './kubeconfig-entries.ts';

/** A kubeconfig that cannot be used; `bare` where kubectl words the whole line. */
export class KubeconfigError extends Error {
  readonly bare: boolean;

  constructor(message: string, { bare = false }: { readonly bare?: boolean } = {}) {
    super(message);
    this.bare = bare;
  }
}

/** Throws one error for all that is wrong with a context's cluster and user. Upstream: client-go tools/clientcmd, validation.go. */
export function confirmUsable(cluster: KubeconfigCluster, clusterName: string, user: KubeconfigUser, userName: string): void {
  const faults = [...userFaults(user, userName), ...clusterFaults(cluster, clusterName)];
  if (faults.length === 1) throw new KubeconfigError(faults[0]!);
  if (faults.length > 1) throw new KubeconfigError(`Error in configuration: \n${faults.map((fault) => `* ${fault}`).join('\n')}`, { bare: true });
}

/** What is wrong with the address of a proxy; undefined when nothing is. */
export function proxyFault(address: string): string | undefined {
  const scheme = /^([A-Za-z][A-Za-z\d+.-]*):/.exec(address)?.[1]?.toLowerCase() ?? '';
  if (!URL.canParse(scheme ? address : `http://${address}`) || /%(?![\da-fA-F]{2})/.test(address)) return `could not parse: ${address}`;
  return ['http', 'https', 'socks5'].includes(scheme) ? undefined : `unsupported scheme "${scheme}", must be http, https, or socks5`;
}

function clusterFaults(cluster: KubeconfigCluster, name: string): string[] {
  const faults: string[] = [];
  const { server, 'proxy-url': proxy, 'certificate-authority': authority } = cluster;
  if (!server) faults.push(name ? `no server found for cluster "${name}"` : 'default cluster has no server defined');
  const fault = proxy && proxyFault(proxy);
  if (fault) faults.push(`invalid 'proxy-url' ${JSON.stringify(proxy)} for cluster "${name}": ${fault}`);
  if (authority && cluster['certificate-authority-data']) faults.push(`certificate-authority-data and certificate-authority are both specified for ${name}. certificate-authority-data will override.`);
  if (authority) faults.push(...unreadable(authority, `unable to read certificate-authority ${authority} for ${name} due to`));
  return faults;
}

const MODES = ['Never', 'IfAvailable', 'Always'];

function userFaults(user: KubeconfigUser, name: string): string[] {
  const faults: string[] = [];
  const { 'client-certificate': certificate, 'client-certificate-data': certificateData, 'client-key': key, 'client-key-data': keyData, exec } = user;
  if (certificate || certificateData) {
    if (certificate && certificateData) faults.push(`client-cert-data and client-cert are both specified for ${name}. client-cert-data will override.`);
    if (key && keyData) faults.push(`client-key-data and client-key are both specified for ${name}; client-key-data will override`);
    if (!key && !keyData) faults.push(`client-key-data or client-key must be specified for ${name} to use the clientCert authentication method.`);
    if (certificate) faults.push(...unreadable(certificate, `unable to read client-cert ${certificate} for ${name} due to`));
    if (key) faults.push(...unreadable(key, `unable to read client-key ${key} for ${name} due to`));
  }
  if (exec) {
    const plugin = `for ${name} to use exec authentication plugin`;
    if (user['auth-provider']) faults.push(`authProvider cannot be provided in combination with an exec plugin for ${name}`);
    if (!exec.command) faults.push(`command must be specified ${plugin}`);
    if (!exec.apiVersion) faults.push(`apiVersion must be specified ${plugin}`);
    for (const variable of exec.env ?? []) if (!variable.name) faults.push(`env variable name must be specified ${plugin}`);
    // The older version of the API had no such field, and means IfAvailable.
    if (!exec.interactiveMode) {
      if (exec.apiVersion !== 'client.authentication.k8s.io/v1beta1') faults.push(`interactiveMode must be specified ${plugin}`);
    } else if (!MODES.includes(exec.interactiveMode)) faults.push(`invalid interactiveMode for ${name}: ${JSON.stringify(exec.interactiveMode)}`);
  }
  const methods = [...(user.token ? ['token'] : []), ...(user.username || user.password ? ['basicAuth'] : [])];
  if (methods.length > 1) faults.push(`more than one authentication method found for ${name}; found [${methods.join(' ')}], only one is allowed`);
  if ((user['as-uid'] || user['as-groups']?.length || Object.keys(user['as-user-extra'] ?? {}).length > 0) && !user.as) faults.push(`requesting uid, groups or user-extra for ${name} without impersonating a user`);
  return faults;
}

function unreadable(path: string, message: string): string[] {
  try {
    closeSync(openSync(path, 'r'));
    return [];
  } catch (error) {
    const { code, message: text } = error as NodeJS.ErrnoException;
    return [`${message} open ${path}: ${{ ENOENT: 'no such file or directory', EACCES: 'permission denied', ENOTDIR: 'not a directory' }[code ?? ''] ?? text}`];
  }
}
