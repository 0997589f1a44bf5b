import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { GrpcConnection } from '../../base/grpc/connection.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import { UserError } from '../../base/user-error.ts';
import type { KmsConfiguration } from './encryption-configuration.ts';
import { keyManagementService, readEncryptedObject, writeEncryptedObject, type DecryptResponse, type EncryptedObject, type EncryptResponse, type StatusResponse } from './kms-protocol.ts';
import { UnknownSourceError } from './unknown-source-error.ts';

const SEED = 32;
const INFO = 32;
const NONCE = 12;
const TAG = 16;
const DERIVED = 1;
/** How often a plugin is asked whether it is well and which key it uses now: when it is well, and when it is not. */
const STATUS_MS = 60_000;
const SICK_MS = 10_000;

/** What keys are derived of, as it is and as the plugin has encrypted it. */
interface Source {
  readonly seed: Buffer;
  readonly wrapped: Omit<EncryptedObject, 'encryptedData'>;
}

export interface KmsServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * Encrypts with keys whose source a plugin outside has under its key: the plugin is asked once for a source, not for each value, and never sees
 * the values. Upstream: apiserver pkg/storage/value/encrypt/envelope/kmsv2, value/encrypt/aes/aes_extended_nonce.go.
 */
export class KmsProvider implements Disposable {
  readonly name: string;
  readonly #configuration: KmsConfiguration;
  readonly #services: KmsServices;
  readonly #plugin: GrpcConnection;
  readonly #sources = new Map<string, Source>();
  #current!: Source;
  #timer: Disposable | undefined;
  #fault: Error | undefined;

  private constructor(configuration: KmsConfiguration, services: KmsServices) {
    this.name = configuration.name;
    this.#configuration = configuration;
    this.#services = services;
    this.#plugin = new GrpcConnection(configuration.endpoint, services.clock);
  }

  /** Rejects with UserError where the plugin cannot be asked, or is not well. */
  static async create(configuration: KmsConfiguration, services: KmsServices): Promise<KmsProvider> {
    const provider = new KmsProvider(configuration, services);
    try {
      await provider.#renew((await provider.#status()).keyId);
    } catch (error) {
      provider.#plugin[Symbol.dispose]();
      throw new UserError(`cannot use the KMS plugin ${configuration.name} at ${configuration.endpoint}: ${(error as Error).message}`, 'start the plugin first', { cause: error });
    }
    provider.#watch(STATUS_MS);
    return provider;
  }

  /** Throws what was wrong when the plugin was asked last. */
  check(): void {
    if (this.#fault) throw this.#fault;
  }

  /** `place`: the key in storage, without which the value does not open. */
  seal(bytes: Uint8Array, place: string): Buffer {
    const { seed, wrapped } = this.#current;
    const info = randomBytes(INFO);
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', derivedKey(seed, info), nonce);
    cipher.setAAD(Buffer.from(place));
    return writeEncryptedObject({ ...wrapped, encryptedData: Buffer.concat([info, nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]) });
  }

  /** Throws UnknownSourceError, or an Error where it does not open. */
  open(bytes: Buffer, place: string): Buffer {
    const object = readEncryptedObject(bytes);
    const { encryptedData, encryptedDEKSourceType } = object;
    const source = this.#sources.get(nameOf(object));
    if (!source) throw new UnknownSourceError(() => this.#learn(object));
    if (encryptedDEKSourceType !== DERIVED || encryptedData.length < INFO + NONCE + TAG) throw new Error('it is not in a form that this release writes');
    const decipher = createDecipheriv('aes-256-gcm', derivedKey(source.seed, encryptedData.subarray(0, INFO)), encryptedData.subarray(INFO, INFO + NONCE), { authTagLength: TAG });
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(encryptedData.subarray(-TAG));
    return Buffer.concat([decipher.update(encryptedData.subarray(INFO + NONCE, -TAG)), decipher.final()]);
  }

  /** Whether the value was written with another key of the plugin's than it would be now. */
  isStale(bytes: Buffer): boolean {
    return readEncryptedObject(bytes).keyID !== this.#current.wrapped.keyID;
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#plugin[Symbol.dispose]();
  }

  /** Takes over what stands beside a value, and goes on with it where it is of the current key: or each start would bring a source of its own. */
  async #learn(wrapped: EncryptedObject): Promise<void> {
    const { encryptedDEKSource: ciphertext, keyID: keyId, annotations } = wrapped;
    const { plaintext } = await this.#call<DecryptResponse>('Decrypt', { ciphertext, uid: this.#services.random.uuid(), keyId, annotations });
    const source: Source = { seed: plaintext, wrapped: { encryptedDEKSource: ciphertext, keyID: keyId, annotations, encryptedDEKSourceType: DERIVED } };
    this.#sources.set(nameOf(wrapped), source);
    if (keyId === this.#current.wrapped.keyID) this.#current = source;
  }

  async #renew(keyId: string): Promise<void> {
    const seed = randomBytes(SEED);
    const { ciphertext, keyId: keyID, annotations } = await this.#call<EncryptResponse>('Encrypt', { plaintext: seed, uid: this.#services.random.uuid() });
    if (!keyID || keyID.length > 1024) throw new Error('the plugin names no key, or one of over a kilobyte');
    if (keyID !== keyId) throw new Error(`the plugin encrypts with the key ${keyID}, and says that it uses ${keyId}`);
    if (ciphertext.length === 0 || ciphertext.length > 1024) throw new Error('the plugin answers nothing, or over a kilobyte');
    const wrapped = { encryptedDEKSource: ciphertext, keyID, annotations, encryptedDEKSourceType: DERIVED };
    this.#current = { seed, wrapped };
    this.#sources.set(nameOf(wrapped), this.#current);
  }

  async #status(): Promise<StatusResponse> {
    const status = await this.#call<StatusResponse>('Status', {});
    if (status.version !== 'v2' && status.version !== 'v2beta1') throw new Error(`the plugin speaks ${status.version}, and should speak v2`);
    if (status.healthz !== 'ok') throw new Error(`the plugin is not well: ${status.healthz}`);
    return status;
  }

  #watch(milliseconds: number): void {
    this.#timer = this.#services.clock.timer(milliseconds, () => void this.#look());
  }

  async #look(): Promise<void> {
    try {
      const { keyId } = await this.#status();
      if (keyId !== this.#current.wrapped.keyID) await this.#renew(keyId);
      this.#fault = undefined;
    } catch (error) {
      this.#fault = error as Error;
      this.#services.log.warn('a KMS plugin cannot be used; what is written goes on with the key that it gave before', { name: this.name, error });
    }
    if (this.#timer) this.#watch(this.#fault ? SICK_MS : STATUS_MS);
  }

  #call<R>(name: string, request: object): Promise<R> {
    return this.#plugin.call<R>(keyManagementService[name]!, request, { timeoutMs: this.#configuration.timeoutMs });
  }
}

/** Sources are told apart by what stands beside a value. */
const nameOf = ({ keyID, encryptedDEKSource }: Pick<EncryptedObject, 'keyID' | 'encryptedDEKSource'>): string => `${keyID} ${encryptedDEKSource.toString('base64')}`;

/** HKDF's second half alone, of which one block is enough: the seed is as good a key as the first half would make. RFC 5869. */
const derivedKey = (seed: Buffer, info: Buffer): Buffer => createHmac('sha256', seed).update(info).update(Buffer.from([1])).digest();
