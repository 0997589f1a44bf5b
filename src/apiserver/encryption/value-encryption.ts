import { createCipheriv, createDecipheriv, randomBytes, type CipherGCMTypes } from 'node:crypto';
import { UserError } from '../../base/user-error.ts';
import { resourcesFor, type EncryptedResources, type EncryptionConfiguration, type EncryptionKey, type EncryptionProvider, type ProviderKind } from './encryption-configuration.ts';
import type { KmsProvider } from './kms-provider.ts';
import { NONCE_LENGTH, openSecretBox, sealSecretBox } from './secret-box.ts';
import { UnknownSourceError } from './unknown-source-error.ts';

/** Bytes as they are kept: `k8s:enc:PROVIDER:v1:KEY:` before what is encrypted, nothing before what is not. */
const MARK = Buffer.from('k8s:enc:');

/** One way to encrypt. `place` is the key in storage: a value that was moved to another place does not open there. */
interface Cipher {
  seal(bytes: Uint8Array, key: EncryptionKey, place: string): Buffer;
  /** Throws or answers undefined where it cannot be opened. */
  open(bytes: Buffer, key: EncryptionKey, place: string): Buffer | undefined;
}

const GCM_NONCE = 12;
const GCM_TAG = 16;
const CBC_BLOCK = 16;

const ciphers: Readonly<Record<Exclude<ProviderKind, 'identity' | 'kms'>, Cipher>> = {
  aesgcm: {
    seal(bytes, { secret }, place) {
      const nonce = randomBytes(GCM_NONCE);
      const cipher = createCipheriv(`aes-${secret.length * 8}-gcm` as CipherGCMTypes, secret, nonce);
      cipher.setAAD(Buffer.from(place));
      return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    },
    open(bytes, { secret }, place) {
      if (bytes.length < GCM_NONCE + GCM_TAG) return undefined;
      const decipher = createDecipheriv(`aes-${secret.length * 8}-gcm` as CipherGCMTypes, secret, bytes.subarray(0, GCM_NONCE), { authTagLength: GCM_TAG });
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(bytes.subarray(-GCM_TAG));
      return Buffer.concat([decipher.update(bytes.subarray(GCM_NONCE, -GCM_TAG)), decipher.final()]);
    },
  },
  aescbc: {
    seal(bytes, { secret }) {
      const iv = randomBytes(CBC_BLOCK);
      const cipher = createCipheriv(`aes-${secret.length * 8}-cbc`, secret, iv);
      return Buffer.concat([iv, cipher.update(bytes), cipher.final()]);
    },
    open(bytes, { secret }) {
      if (bytes.length < 2 * CBC_BLOCK) return undefined;
      const decipher = createDecipheriv(`aes-${secret.length * 8}-cbc`, secret, bytes.subarray(0, CBC_BLOCK));
      return Buffer.concat([decipher.update(bytes.subarray(CBC_BLOCK)), decipher.final()]);
    },
  },
  secretbox: {
    seal(bytes, { secret }) {
      const nonce = randomBytes(NONCE_LENGTH);
      return Buffer.concat([nonce, sealSecretBox(bytes, secret, nonce)]);
    },
    open: (bytes, { secret }) => openSecretBox(bytes.subarray(NONCE_LENGTH), secret, bytes.subarray(0, NONCE_LENGTH)),
  },
};

/** A stored value cannot be read with the keys there are: to go on would lose it. */
export class UndecipherableError extends UserError {
  constructor(place: string, cause: string) {
    super(`cannot decrypt ${place}: ${cause}`, 'give the server the EncryptionConfiguration with the key that it was written with');
  }
}

/**
 * Encrypts stored values of the configured resources. What was written otherwise than it would be now (by an older key, or not at all) is stale,
 * and is to be written again before its key goes. Upstream: apiserver pkg/storage/value/encrypt.
 */
export class ValueEncryption {
  readonly #configuration: EncryptionConfiguration;
  readonly #plugins: ReadonlyMap<string, KmsProvider>;
  readonly #entries = new Map<string, EncryptedResources | undefined>();

  /** `plugins`: one by each name that the configuration has for one. */
  constructor(configuration: EncryptionConfiguration, plugins: ReadonlyMap<string, KmsProvider> = new Map()) {
    this.#configuration = configuration;
    this.#plugins = plugins;
  }

