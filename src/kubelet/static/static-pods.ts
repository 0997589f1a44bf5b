import { watch, type FSWatcher } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isReason } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { pods } from '../../api/generated/resources.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';

const MIRROR = 'kubernetes.io/config.mirror';
/** The folder is read again so often, in milliseconds, whatever was told of it. Upstream: fileCheckFrequency. */
const READ_MS = 20_000;
const SETTLE_MS = 50;

export interface StaticPodsOptions {
  readonly path: string;
  readonly nodeName: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  nodeUid(): string | undefined;
  /** Pods of the API that stand for static pods of this node. */
  mirrors(): readonly Pod[];
  /** A pod came into the folder. */
  readonly added: (pod: Pod) => void;
  /** A pod left it. */
  readonly removed: (pod: Pod) => void;
  /** Whether something of it still runs. */
  readonly present: (uid: string) => boolean;
  /** What the API holds of a static pod now; undefined: nothing. */
  readonly mirrored: (uid: string, mirror: Pod | undefined) => void;
}

export const isMirror = (pod: Pod): boolean => pod.metadata.annotations?.[MIRROR] !== undefined;

/**
 * Pods of a folder of manifests, and the pods that stand for them in the API. A file is a pod: it comes with the file, is replaced when the file
 * changes, and goes with it; what is done to its mirror does nothing to it. Upstream: kubelet/config/file.go, kubelet/pod/mirror_client.go.
 */
export class StaticPods implements AsyncDisposable {
  readonly #options: StaticPodsOptions;
  readonly #ended = new AbortController();
  /** By uid. */
  #wanted = new Map<string, Pod>();
  /** What is wrong with files, told once. */
  #faults = new Map<string, string>();
  #watcher: FSWatcher | undefined;
  #settle: Disposable | undefined;
  #next: Disposable | undefined;
  #reading: Promise<void> = Promise.resolve();
  #mirroring: Promise<void> | undefined;
  #again = false;

  constructor(options: StaticPodsOptions) {
    this.#options = options;
  }

  get pods(): readonly Pod[] {
    return [...this.#wanted.values()];
  }

  /** The static pod that this pod of the API stands for. */
  behind(mirror: Pod): Pod | undefined {
    return this.#wanted.get(mirror.metadata.annotations?.[MIRROR] ?? '');
  }

  /** The static pod of a name: it is there whether or not anything stands for it in the API just now. */
  named(namespace: string, name: string): Pod | undefined {
    return [...this.#wanted.values()].find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  }

  /** Reads the folder, tells what is in it, and goes on following it. */
  async start(): Promise<void> {
    try {
      this.#watcher = watch(this.#options.path, () => {
        this.#settle ??= this.#options.clock.timer(SETTLE_MS, () => {
          this.#settle = undefined;
          void this.read();
        });
      });
      // The folder was taken away: it is looked for now and then.
      this.#watcher.on('error', (error) => this.#options.log.debug('cannot watch the manifests', { error }));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    await this.read();
  }

  /** Reads the folder now. Never rejects. */
  read(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#read()).catch((error: unknown) => this.#options.log.warn('cannot read the manifests', { error }));
    return this.#reading;
  }

  /** Something of a static pod or of its mirror has changed. */
  reconcile(): void {
    if (this.#ended.signal.aborted) return;
    if (this.#mirroring) {
      this.#again = true;
      return;
    }
    this.#mirroring = this.#mirror().catch((error: unknown) => {
      if (!this.#ended.signal.aborted) this.#options.log.warn('cannot bring the static pods to the API', { error });
    }).finally(() => {
      this.#mirroring = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.reconcile();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    this.#watcher?.close();
    this.#settle?.[Symbol.dispose]();
    this.#next?.[Symbol.dispose]();
    await this.#reading;
    await this.#mirroring;
  }

  async #read(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    const { path, nodeName, clock, log, added, removed } = this.#options;
    this.#next?.[Symbol.dispose]();
    this.#next = clock.timer(READ_MS, () => void this.read());
    const names = (await readdir(path).catch(absent))?.filter((name) => /\.(ya?ml|json|manifest)$/.test(name) && !name.startsWith('.')).sort() ?? [];
    const found = new Map<string, Pod>();
    const faults = new Map<string, string>();
    // Who has no such pods need not know what a pod may be.
    const { staticPod } = names.length > 0 ? await import('./manifest.ts') : { staticPod: undefined };
    for (const name of names) {
      const file = join(path, name);
      try {
        const pod = staticPod!(await readFile(file, 'utf8'), file, nodeName);
        found.set(pod.metadata.uid, pod);
      } catch (error) {
        const { message } = error as Error;
        if (this.#faults.get(file) !== message) log.warn('a manifest is not used', { file, error });
        faults.set(file, message);
      }
    }
    if (this.#ended.signal.aborted) return;
    const before = this.#wanted;
    [this.#wanted, this.#faults] = [found, faults];
    for (const [uid, pod] of before) if (!found.has(uid)) removed(pod);
    for (const [uid, pod] of found) if (!before.has(uid)) added(pod);
    if (before.size > 0 || found.size > 0) this.reconcile();
  }

  async #mirror(): Promise<void> {
    const { client, nodeUid, mirrors, present, mirrored } = this.#options;
    const uid = nodeUid();
    if (uid === undefined) return;
    const byName = new Map(mirrors().map((mirror) => [`${mirror.metadata.namespace}/${mirror.metadata.name}`, mirror]));
    for (const pod of this.#wanted.values()) {
      const { namespace, name } = pod.metadata;
      const key = `${namespace}/${name}`;
      const mirror = byName.get(key);
      byName.delete(key);
      if (mirror && !mirror.metadata.deletionTimestamp && mirror.metadata.annotations?.[MIRROR] === pod.metadata.uid) {
        mirrored(pod.metadata.uid, mirror);
        continue;
      }
      mirrored(pod.metadata.uid, undefined);
      if (mirror) await this.#delete(mirror);
      const { mirrorPod } = await import('./manifest.ts');
      try {
        mirrored(pod.metadata.uid, await client.create(pods, mirrorPod(pod, uid)));
      } catch (error) {
        // Another is there yet, of which the watch has not told.
        if (!isReason(error, 'AlreadyExists')) throw error;
      }
    }
    // Whose pod has left the folder, and has ended.
    for (const mirror of byName.values()) if (!present(mirror.metadata.annotations?.[MIRROR] ?? '')) await this.#delete(mirror);
  }

  async #delete({ metadata: { namespace, name, uid } }: Pod): Promise<void> {
    try {
      await this.#options.client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (!isReason(error, 'NotFound', 'Conflict')) throw error;
    }
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
