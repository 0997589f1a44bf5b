import { once } from 'node:events';
import { createReadStream, createWriteStream, lstatSync, mkdirSync, readdirSync, readlinkSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, join, normalize, posix, relative } from 'node:path';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack, type Pack } from 'tar-stream';
import { parseFileSpec, type RemoteFile } from '../pods/file-spec.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { runRemote } from '../pods/remote-command.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  container: { short: 'c', type: 'string', usage: 'Container name.' },
  'no-preserve': { type: 'bool', usage: "The copied file/directory's ownership and permissions will not be preserved in the container" },
  retries: { type: 'int', usage: 'Set number of retries to complete a copy operation from a container.' },
} as const satisfies FlagSpecs;

/** Needs `tar` in the container, as kubectl does. Upstream: kubectl pkg/cmd/cp. */
export const verb: Verb = {
  usage: '<file-spec-src> <file-spec-dest>',
  summary: 'Copy files and directories to and from containers',
  flags,
  async run(call) {
    if (call.args.length !== 2) throw new KubectlError("source and destination are required");
    const [from, to] = call.args.map((text) => parseFileSpec(text)) as [RemoteFile | string, RemoteFile | string];
    if (typeof from === 'string' && typeof to === 'string') throw new KubectlError('one of src or dest must be a remote file specification');
    if (typeof from !== 'string' && typeof to !== 'string') throw new KubectlError('one of src or dest must be a local file specification');
    if (typeof from === 'string') await copyTo(call, from, to as RemoteFile);
    else await copyFrom(call, from, to as string);
  },
};

interface Run { readonly stdin?: Readable; stdout?(bytes: Buffer): void | Promise<unknown> }

/** Runs a command in the pod's container; its complaints are shown. Resolves to its exit code. */
async function run(call: Call, { namespace, pod }: RemoteFile, command: readonly string[], { stdin, stdout }: Run = {}): Promise<number> {
  const { session, io, flags: given } = call;
  const place = namespace ?? (await session.namespace());
  const query = new URLSearchParams({ stdout: 'true', stderr: 'true', stdin: String(stdin !== undefined), ...(given.string('container') && { container: given.string('container') }) });
  for (const word of command) query.append('command', word);
  return runRemote(await session.http(), `/api/v1/namespaces/${place}/pods/${pod}/exec?${query}`, {
    ...(stdin && { stdin }), stdout: stdout ?? ((bytes) => io.out(bytes.toString())), stderr: (bytes) => io.err(bytes.toString()), signal: io.signal,
  });
}

async function copyTo(call: Call, source: string, target: RemoteFile): Promise<void> {
  const info = statSync(source, { throwIfNoEntry: false });
  if (!info) throw new KubectlError(`${source} doesn't exist in local filesystem`);
  // Into a folder that is there the source goes under its own name.
  const isFolder = target.path.endsWith('/') || (await run(call, target, ['test', '-d', target.path])) === 0;
  const path = isFolder ? posix.join(target.path, basename(source)) : target.path;
  const archive = pack();
  const stdin = new PassThrough();
  archive.pipe(stdin);
  const folder = posix.dirname(path);
  const command = ['tar', ...(call.flags.bool('no-preserve') ? ['--no-same-permissions', '--no-same-owner'] : []), '-xmf', '-', ...(folder === '.' ? [] : ['-C', folder])];
  const [code] = await Promise.all([run(call, target, command, { stdin }), addAll(archive, source, posix.basename(path)).then(() => archive.finalize())]);
  if (code !== 0) throw new KubectlError(`command terminated with exit code ${code}`, { code });
}

async function addAll(archive: Pack, source: string, name: string): Promise<void> {
  const info: Stats = lstatSync(source);
  const common = { name, mode: info.mode & 0o7777, mtime: info.mtime, uid: info.uid, gid: info.gid };
  if (info.isDirectory()) {
    archive.entry({ ...common, name: `${name}/`, type: 'directory' });
    for (const below of readdirSync(source).toSorted()) await addAll(archive, join(source, below), `${name}/${below}`);
  } else if (info.isSymbolicLink()) {
    archive.entry({ ...common, type: 'symlink', linkname: readlinkSync(source) });
  } else if (info.isFile()) {
    await pipeline(createReadStream(source), archive.entry({ ...common, size: info.size }));
  }
}

async function copyFrom(call: Call, source: RemoteFile, target: string): Promise<void> {
  const path = source.path.replace(/\/$/, '') || '/';
  const stripped = path.replace(/^\/+/, '');
  const into = statSync(target, { throwIfNoEntry: false })?.isDirectory() ? join(target, posix.basename(path)) : target;
  const archive = extract();
  const { io } = call;
  const written = (async () => {
    for await (const entry of archive) {
      const { name, type, linkname } = entry.header;
      const inside = relative(normalize(stripped), normalize(name.replace(/^\/+/, '')));
      const file = normalize(join(into, inside));
      if (inside.startsWith('..')) io.err(`warning: file "${name}" is outside target destination, skipping\n`);
      else if (type === 'directory') mkdirSync(file, { recursive: true });
      else if (type === 'symlink' || type === 'link') io.err(`warning: skipping symlink: "${file}" -> "${linkname}"\n`);
      else if (type === 'file' || type === 'contiguous-file') {
        mkdirSync(dirname(file), { recursive: true });
        await pipeline(entry, createWriteStream(file, { mode: entry.header.mode ?? 0o644 }));
        continue;
      }
      (entry as unknown as Readable).resume();
    }
  })();
  const code = await run(call, source, ['tar', 'cf', '-', path], { stdout: (bytes) => (archive.write(bytes) ? undefined : once(archive as unknown as Writable, 'drain')) });
  (archive as unknown as Writable).end();
  await written;
  if (code !== 0) throw new KubectlError(`command terminated with exit code ${code}`, { code });
}
