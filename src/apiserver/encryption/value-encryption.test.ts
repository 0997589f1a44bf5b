import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configMaps, secrets } from '../../api/generated/resources.ts';
import { startTestApiServer } from '../../testing/api-server.ts';
import { readServerConfiguration } from '../configuration/server-configuration.ts';
import { openSecretBox, sealSecretBox } from './secret-box.ts';
import { ValueEncryption } from './value-encryption.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

test('a secret box is the one that NaCl makes', () => {
  const key = hex('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389');
  const nonce = hex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37');
  const message = hex(`be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31
    0e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705`);
  const box = sealSecretBox(message, key, nonce);
  expect(box.toString('hex')).toBe(hex(`f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c972
    71d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5`).toString('hex'));
  expect(openSecretBox(box, key, nonce)).toEqual(message);
  box[20]! ^= 1;
  expect(openSecretBox(box, key, nonce)).toBeUndefined();
});

const configuration = (...providers: string[]) => readServerConfiguration(`apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers: [${providers.join(', ')}]
`, 'test');
const provider = (kind: string, ...keys: (readonly [string, number])[]) => `{ ${kind}: { keys: [${keys.map(([name, byte]) => `{ name: ${name}, secret: ${Buffer.alloc(32, byte).toString('base64')} }`).join(', ')}] } }`;
const IDENTITY = '{ identity: {} }';

test('secrets are encrypted at rest, keys are changed, and nothing is readable without its key', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'encryption-'));
  try {
    const stored = () => readFileSync(join(dataDir, 'data.mdb')).toString('latin1');
    const start = (...providers: string[]) => startTestApiServer({ dataDir, ...(providers.length > 0 && { configuration: configuration(...providers) }) });
    const key = { namespace: 'default', name: 's' };
    const value = async (...providers: string[]): Promise<string | undefined> => {
      await using api = await start(...providers);
      return (await api.admin.get(secrets, key)).data?.['password'];
    };
    let revision: string;
    {
      await using api = await start();
      ({ metadata: { resourceVersion: revision } } = await api.admin.create(secrets, { metadata: key, data: { password: 'aHVudGVyMg==' } }));
      await api.admin.create(configMaps, { metadata: { namespace: 'default', name: 'plain' }, data: { open: 'to all' } });
    }
    expect(stored()).toContain('aHVudGVyMg==');
    // A provider that reads what is there, one that writes anew: what was written before is written again at once, under its revision.
    for (const [providers, mark] of [
      [[provider('aesgcm', ['one', 1]), IDENTITY], 'k8s:enc:aesgcm:v1:one:'],
      [[provider('aesgcm', ['two', 2], ['one', 1])], 'k8s:enc:aesgcm:v1:two:'],
      [[provider('aescbc', ['three', 3]), provider('aesgcm', ['two', 2])], 'k8s:enc:aescbc:v1:three:'],
      [[provider('secretbox', ['four', 4]), provider('aescbc', ['three', 3])], 'k8s:enc:secretbox:v1:four:'],
      [[provider('secretbox', ['four', 4])], 'k8s:enc:secretbox:v1:four:'],
    ] as const) {
      expect(await value(...providers)).toBe('aHVudGVyMg==');
      expect(stored()).toContain(mark);
      expect(stored()).toContain('to all');
    }
    await expect(value(provider('secretbox', ['four', 5]))).rejects.toThrow('cannot decrypt /registry/core/secrets/default/s: the key four does not open it');
    await expect(value(provider('aesgcm', ['one', 1]))).rejects.toThrow('no key of the configuration has its name');
    await expect(value()).rejects.toThrow('cannot decrypt');
    {
      await using api = await start(IDENTITY, provider('secretbox', ['four', 4]));
      const secret = await api.admin.get(secrets, key);
      expect(secret.metadata.resourceVersion).toBe(revision);
    }
    expect(await value()).toBe('aHVudGVyMg==');
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});

test('when the key is changed while the server runs, a write that changes nothing writes anew, and then the old key may go', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'encryption-'));
  const [one, two] = [provider('aesgcm', ['one', 1]), provider('secretbox', ['two', 2])];
  const key = { namespace: 'default', name: 's' };
  try {
    {
      await using api = await startTestApiServer({ dataDir, configuration: configuration(one) });
      const made = await api.admin.create(secrets, { metadata: key, data: { password: 'aHVudGVyMg==' } });
      expect((await api.admin.update(secrets, made)).metadata.resourceVersion).toBe(made.metadata.resourceVersion);
      await api.server.configure(configuration(two, one));
      const rewritten = await api.admin.update(secrets, made);
      expect(Number(rewritten.metadata.resourceVersion)).toBeGreaterThan(Number(made.metadata.resourceVersion));
      expect((await api.admin.update(secrets, rewritten)).metadata.resourceVersion).toBe(rewritten.metadata.resourceVersion);
      expect(readFileSync(join(dataDir, 'data.mdb')).toString('latin1')).toContain('k8s:enc:secretbox:v1:two:');
    }
    await using api = await startTestApiServer({ dataDir, configuration: configuration(two) });
    expect((await api.admin.get(secrets, key)).data).toEqual({ password: 'aHVudGVyMg==' });
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});

const everything = (...resources: string[]) => readServerConfiguration(`apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources: [${resources.map((names, i) => `{ resources: [${names}], providers: [${provider('aesgcm', [`key${i}`, i])}] }`).join(', ')}]
`, 'test').encryption!;

test.each([
  [['secrets', '"*.*"'], 'core/secrets', 'key0'],
  [['secrets', '"*.*"'], 'core/configmaps', 'key1'],
  [['"*."', '"*.*"'], 'core/configmaps', 'key0'],
  [['"*."', '"*.*"'], 'apps/deployments', 'key1'],
  [['deployments.apps', '"*.apps"'], 'apps/deployments', 'key0'],
  [['deployments.apps', '"*.apps"'], 'apps/daemonsets', 'key1'],
  [['secrets', '"*.example.com"'], 'example.com/widgets', 'key1'],
  [['secrets', '"*.apps"'], 'core/configmaps', undefined],
  [['secrets.example.com'], 'core/secrets', undefined],
])('%j: %s is written with %s', (resources, place, key) => {
  const sealed = Buffer.from(new ValueEncryption(everything(...resources)).seal(Buffer.from('open'), `/registry/${place}/n/a`)).toString('latin1');
  if (key) expect(sealed.startsWith(`k8s:enc:aesgcm:v1:${key}:`)).toBe(true);
  else expect(sealed).toBe('open');
});

test.each([
  ['{ aesgcm: { keys: [{ name: a, secret: c2hvcnQ= }] } }', 'resources[0].providers[0].aesgcm.keys[0].secret: is 5 bytes long, and must be 16, or 24, or 32, in base64'],
  ['{ kms: {} }', 'resources[0].providers[0].kms.apiVersion: unsupported apiVersion for KMS provider, only v2 is supported'],
  ['{ kms: { apiVersion: v2, name: a, endpoint: /run/kms.sock } }', 'resources[0].providers[0].kms.endpoint: must be a unix socket'],
  ['{ aesgmc: {} }', 'resources[0].providers[0].aesgmc: unknown field; there are aesgcm, aescbc, secretbox, kms, identity'],
])('%s is refused', (text, message) => {
  expect(() => configuration(text)).toThrow(message);
});
