import type { ConfigMap, Pod, Secret } from '../../api/generated/core-v1.ts';
import { configMaps, secrets } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { sleepOn, type Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { ReferencedObjects } from '../referenced-objects.ts';
import { podReferences } from './pod-references.ts';

interface Entry {
  /** The first read; afterwards `object` is current. */
  readonly first: Promise<void>;
  object: KubeObject | undefined;
  readonly end: AbortController;
  /** Runs while no pod needs it. */
  lingering?: Disposable | undefined;
}

const RETRY_MS = 1000;
/** What no pod needs any more is followed for so long: the next one is often of the same kind. */
const LINGER_MS = 60_000;

/**
 * The config maps and secrets that this node's pods refer to, each watched by itself as long as a pod does so, and a little longer: a
 * node may read no others. `changed` is called with the reference whose object changed. Upstream: kubelet/util/manager watch_based_manager.
 */
export class ReferencedObjectCache implements ReferencedObjects, Disposable {
  readonly #entries = new Map<string, Entry>();
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #changed: (reference: string) => void;

  constructor(options: { client: Client; clock: Clock; log: Log; changed: (reference: string) => void }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#changed = options.changed;
  }

  async configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return await this.#read(configMaps, namespace, name) as ConfigMap | undefined;
  }

  async secret(namespace: string, name: string): Promise<Secret | undefined> {
    return await this.#read(secrets, namespace, name) as Secret | undefined;
  }

  /** Lets go of what no pod of these needs. */
  keepOnly(pods: Iterable<Pod>): void {
    const needed = new Set<string>();
    for (const pod of pods) for (const reference of podReferences(pod)) needed.add(reference);
    for (const [reference, entry] of this.#entries) {
      if (needed.has(reference)) this.#hold(entry);
      else entry.lingering ??= this.#clock.timer(LINGER_MS, () => this.#close(reference, entry));
    }
  }

  [Symbol.dispose](): void {
    for (const [reference, entry] of this.#entries) this.#close(reference, entry);
  }

  #hold(entry: Entry): void {
    entry.lingering?.[Symbol.dispose]();
    entry.lingering = undefined;
  }

  #close(reference: string, entry: Entry): void {
    this.#hold(entry);
    entry.end.abort();
    if (this.#entries.get(reference) === entry) this.#entries.delete(reference);
  }

  async #read(resource: ResourceType<ConfigMap> | ResourceType<Secret>, namespace: string, name: string): Promise<KubeObject | undefined> {
    const reference = `${resource.resource}/${namespace}/${name}`;
    let entry = this.#entries.get(reference);
    if (!entry) {
      entry = this.#open(resource as ResourceType<KubeObject>, namespace, name, reference);
      this.#entries.set(reference, entry);
    }
    this.#hold(entry);
    try {
      await entry.first;
    } catch (error) {
      // The next read asks again.
      this.#close(reference, entry);
      throw error;
    }
    return entry.object;
  }

  #open(resource: ResourceType<KubeObject>, namespace: string, name: string, reference: string): Entry {
    const entry: Entry = { object: undefined, end: new AbortController(), first: Promise.resolve() };
    const first = this.#look(resource, namespace, name).then(({ object, resourceVersion }) => {
      entry.object = object;
      void this.#follow(resource, namespace, name, reference, entry, resourceVersion);
    });
    return Object.assign(entry, { first });
  }

  /** A list of one, for it tells from when on to watch: the object itself may not have changed for longer than the server remembers. */
  async #look(resource: ResourceType<KubeObject>, namespace: string, name: string): Promise<{ readonly object: KubeObject | undefined; readonly resourceVersion: string | undefined }> {
    const { items: [object], metadata } = await this.#client.list(resource, { namespace, fieldSelector: `metadata.name=${name}` });
    return { object, resourceVersion: metadata.resourceVersion };
  }

  async #follow(resource: ResourceType<KubeObject>, namespace: string, name: string, reference: string, entry: Entry, from: string | undefined): Promise<void> {
    const { signal } = entry.end;
    let resourceVersion = from;
    while (!signal.aborted) {
      try {
        const events = await this.#client.watch(resource, { namespace, fieldSelector: `metadata.name=${name}`, allowWatchBookmarks: true, signal, ...(resourceVersion && { resourceVersion }) });
        for await (const event of events) {
          resourceVersion = event.object.metadata.resourceVersion;
          if (event.type !== 'BOOKMARK') this.#note(entry, reference, event.type === 'DELETED' ? undefined : event.object);
        }
      } catch (error) {
        if (signal.aborted) return;
        // Without a pod that refers to it, it may no longer be read.
        if (entry.lingering) return this.#close(reference, entry);
        if (!isReason(error, 'Expired', 'Gone')) this.#log.debug('the watch of a referenced object broke', { reference, error });
        await sleepOn(this.#clock, RETRY_MS, signal).catch(() => undefined);
        if (signal.aborted) return;
        try {
          const now = await this.#look(resource, namespace, name);
          resourceVersion = now.resourceVersion;
          this.#note(entry, reference, now.object);
        } catch (cause) {
          this.#log.debug('cannot read a referenced object', { reference, error: cause });
        }
      }
    }
  }

  #note(entry: Entry, reference: string, object: KubeObject | undefined): void {
    if (entry.object?.metadata.resourceVersion === object?.metadata.resourceVersion) return;
    entry.object = object;
    this.#changed(reference);
  }
}
