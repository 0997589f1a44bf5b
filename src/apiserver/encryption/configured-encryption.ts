import type { EncryptionConfiguration, KmsConfiguration } from './encryption-configuration.ts';
import type { KmsProvider, KmsServices } from './kms-provider.ts';
import { UnknownSourceError } from './unknown-source-error.ts';
import { ValueEncryption } from './value-encryption.ts';

/** Encryption as the operator wants it, which he may change while values are written. Plugins are there only where he names one. */
export class ConfiguredEncryption implements Disposable {
  readonly #services: KmsServices;
  /** What wrote up to which revision, since the values were read. */
  readonly #former: { readonly encryption: ValueEncryption; readonly until: number }[] = [];
  #current = new ValueEncryption([]);
  /** By what is said of each. */
  #plugins = new Map<string, KmsProvider>();

  constructor(services: KmsServices) {
    this.#services = services;
  }

  /**
   * All stays as it was where it rejects: with UserError for a plugin that cannot be used. `revision`: the newest that was written; absent before
   * there are any, for what is stale when storage opens is written again there.
   */
  async configure(configuration: EncryptionConfiguration = [], revision?: () => number): Promise<void> {
    const wanted = configuration.flatMap(({ providers }) => providers.flatMap(({ kms }) => (kms ? [kms] : [])));
    const next = new Map<string, KmsProvider>();
    using made = new DisposableStack();
    for (const kms of wanted) {
      const key = keyOf(kms);
      let plugin = next.get(key) ?? this.#plugins.get(key);
      if (!plugin) {
        const { KmsProvider: Provider } = await import('./kms-provider.ts');
        plugin = made.use<KmsProvider>(await Provider.create(kms, this.#services));
      }
      next.set(key, plugin);
    }
    made.move();
    if (revision) this.#former.push({ encryption: this.#current, until: revision() });
    this.#current = new ValueEncryption(configuration, new Map(wanted.map((kms) => [kms.name, next.get(keyOf(kms))!])));
    for (const [key, plugin] of this.#plugins) if (!next.has(key)) plugin[Symbol.dispose]();
    this.#plugins = next;
  }

  seal(bytes: Uint8Array, place: string): Uint8Array {
    return this.#current.seal(bytes, place);
  }

  open(bytes: Uint8Array, place: string): Uint8Array {
    return this.#current.open(bytes, place);
  }

  isStale(bytes: Uint8Array, place: string): boolean {
    return this.#current.isStale(bytes, place);
  }

  /**
   * Whether the value that was written under a revision would be written by another key now: then a write that changes nothing else is made all the
   * same, which is how an operator lets go of a key. Upstream: apiserver pkg/storage/etcd3 GuaranteedUpdate, staleness.
   */
  isWrittenOtherwise(place: string, revision: number): boolean {
    const former = this.#former.find(({ until }) => revision <= until);
    return former !== undefined && former.encryption.writerOf(place) !== this.#current.writerOf(place);
  }

  /** Does what reads stored values, again each time that a plugin had to be asked about one. */
  async reading<T>(read: () => T): Promise<T> {
    for (;;) {
      try {
        return read();
      } catch (error) {
        if (!(error instanceof UnknownSourceError)) throw error;
        await error.learn();
      }
    }
  }

  get hasPlugins(): boolean {
    return this.#plugins.size > 0;
  }

  /** Throws what is wrong with a plugin. */
  check(): void {
    for (const plugin of this.#plugins.values()) plugin.check();
  }

  [Symbol.dispose](): void {
    for (const plugin of this.#plugins.values()) plugin[Symbol.dispose]();
    this.#plugins.clear();
  }
}

const keyOf = ({ name, endpoint, timeoutMs }: KmsConfiguration): string => `${name} ${endpoint} ${timeoutMs}`;
