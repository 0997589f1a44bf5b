import type { ConfigurationReader } from '../configuration/configuration-reader.ts';

export interface EncryptionKey {
  readonly name: string;
  readonly secret: Buffer;
}

export type ProviderKind = 'aesgcm' | 'aescbc' | 'secretbox' | 'kms' | 'identity';

/** A plugin that keeps keys, behind a unix socket. */
export interface KmsConfiguration {
  readonly name: string;
  /** `unix:///run/kms.sock`. */
  readonly endpoint: string;
  readonly timeoutMs: number;
}

export interface EncryptionProvider {
  readonly kind: ProviderKind;
  /** The first one writes. */
  readonly keys: readonly EncryptionKey[];
  /** Of the kind `kms`. */
  readonly kms?: KmsConfiguration;
}

/** Which resources are kept how. The first provider writes, all of them read. */
export interface EncryptedResources {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.` (the core group), `*.*`. */
  readonly resources: readonly string[];
  readonly providers: readonly EncryptionProvider[];
}

export type EncryptionConfiguration = readonly EncryptedResources[];

const KEY_SIZES: Readonly<Record<string, readonly number[]>> = { aesgcm: [16, 24, 32], aescbc: [16, 24, 32], secretbox: [32] };
const KINDS: readonly ProviderKind[] = ['aesgcm', 'aescbc', 'secretbox', 'kms', 'identity'];

/** Reads a document of the kind `EncryptionConfiguration` in `apiserver.config.k8s.io/v1`. Throws UserError. Upstream: apiserver pkg/apis/apiserver/validation. */
export function readEncryptionConfiguration(reader: ConfigurationReader): EncryptionConfiguration {
  reader.knows('apiVersion', 'kind', 'resources');
  const entries = reader.list('resources');
  if (entries.length === 0) throw reader.fault('resources', 'at least one entry is required');
  return entries.map((entry) => {
    entry.knows('resources', 'providers');
    const resources = entry.texts('resources');
    if (resources.length === 0) throw entry.fault('resources', 'at least one resource is required');
    for (const resource of resources) {
      if (resource === '*') throw entry.fault('resources', 'use "*." for the core group, or "*.*" for everything');
      if (resource !== resource.toLowerCase()) throw entry.fault('resources', `${resource} must be in lower case`);
      if (resource.includes('/')) throw entry.fault('resources', `${resource}: subresources cannot be encrypted apart`);
    }
    const providers = entry.list('providers').map((provider): EncryptionProvider => {
      provider.knows(...KINDS);
      const kinds = KINDS.filter((kind) => provider.has(kind));
      const [kind] = kinds;
      if (!kind || kinds.length > 1) throw provider.fault(kinds[1] ?? 'aesgcm', 'each provider names exactly one kind');
      if (kind === 'identity') return { kind, keys: [] };
      const inner = provider.object(kind)!;
      if (kind === 'kms') return { kind, keys: [], kms: readKms(inner) };
      inner.knows('keys');
      const keys = inner.list('keys').map((key): EncryptionKey => {
        key.knows('name', 'secret');
        const name = key.mustText('name');
        if (name.includes(':')) throw key.fault('name', 'must not contain ":"');
        const secret = Buffer.from(key.mustText('secret'), 'base64');
        if (!KEY_SIZES[kind]!.includes(secret.length)) throw key.fault('secret', `is ${secret.length} bytes long, and must be ${KEY_SIZES[kind]!.join(', or ')}, in base64`);
        return { name, secret };
      });
      if (keys.length === 0) throw inner.fault('keys', 'at least one key is required');
      if (new Set(keys.map(({ name }) => name)).size < keys.length) throw inner.fault('keys', 'names must differ');
      return { kind, keys };
    });
    if (providers.length === 0) throw entry.fault('providers', 'at least one provider is required');
    return { resources, providers };
  });
}

/** The entry that a resource falls under: the first that names it, as upstream takes them in order. */
export function resourcesFor(configuration: EncryptionConfiguration, group: string, resource: string): EncryptedResources | undefined {
  const names = group ? [`${resource}.${group}`, `*.${group}`, '*.*'] : [resource, '*.', '*.*'];
  return configuration.find(({ resources }) => resources.some((name) => names.includes(name)));
}

function readKms(reader: ConfigurationReader): KmsConfiguration {
  reader.knows('apiVersion', 'name', 'endpoint', 'timeout');
  if (reader.text('apiVersion') !== 'v2') throw reader.fault('apiVersion', 'unsupported apiVersion for KMS provider, only v2 is supported');
  const name = reader.mustText('name');
  if (name.includes(':')) throw reader.fault('name', 'must not contain ":"');
  const endpoint = reader.mustText('endpoint');
  if (!/^unix:\/\/[/@]./.test(endpoint)) throw reader.fault('endpoint', 'must be a unix socket, as unix:///run/kms.sock');
  const timeoutMs = reader.duration('timeout') ?? 3000;
  if (timeoutMs <= 0) throw reader.fault('timeout', 'must be greater than zero');
  return { name, endpoint, timeoutMs };
}
