import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { MANIFEST_YAML } from '../../base/manifest-yaml.ts';
import { connectionError } from '../../client/connection-error.ts';
import { sortKeys } from '../printers/sort-keys.ts';
import type { KubectlIo } from '../command/kubectl-io.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** An object as a manifest has it: nothing in it is checked yet but apiVersion and kind. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly generateName?: string; readonly labels?: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}

export interface Manifest {
  /** The file, or `STDIN`: for messages. */
  readonly source: string;
  readonly object: ManifestObject;
}

const EXTENSIONS = ['.json', '.yaml', '.yml'];

/** The text of each source of `-f`: files, folders (their .json, .yaml and .yml files, with `recursive` all below), `-` for standard input. */
async function readSources(paths: readonly string[], recursive: boolean, io: KubectlIo): Promise<{ source: string; text: string }[]> {
  const sources: { source: string; text: string }[] = [];
  for (const path of paths) {
    if (path === '-') {
      sources.push({ source: 'STDIN', text: await io.readInput() });
      continue;
    }
    if (/^https?:\/\//.test(path)) {
      const answer = await fetch(path, { signal: io.signal }).catch((error: Error) => {
        // fetch() says "fetch failed" for everything and keeps the fault of the socket as its cause.
        throw error.cause instanceof Error ? connectionError(error.cause, new URL(path)) : error;
      });
      if (!answer.ok) throw new KubectlError(`unable to read URL "${path}", server reported ${answer.status} ${answer.statusText}, status code=${answer.status}`);
      sources.push({ source: path, text: await answer.text() });
      continue;
    }
    for (const file of filesOf(path, recursive)) sources.push({ source: file, text: readFileSync(file, 'utf8') });
  }
  return sources;
}

function filesOf(path: string, recursive: boolean): string[] {
  let info;
  try {
    info = statSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new KubectlError(`the path "${path}" does not exist`);
  }
  if (!info.isDirectory()) return [path];
  const entries = readdirSync(path, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const below = join(path, entry.name);
    if (entry.isDirectory()) return recursive ? filesOf(below, true) : [];
    return EXTENSIONS.includes(extname(entry.name)) ? [below] : [];
  });
}

export interface ReadOptions {
  readonly recursive: boolean;
  /** Whether the verb checks objects by their schema before it sends them: a document that is no object is told of in other words then. */
  readonly validate: boolean;
  readonly io: KubectlIo;
}

/** All objects of the sources, lists opened up; empty where the sources hold none. What does not parse or is no object is a fault, worded as kubectl's, and the rest of the sources is read all the same. */
export async function readManifests(paths: readonly string[], { recursive, validate, io }: ReadOptions): Promise<{ readonly manifests: readonly Manifest[]; readonly faults: readonly KubectlError[] }> {
  const manifests: Manifest[] = [];
  const faults: KubectlError[] = [];
  for (const { source, text } of await readSources(paths, recursive, io)) {
    try {
      for (const value of parseDocuments(source, text)) collect(source, value, validate, manifests);
    } catch (error) {
      if (!(error instanceof KubectlError)) throw error;
      faults.push(error);
    }
  }
  return { manifests, faults };
}

export function parseDocuments(source: string, text: string): unknown[] {
  if (/^\s*[{[]/.test(text)) {
    try {
      return [JSON.parse(text)];
    } catch (error) {
      // JSON documents one after the other, or YAML in flow style: the YAML parser below tells.
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  const documents = parseAllDocuments(text, { ...MANIFEST_YAML, uniqueKeys: false, strict: false });
  return (Array.isArray(documents) ? documents : []).flatMap((document) => {
    const [fault] = document.errors;
    if (fault) {
      const line = fault.linePos?.[0].line;
      throw new KubectlError(`error parsing ${source}: error converting YAML to JSON: yaml: ${line ? `line ${line}: ` : ''}${fault.message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '')}`);
    }
    const value: unknown = document.toJS();
    return value === null || value === undefined ? [] : [value];
  });
}

function collect(source: string, value: unknown, validate: boolean, into: Manifest[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new KubectlError(`error validating "${source}": error validating data: invalid object to validate; if you choose to ignore these errors, turn validation off with --validate=false`);
  }
  const object = value as ManifestObject & { readonly items?: readonly unknown[] };
  const missing = (['apiVersion', 'kind'] as const).filter((field) => typeof object[field] !== 'string' || object[field] === '').map((field) => `${field} not set`);
  if (!validate && missing.includes('kind not set')) throw new KubectlError(`unable to decode "${source}": Object 'Kind' is missing in '${JSON.stringify(sortKeys(value))}'`);
  if (validate && missing.length > 0) {
    throw new KubectlError(`error validating "${source}": error validating data: ${missing.length > 1 ? `[${missing.join(', ')}]` : missing[0]}; if you choose to ignore these errors, turn validation off with --validate=false`);
  }
  if (object.kind.endsWith('List') && Array.isArray(object.items)) {
    for (const item of object.items) collect(source, item, validate, into);
  } else {
    into.push({ source, object });
  }
}
