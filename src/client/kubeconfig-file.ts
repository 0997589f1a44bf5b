import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';

export interface ClusterEntry {
  /** Names the cluster, the user and the context. */
  readonly name: string;
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly namespace?: string;
}

/** Writes cluster, user and context of one name, in the place of what had that name, and makes the context the current one. What others wrote stays as it is, comments too. */
export function putContext(path: string, entry: ClusterEntry): void {
  const { name, server, ca, certificate, key, namespace = 'default' } = entry;
  const base64 = (pem: string): string => Buffer.from(pem).toString('base64');
  edit(path, (document) => {
    put(document, 'clusters', { name, cluster: { 'certificate-authority-data': base64(ca), server } });
    put(document, 'contexts', { name, context: { cluster: name, namespace, user: name } });
    put(document, 'users', { name, user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) } });
    document.set('current-context', name);
    return true;
  });
}

/** Takes away what `putContext` wrote; a file or entries that are not there are no fault. */
export function removeContext(path: string, name: string): void {
  edit(path, (document) => {
    let changed = false;
    for (const list of ['clusters', 'contexts', 'users']) changed = remove(document, list, name) || changed;
    if (document.get('current-context') === name) {
      document.set('current-context', '');
      changed = true;
    }
    return changed;
  });
}

/** Makes a context the current one. Throws when there is none of that name. */
export function useContext(path: string, name: string): void {
  edit(path, (document) => {
    if (find(listOf(document, 'contexts'), name) < 0) throw new Error(`no context exists with the name: "${name}"`);
    document.set('current-context', name);
    return true;
  });
}

/** Names like `on`, `yes` and `1` are quoted, for readers that know an older YAML, where the bare words are no texts. */
const options = { prettyErrors: false, compat: 'yaml-1.1' } as const;

function edit(path: string, change: (document: Document) => boolean): void {
  let text: string | undefined;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const document: Document = text?.trim() ? parseDocument(text, options) : new Document({ apiVersion: 'v1', clusters: [], contexts: [], 'current-context': '', kind: 'Config', preferences: {}, users: [] }, options);
  // Never write over what we could not read.
  if (document.errors.length > 0) throw new Error(`error loading config file "${path}": ${document.errors[0]!.message}`);
  if (!isMap(document.contents)) throw new Error(`error loading config file "${path}": it is not a kubeconfig`);
  if (change(document)) replaceFile(path, document.toString({ lineWidth: 0, indentSeq: false }));
}

/** Whole or not at all: others read the file at any moment. A link is followed; the mode stays, and is 0600 for a new file. */
function replaceFile(path: string, text: string): void {
  let target = path;
  let mode = 0o600;
  try {
    target = realpathSync(path);
    mode = statSync(target).mode & 0o777;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  }
  const draft = `${target}.${process.pid}`;
  const fd = openSync(draft, 'w', 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
    closeSync(fd);
    chmodSync(draft, mode);
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function listOf(document: Document, list: string): YAMLSeq {
  const found = document.get(list);
  if (isSeq(found)) return found;
  document.set(list, document.createNode([]));
  return document.get(list) as YAMLSeq;
}

function find(list: YAMLSeq, name: string): number {
  return list.items.findIndex((item) => isMap(item) && (item as YAMLMap).get('name') === name);
}

function put(document: Document, list: string, entry: { readonly name: string; readonly [field: string]: unknown }): void {
  const entries = listOf(document, list);
  // `clusters: []` is written in flow style, which entries put in would inherit.
  entries.flow = false;
  const at = find(entries, entry.name);
  if (at < 0) entries.add(document.createNode(entry));
  else entries.set(at, document.createNode(entry));
}

function remove(document: Document, list: string, name: string): boolean {
  const entries = listOf(document, list);
  const at = find(entries, name);
  if (at < 0) return false;
  entries.delete(at);
  if (entries.items.length === 0) entries.flow = true;
  return true;
}