  /** `place`: `/registry/<group or "core">/<resource>/…`. */
  seal(bytes: Uint8Array, place: string): Uint8Array {
    const provider = this.#entryOf(place)?.providers[0];
    if (!provider || provider.kind === 'identity') return bytes;
    if (provider.kind === 'kms') return Buffer.concat([kmsPrefix(provider), this.#pluginOf(provider).seal(bytes, place)]);
    const [key] = provider.keys;
    return Buffer.concat([prefixOf(provider.kind, key!), ciphers[provider.kind].seal(bytes, key!, place)]);
  }

  /** Names what a value is written by now: the provider and its key. */
  writerOf(place: string): string {
    const provider = this.#entryOf(place)?.providers[0];
    if (!provider || provider.kind === 'identity') return 'identity';
    return provider.kind === 'kms' ? `kms ${provider.kms!.name}` : `${provider.kind} ${provider.keys[0]!.name} ${provider.keys[0]!.secret.toString('base64')}`;
  }

  /** Throws UndecipherableError, and UnknownSourceError where a plugin has to be asked first. */
  open(bytes: Uint8Array, place: string): Uint8Array {
    const stored = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const entry = this.#entryOf(place);
    if (!stored.subarray(0, MARK.length).equals(MARK)) {
      if (entry && !entry.providers.some(({ kind }) => kind === 'identity') && stored.length > 0) throw new UndecipherableError(place, 'it is not encrypted, and the configuration has no identity provider for it');
      return bytes;
    }
    let cause = 'no key of the configuration has its name';
    for (const provider of entry?.providers ?? []) {
      const { kind, keys } = provider;
      if (kind === 'identity') continue;
      if (kind === 'kms') {
        const prefix = kmsPrefix(provider);
        if (!stored.subarray(0, prefix.length).equals(prefix)) continue;
        try {
          return this.#pluginOf(provider).open(stored.subarray(prefix.length), place);
        } catch (error) {
          if (error instanceof UnknownSourceError) throw error;
          cause = `the KMS plugin ${provider.kms!.name} does not open it: ${(error as Error).message}`;
          continue;
        }
      }
      for (const key of keys) {
        const prefix = prefixOf(kind, key);
        if (!stored.subarray(0, prefix.length).equals(prefix)) continue;
        try {
          const opened = ciphers[kind].open(stored.subarray(prefix.length), key, place);
          if (opened) return opened;
          cause = `the key ${key.name} does not open it`;
        } catch (error) {
          cause = `the key ${key.name} does not open it: ${(error as Error).message}`;
        }
      }
    }
    throw new UndecipherableError(place, cause);
  }

  /** Whether the value would be written otherwise now. */
  isStale(bytes: Uint8Array, place: string): boolean {
    const stored = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const provider = this.#entryOf(place)?.providers[0];
    if (!provider || provider.kind === 'identity') return stored.subarray(0, MARK.length).equals(MARK);
    if (provider.kind === 'kms') {
      const prefix = kmsPrefix(provider);
      return !stored.subarray(0, prefix.length).equals(prefix) || this.#pluginOf(provider).isStale(stored.subarray(prefix.length));
    }
    const prefix = prefixOf(provider.kind, provider.keys[0]!);
    return !stored.subarray(0, prefix.length).equals(prefix);
  }

  #pluginOf({ kms }: EncryptionProvider): KmsProvider {
    return this.#plugins.get(kms!.name)!;
  }

  #entryOf(place: string): EncryptedResources | undefined {
    const [, , group = '', resource = ''] = place.split('/', 5);
    const name = `${group}/${resource}`;
    if (!this.#entries.has(name)) this.#entries.set(name, resourcesFor(this.#configuration, group === 'core' ? '' : group, resource));
    return this.#entries.get(name);
  }
}

const prefixOf = (kind: ProviderKind, { name }: EncryptionKey): Buffer => Buffer.from(`k8s:enc:${kind}:v1:${name}:`);
const kmsPrefix = ({ kms }: EncryptionProvider): Buffer => Buffer.from(`k8s:enc:kms:v2:${kms!.name}:`);
