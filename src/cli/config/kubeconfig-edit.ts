import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { kubeconfigPaths } from '../../client/kubeconfig.ts';
import { parseDocuments } from '../manifests/manifest.ts';
import { toYaml } from '../printers/yaml.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** A kubeconfig whose entries may hold what we do not know. */
export interface EditableKubeconfig {
  apiVersion?: string;
  kind?: string;
  preferences?: object;
  'current-context'?: string;
  clusters?: { name: string; cluster: Record<string, unknown> }[];
  contexts?: { name: string; context: Record<string, unknown> }[];
  users?: { name: string; user: Record<string, unknown> }[];
}

export function pathsOf({ flags, io }: Pick<Call, 'flags' | 'io'>): string[] {
  return flags.string('kubeconfig') ? [flags.string('kubeconfig')] : kubeconfigPaths(io.env as NodeJS.ProcessEnv);
}

/** Reads the first kubeconfig, lets `change` change it and writes it; a file that is not there begins empty. Answers its path. */
export function editKubeconfig(call: Call, change: (config: EditableKubeconfig, path: string) => void): string {
  const path = pathsOf(call)[0]!;
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const [read] = text.trim() ? parseDocuments(path, text) : [];
  if (read !== undefined && (typeof read !== 'object' || read === null)) throw new KubectlError(`error loading config file "${path}": it is not a kubeconfig`);
  const config: EditableKubeconfig = { apiVersion: 'v1', kind: 'Config', preferences: {}, clusters: [], contexts: [], users: [], 'current-context': '', ...(read as object | undefined) };
  change(config, path);
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, toYaml(config), { mode: 0o600 });
  renameSync(draft, path);
  return path;
}

/** What `kubectl config set` may set of an entry; others would make a file that kubectl does not read. */
const FIELDS: Readonly<Record<'clusters' | 'contexts' | 'users', Readonly<Record<string, 'text' | 'bool' | 'bytes' | 'list'>>>> = {
  clusters: { server: 'text', 'tls-server-name': 'text', 'insecure-skip-tls-verify': 'bool', 'certificate-authority': 'text', 'certificate-authority-data': 'bytes', 'proxy-url': 'text', 'disable-compression': 'bool' },
  contexts: { cluster: 'text', user: 'text', namespace: 'text' },
  users: {
    'client-certificate': 'text', 'client-certificate-data': 'bytes', 'client-key': 'text', 'client-key-data': 'bytes', token: 'text', tokenFile: 'text', as: 'text', 'as-uid': 'text', 'as-groups': 'list', username: 'text', password: 'text',
  },
};

/** Sets (or with undefined unsets) what a dotted path names: `current-context`, `clusters.NAME.server`, `users.NAME.token`. Names may hold dots. */
export function setProperty(config: EditableKubeconfig, property: string, value: string | undefined): void {
  const [head = '', ...rest] = property.split('.');
  if (rest.length === 0) {
    if (!['current-context', 'apiVersion', 'kind', 'clusters', 'contexts', 'users', 'preferences'].includes(head)) throw new KubectlError(`unable to locate path "${head}"`);
    if (value === undefined) {
      if (head === 'current-context') config[head] = '';
      else delete config[head as 'kind'];
    }
    else if (head === 'clusters' || head === 'contexts' || head === 'users') throw new KubectlError(`can't set a map to a value: ${head}`);
    else (config as Record<string, unknown>)[head] = value;
    return;
  }
  if (head === 'preferences') {
    const { [rest.join('.')]: _old, ...others } = (config.preferences ?? {}) as Record<string, unknown>;
    config.preferences = value === undefined ? others : { ...others, [rest.join('.')]: value === 'true' || value === 'false' ? value === 'true' : value };
    return;
  }
  const inner = { clusters: 'cluster', contexts: 'context', users: 'user' }[head];
  if (!inner) throw new KubectlError(`unable to parse ${property} after [] at api.Config`);
  const list = ((config as Record<string, unknown>)[head] ??= []) as { name: string; [key: string]: unknown }[];
  const known = list.findIndex(({ name }) => rest.join('.') === name || rest.join('.').startsWith(`${name}.`));
  const name = known < 0 ? rest.slice(0, -1).join('.') : list[known]!.name;
  const field = rest.join('.').slice(name.length + 1);
  if (field === '') {
    if (value !== undefined) throw new KubectlError(`can't set a map to a value: ${name}`);
    if (known >= 0) list.splice(known, 1);
    return;
  }
  const kind = FIELDS[head as keyof typeof FIELDS][field];
  if (value !== undefined && field.includes('.')) throw new KubectlError(`unable to parse one or more field values of ${property}`);
  if (value !== undefined && kind === undefined) throw new KubectlError(`unable to locate path "${field}"`);
  if (kind === 'bool' && value !== undefined && !/^(?:1|t|true|0|f|false)$/i.test(value)) throw new KubectlError(`strconv.ParseBool: parsing "${value}": invalid syntax`);
  if (kind === 'bytes' && value !== undefined && !/^[A-Za-z\d+/\s]*={0,2}$/.test(value)) throw new KubectlError(`illegal base64 data at input byte ${value.search(/[^A-Za-z\d+/\s]/)}`);
  if (known < 0 && value === undefined) throw new KubectlError(`current map key \`${name}\` is invalid`);
  if (known < 0) list.push({ name, [inner]: {} });
  const entry = (list.find((one) => one.name === name)![inner] ??= {}) as Record<string, unknown>;
  if (value === undefined) delete entry[field];
  else entry[field] = kind === 'bool' ? /^(?:1|t|true)$/i.test(value) : kind === 'list' ? value.split(',') : value;
}
