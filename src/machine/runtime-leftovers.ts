import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { socketOfRuntime } from './containerd.ts';
import { readMounts } from './mounts.ts';
import type { NodeGround } from './node-ground.ts';
import { commandOf, processIds, sendSignal, statOf } from './process-table.ts';

/** What containerd knows: see `RuntimeInventory` of cri/. */
export interface KnownToRuntime {
  readonly ids: ReadonlySet<string>;
  readonly networkNamespaces: ReadonlySet<string> | undefined;
}

/** A thing that containerd had made, by a key that no other thing will ever have. */
interface Leftover {
  readonly what: 'shim' | 'network namespace' | 'address' | 'mount' | 'record of a container';
  readonly key: string;
  remove(): void;
}

/**
 * Networks are made before their sandbox is noted, and shims end after theirs is forgotten. What is unknown for so long, and was there before every sandbox
 * that is being made was asked for, is nobody's.
 */
const DOUBT_MS = 10_000;

/**
 * What a killed containerd leaves of sandboxes that it was just making, and does not know of when it is back: shims and their processes, network
 * namespaces, addresses, mounts, the OCI runtime's records. What containerd knows is never touched. For a process inside of the node.
 */
export class RuntimeLeftovers {
  readonly #ground: NodeGround;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #firstSeenMs = new Map<string, number>();

  constructor(ground: NodeGround, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#ground = ground;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Removes what is nobody's, and remembers what may be. `ask` tells what containerd knows, `oldestRequestMs` since when (`clock.monotonic()`)
   * the oldest sandbox is being made that is being made now. Resolves to how many things are in doubt. Rejects where containerd does not answer.
   */
  async collect(ask: () => Promise<KnownToRuntime>, oldestRequestMs: () => number | undefined): Promise<number> {
    const before = oldestRequestMs() ?? Infinity;
    // First what there is, then what is known: what is made in between is not seen.
    const look = findAll(this.#ground);
    const known = await ask();
    const nowMs = this.#clock.monotonic();
    const unknown = look(known);
    const keys = new Set(unknown.map(({ key }) => key));
    for (const key of this.#firstSeenMs.keys()) if (!keys.has(key)) this.#firstSeenMs.delete(key);
    let doubts = 0;
    for (const leftover of unknown) {
      const { what, key } = leftover;
      const firstSeenMs = this.#firstSeenMs.get(key) ?? nowMs;
      this.#firstSeenMs.set(key, firstSeenMs);
      if (nowMs - firstSeenMs < DOUBT_MS || before <= firstSeenMs) {
        doubts++;
        continue;
      }
      this.#log.info('removing what containerd has forgotten', { what, key });
      try {
        leftover.remove();
      } catch (error) {
        this.#log.warn('cannot remove what containerd has forgotten', { what, key, error });
      }
    }
    return doubts;
  }
}

/** All there is, as a question: what of it is not known? */
function findAll(ground: NodeGround): (known: KnownToRuntime) => readonly Leftover[] {
  const shims = findShims(socketOfRuntime(ground));
  const state = join(ground.state, 'runtime');
  const namespaces = readNames(state).flatMap((plugin) => readNames(join(state, plugin, 'netns')).map((name) => join(state, plugin, 'netns', name)));
  const leases = findLeases(join(ground.state, 'leases'));
  const roots = readMounts().flatMap(({ target }) => {
    const id = target.startsWith(`${state}/`) ? /\/k8s\.io\/([^/]+)\/rootfs$/.exec(target)?.[1] : undefined;
    return id === undefined ? [] : [{ id, target }];
  });
  const records = readNames(RECORDS);
  return ({ ids, networkNamespaces }) => {
    const isUnknown = ({ id }: { readonly id: string }): boolean => !ids.has(id);
    const busy = new Set(shims.map(({ id }) => id));
    // A shim that ends in order takes its mount and its record away by itself; then, and not before, they are looked at.
    const idle = (id: string): boolean => !ids.has(id) && !busy.has(id);
    return [
      ...shims.filter(isUnknown).map(({ pid, id }): Leftover => ({ what: 'shim', key: `${id} ${pid}`, remove: () => killShim(pid, id) })),
      ...roots.filter(({ id }) => idle(id)).map(({ target }): Leftover => ({ what: 'mount', key: target, remove: () => unmount(target) })),
      ...records.filter(idle).map((id): Leftover => ({ what: 'record of a container', key: id, remove: () => rmSync(join(RECORDS, id), { recursive: true, force: true }) })),
      ...(networkNamespaces ? namespaces.filter((path) => !networkNamespaces.has(path)) : []).map((path): Leftover => ({ what: 'network namespace', key: path, remove: () => removeNamespace(path) })),
      ...leases.filter(isUnknown).map(({ id, file }): Leftover => ({ what: 'address', key: `${file} ${id}`, remove: () => releaseAddress(file, id) })),
    ];
  };
}

/** Where shims keep what runc and crun note of containers. Inside of a node it is the node's own. */
const RECORDS = '/run/containerd/runc/k8s.io';

interface Shim {
  readonly pid: number;
  /** Of the sandbox for which it was started; it serves the pod's containers too. */
  readonly id: string;
}

/** The shims of the containerd at this socket. */
export function findShims(socket: string): Shim[] {
  return processIds().flatMap((pid) => {
    const id = shimOf(commandOf(pid), socket);
    return id === undefined ? [] : [{ pid, id }];
  });
}

/** `…/containerd-shim-runc-v2 -namespace k8s.io -id ID -address SOCKET` → ID. */
export function shimOf(words: readonly string[], socket: string): string | undefined {
  if (!/(^|\/)containerd-shim-[\w-]+$/.test(words[0] ?? '')) return undefined;
  const value = (flag: string): string | undefined => (words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined);
  return value('-address') === socket && value('-namespace') === 'k8s.io' ? value('-id') : undefined;
}

/** Ends a shim and what it runs. */
function killShim(pid: number, id: string): void {
  // Its number may be another's by now.
  if (!commandOf(pid).includes(id)) return;
  const parents = new Map(processIds().map((one) => [one, Number(statOf(one)[1] ?? 0)]));
  const family = [pid];
  for (const one of family) for (const [child, parent] of parents) if (parent === one) family.push(child);
  for (const one of family) sendSignal(one, 'SIGKILL');
}

/** host-local keeps a file for each address, with the sandbox and the interface in it. */
function findLeases(directory: string): { readonly id: string; readonly file: string }[] {
  return readNames(directory).flatMap((network) => readNames(join(directory, network)).filter((name) => /^[0-9a-f.:]+$/.test(name)).flatMap((name) => {
    const file = join(directory, network, name);
    const id = holderOf(file);
    return id ? [{ id, file }] : [];
  }));
}

function holderOf(lease: string): string {
  return readIfThere(lease).split(/\r?\n/)[0]!.trim();
}

function releaseAddress(file: string, id: string): void {
  if (holderOf(file) === id) rmSync(file, { force: true });
}

function removeNamespace(path: string): void {
  if (readMounts().some(({ target }) => target === path)) unmount(path);
  rmSync(path, { force: true });
}

function unmount(target: string): void {
  execFileSync('umount', ['-l', target]);
  if (target.endsWith('/rootfs')) rmdirSync(target);
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code!)) return [];
    throw error;
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EISDIR'].includes((error as NodeJS.ErrnoException).code!)) return '';
    throw error;
  }
}
