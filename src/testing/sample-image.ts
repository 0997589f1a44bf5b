import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { UserError } from '../base/user-error.ts';

/** An OCI image in memory: blobs by digest (`sha256:…`), and its manifest. */
export interface OciImage {
  readonly manifest: Buffer;
  readonly blobs: ReadonlyMap<string, Buffer>;
}

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const APPLETS = ['sh', 'httpd', 'hostname', 'cat', 'echo', 'sleep', 'ls', 'wget', 'nslookup', 'env', 'id', 'ps', 'kill', 'seq', 'true', 'false', 'test', 'mkdir', 'rm', 'touch', 'date', 'head', 'dd', 'nc', 'grep', 'stat', 'mount', 'df', 'ip', 'ping', 'tr', 'wc', 'yes', 'tar', 'sha256sum'];

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function tarOf(fill: (archive: ReturnType<typeof pack>) => void): Promise<Buffer> {
  const archive = pack();
  fill(archive);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * The sample application of the walkthrough: an HTTP server on 8080 that answers `You've hit HOSTNAME` and its version, built from
 * Debian's busybox-static without Docker. The shell stays process 1 so that SIGTERM ends it at once.
 */
export async function sampleImage(version: string, busyboxFile = '/bin/busybox'): Promise<OciImage> {
  let busybox: Buffer;
  try {
    busybox = await readFile(busyboxFile);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new UserError(`${busyboxFile} is missing, of which the sample image is made`, 'apt-get install busybox-static');
  }
  const mtime = new Date(0);
  const tar = await tarOf((archive) => {
    for (const name of ['bin/', 'www/', 'www/cgi-bin/', 'etc/', 'tmp/', 'proc/', 'sys/', 'dev/']) archive.entry({ name, type: 'directory', mode: name === 'tmp/' ? 0o1777 : 0o755, mtime });
    archive.entry({ name: 'bin/busybox', mode: 0o755, mtime }, busybox);
    for (const applet of APPLETS) archive.entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox', mtime });
    archive.entry({ name: 'etc/passwd', mode: 0o644, mtime }, 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n');
    archive.entry({ name: 'etc/group', mode: 0o644, mtime }, 'root:x:0:\nnobody:x:65534:\n');
    archive.entry({ name: 'www/cgi-bin/index.cgi', mode: 0o755, mtime }, `#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\necho "You've hit $(hostname) (maestro ${version})"\n`);
  });
  const layer = gzipSync(tar, { level: 1 });
  const config = Buffer.from(JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', os: 'linux', created: mtime.toISOString(),
    config: {
      Env: ['PATH=/bin'], WorkingDir: '/', ExposedPorts: { '8080/tcp': {} },
      Entrypoint: ['/bin/sh', '-c', `trap 'exit 0' TERM; echo "maestro ${version} serves on 8080 as $(hostname)"; httpd -f -p 8080 -h /www & wait`],
    },
    rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    history: [{ created: mtime.toISOString(), created_by: 'wherry sample image' }],
  }));
  const manifest = Buffer.from(JSON.stringify({
    schemaVersion: 2, mediaType: MANIFEST_TYPE,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digestOf(layer), size: layer.length }],
  }));
  return { manifest, blobs: new Map([[digestOf(layer), layer], [digestOf(config), config]]) };
}

/** Pushes by the distribution protocol to a registry at `url`, `http://127.0.0.1:5000`. */
export async function pushImage(url: string, repository: string, tag: string, image: OciImage): Promise<void> {
  const call = async (method: string, target: string, body?: Buffer, type?: string): Promise<Response> => {
    const answer = await fetch(target, { method, ...(body && { body: new Uint8Array(body) }), headers: { ...(type && { 'content-type': type }) } });
    if (!answer.ok) throw new Error(`${method} ${target}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  for (const [digest, blob] of image.blobs) {
    const upload = await call('POST', `${url}/v2/${repository}/blobs/uploads/`);
    const target = new URL(upload.headers.get('location')!, url);
    target.searchParams.set('digest', digest);
    await call('PUT', target.href, blob, 'application/octet-stream');
  }
  await call('PUT', `${url}/v2/${repository}/manifests/${tag}`, image.manifest, MANIFEST_TYPE);
}

/** The image as an OCI archive, as `docker save` of today writes it and `wherry image load` reads it. */
export function imageArchive(image: OciImage, reference: string): Promise<Buffer> {
  const mtime = new Date(0);
  const index = JSON.stringify({
    schemaVersion: 2,
    manifests: [{ mediaType: MANIFEST_TYPE, digest: digestOf(image.manifest), size: image.manifest.length, annotations: { 'io.containerd.image.name': reference, 'org.opencontainers.image.ref.name': reference.split(':').at(-1)! } }],
  });
  return tarOf((archive) => {
    archive.entry({ name: 'oci-layout', mtime }, JSON.stringify({ imageLayoutVersion: '1.0.0' }));
    archive.entry({ name: 'index.json', mtime }, index);
    for (const [digest, blob] of [...image.blobs, [digestOf(image.manifest), image.manifest] as const]) archive.entry({ name: `blobs/${digest.replace(':', '/')}`, mtime }, blob);
  });
}
