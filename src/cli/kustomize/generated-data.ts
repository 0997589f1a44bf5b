import { basename } from 'node:path';
import { KubectlError } from '../command/kubectl-error.ts';
import type { FileLoader } from './file-loader.ts';
import type { DataGenerator, GeneratorOptions } from './kustomization.ts';
import { Resource, type Tree } from './resource.ts';

/** The ConfigMap or Secret that a generator describes. Upstream: kustomize api/internal/generators. */
export function generate(kind: 'ConfigMap' | 'Secret', generator: DataGenerator, shared: GeneratorOptions | undefined, loader: FileLoader): Resource {
  if (!generator.name) throw new KubectlError(`generators must have a name: a ${kind} without one`);
  const options: GeneratorOptions = {
    labels: { ...shared?.labels, ...generator.options?.labels }, annotations: { ...shared?.annotations, ...generator.options?.annotations },
    // A true of the shared options cannot be taken back.
    disableNameSuffixHash: shared?.disableNameSuffixHash === true || generator.options?.disableNameSuffixHash === true, immutable: shared?.immutable === true || generator.options?.immutable === true,
  };
  const metadata: Tree = { name: generator.name };
  if (generator.namespace) metadata['namespace'] = generator.namespace;
  for (const field of ['labels', 'annotations'] as const) if (Object.keys(options[field]!).length > 0) metadata[field] = { ...options[field] };
  const object: Tree = { apiVersion: 'v1', kind, metadata };
  if (kind === 'Secret') object['type'] = generator.type || 'Opaque';
  for (const [key, bytes] of entries(generator, loader)) {
    const text = bytes.toString('utf8');
    const plain = kind === 'ConfigMap' && Buffer.from(text).equals(bytes);
    const field = plain || kind === 'Secret' ? 'data' : 'binaryData';
    object[field] = { ...(object[field] as Tree | undefined), [key]: plain ? text : base64(bytes) };
  }
  if (options.immutable) object['immutable'] = true;
  const resource = new Resource(object);
  resource.needsHash = !options.disableNameSuffixHash;
  const { behavior = 'create' } = generator;
  resource.behavior = behavior === 'merge' || behavior === 'replace' ? behavior : 'create';
  return resource;
}

/** Lines of 70, as it is kept in the manifest. */
function base64(bytes: Buffer): string {
  const text = bytes.toString('base64');
  return text.length <= 70 ? text : (text.match(/.{1,70}/g) ?? []).map((line) => `${line}\n`).join('');
}

function entries({ name, envs = [], env, literals = [], files = [] }: DataGenerator, loader: FileLoader): [string, Buffer][] {
  const found: [string, Buffer][] = [];
  for (const file of env ? [...envs, env] : envs) found.push(...linesOf(loader.text(file)));
  for (const literal of literals) {
    const equals = literal.indexOf('=');
    if (equals < 1) throw new KubectlError(`literal sources ${JSON.stringify(literals)}: invalid literal source ${literal}, expected key=value`);
    found.push([literal.slice(0, equals), Buffer.from(literal.slice(equals + 1).replace(/^(['"])(.*)\1$/s, '$2'))]);
  }
  for (const source of files) {
    const parts = source.split('=');
    if (parts.length > 2) throw new KubectlError(`source "${source}" key name or file path contains '='`);
    const [key, path] = parts.length === 2 ? (parts as [string, string]) : [basename(source), source];
    if (!key) throw new KubectlError(`missing key name for file path "${path}" in source "${source}"`);
    if (!path) throw new KubectlError(`missing file path for key name "${key}" in source "${source}"`);
    found.push([key, loader.bytes(path)]);
  }
  const seen = new Set<string>();
  for (const [key] of found) {
    if (!/^[-._a-zA-Z0-9]+$/.test(key)) throw new KubectlError(`"${key}" is not a valid key name: a valid config key must consist of alphanumeric characters, '-', '_' or '.'`);
    if (seen.has(key)) throw new KubectlError(`configmap ${name} illegally repeats the key \`${key}\``);
    seen.add(key);
  }
  return found;
}

function linesOf(text: string): [string, Buffer][] {
  return text.replace(/^\uFEFF/, '').split(/\r?\n/).map((line) => line.trimStart()).filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
    const equals = line.indexOf('=');
    return equals < 0 ? [line, Buffer.alloc(0)] : [line.slice(0, equals), Buffer.from(line.slice(equals + 1))];
  });
}
