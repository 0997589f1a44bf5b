import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';

/** What an image archive holds, read without unpacking the layers. */
export interface ImageArchive {
  readonly format: 'docker' | 'oci';
  /** Full references, `docker.io/library/busybox:1.36`. */
  readonly images: readonly string[];
  /** Names an OCI archive gives in short, under which containerd would keep them and Kubernetes would not find them. */
  readonly shortNames: readonly string[];
}

/** A file that is no image archive, or a broken one; the message is for the person who named the file. */
export class ImageArchiveError extends Error {
  override readonly name = 'ImageArchiveError';
}

/**
 * Reads the table of contents of what `docker save` or an OCI tool wrote (plain or gzip). Every file that the table names
 * must be there: a download that was cut off is refused here, in words, and not halfway through an import.
 */
export async function readImageArchive(file: string): Promise<ImageArchive> {
  const entries = await readTar(file);
  const dockerManifest = entries.small.get('manifest.json');
  if (dockerManifest) return dockerArchive(file, parseJson(file, 'manifest.json', dockerManifest), entries.names);
  const index = entries.small.get('index.json');
  if (index && entries.names.has('oci-layout')) return ociArchive(file, parseJson(file, 'index.json', index), entries.names);
  throw new ImageArchiveError(`${file} is a tar file but no image: it has neither a manifest.json (docker save) nor an oci-layout with an index.json`);
}

function dockerArchive(file: string, manifest: unknown, names: ReadonlySet<string>): ImageArchive {
  if (!Array.isArray(manifest) || manifest.length === 0) throw new ImageArchiveError(`${file}: manifest.json lists no image`);
  const images: string[] = [];
  for (const image of manifest as { Config?: string; Layers?: string[]; RepoTags?: string[] | null }[]) {
    const missing = [image.Config, ...(image.Layers ?? [])].find((name) => typeof name !== 'string' || !names.has(name));
    if (missing !== undefined || !image.Config) throw new ImageArchiveError(`${file} is incomplete: ${missing ?? 'the configuration'} is named in manifest.json but missing`);
    images.push(...(image.RepoTags ?? []));
  }
  return { format: 'docker', images: namesOf(file, images, 'docker save NAME:TAG'), shortNames: [] };
}

function ociArchive(file: string, index: unknown, names: ReadonlySet<string>): ImageArchive {
  const manifests = (index as { manifests?: { digest?: string; annotations?: Record<string, string> }[] }).manifests ?? [];
  if (manifests.length === 0) throw new ImageArchiveError(`${file}: index.json lists no image`);
  const images: string[] = [];
  for (const { digest = '', annotations = {} } of manifests) {
    if (!names.has(`blobs/${digest.replace(':', '/')}`)) throw new ImageArchiveError(`${file} is incomplete: ${digest} is named in index.json but missing`);
    const name = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'];
    // A bare tag names no image.
    if (name && /[/:]/.test(name)) images.push(name);
  }
  return { format: 'oci', images: namesOf(file, images, 'the annotation org.opencontainers.image.ref.name'), shortNames: images.filter((name) => fullReference(name) !== name) };
}

function namesOf(file: string, names: readonly string[], how: string): string[] {
  if (names.length === 0) throw new ImageArchiveError(`${file} holds an image without a name: give it one with ${how}`);
  return names.map(fullReference);
}

/** `busybox` → `docker.io/library/busybox:latest`, as every container runtime reads it. */
export function fullReference(name: string): string {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasHost = first === 'localhost' || /[.:]/.test(first);
  const path = hasHost ? name : `docker.io/${slash < 0 ? 'library/' : ''}${name}`;
  return /[:@]/.test(path.slice(path.lastIndexOf('/'))) ? path : `${path}:latest`;
}

function parseJson(file: string, name: string, content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8')) as unknown;
  } catch (error) {
    throw new ImageArchiveError(`${file}: ${name} is not JSON: ${(error as Error).message}`);
  }
}

async function readTar(file: string): Promise<{ names: Set<string>; small: Map<string, Buffer> }> {
  const names = new Set<string>();
  const small = new Map<string, Buffer>();
  const { size } = await statFile(file);
  if (size === 0) throw new ImageArchiveError(`${file} is empty`);
  const tar = extract();
  tar.on('entry', (header, stream, next) => {
    const name = header.name.replace(/^\.\//, '');
    names.add(name);
    const chunks: Buffer[] = [];
    stream.on('error', () => { /* What ends an entry in its midst ends the archive, which tells it below. */ });
    const wanted = name === 'manifest.json' || name === 'index.json';
    stream.on('data', (chunk) => { if (wanted) chunks.push(chunk as Buffer); });
    stream.on('end', () => {
      if (wanted) small.set(name, Buffer.concat(chunks));
      next();
    });
  });
  try {
    if (await isGzip(file)) await pipeline(createReadStream(file), createGunzip(), tar);
    else await pipeline(createReadStream(file), tar);
  } catch (error) {
    throw new ImageArchiveError(`${file} is not a complete tar file: ${(error as Error).message}`);
  }
  if (names.size === 0) throw new ImageArchiveError(`${file} is not a tar file`);
  return { names, small };
}

async function statFile(file: string): Promise<{ size: number }> {
  try {
    const stats = await stat(file);
    if (!stats.isFile()) throw new ImageArchiveError(`${file} is not a file`);
    return stats;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new ImageArchiveError(`${file} does not exist`);
    throw error;
  }
}

export async function isGzip(file: string): Promise<boolean> {
  for await (const chunk of createReadStream(file, { end: 1 })) return (chunk as Buffer)[0] === 0x1f && (chunk as Buffer)[1] === 0x8b;
  return false;
}
