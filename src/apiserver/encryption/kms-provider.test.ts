import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials, status, type sendUnaryData, type ServerUnaryCall, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { secrets } from '../../api/generated/resources.ts';
import { startTestApiServer } from '../../testing/api-server.ts';
import { readServerConfiguration } from '../configuration/server-configuration.ts';
import { keyManagementService } from './kms-protocol.ts';

/** A plugin with keys of its own, of which one is in use. */
async function startPlugin(socket: string) {
  const keys = new Map<string, Buffer>([['one', randomBytes(32)]]);
  const state = { current: 'one', healthz: 'ok', calls: [] as string[] };
  const unary = (name: string, answer: (request: any) => object) => (call: ServerUnaryCall<any, any>, done: sendUnaryData<any>): void => {
    state.calls.push(name);
    try {
      done(null, answer(call.request));
    } catch (error) {
      done({ code: status.INTERNAL, details: (error as Error).message });
    }
  };
  const server = new Server();
  server.addService(keyManagementService as never, {
    Status: unary('Status', () => ({ version: 'v2', healthz: state.healthz, keyId: state.current })),
    Encrypt: unary('Encrypt', ({ plaintext }) => {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', keys.get(state.current)!, nonce);
      return { ciphertext: Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]), keyId: state.current, annotations: { 'plugin.example.com': Buffer.from('x') } };
    }),
    Decrypt: unary('Decrypt', ({ ciphertext, keyId, annotations }) => {
      if (!keys.has(keyId) || annotations['plugin.example.com'].toString() !== 'x') throw new Error(`no key ${keyId}`);
      const decipher = createDecipheriv('aes-256-gcm', keys.get(keyId)!, ciphertext.subarray(0, 12));
      decipher.setAuthTag(ciphertext.subarray(-16));
      return { plaintext: Buffer.concat([decipher.update(ciphertext.subarray(12, -16)), decipher.final()]) };
    }),
  } as UntypedServiceImplementation);
  await new Promise<void>((resolve, reject) => server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())));
  return { keys, state, [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.tryShutdown(() => resolve())) };
}

test('a plugin keeps the keys that secrets are encrypted with', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kms-'));
  try {
    const configuration = readServerConfiguration(`
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - kms: { apiVersion: v2, name: vault, endpoint: 'unix://${join(folder, 'kms.sock')}', timeout: 5s }
  - identity: {}
`, 'test');
    const dataDir = join(folder, 'data');
    const stored = () => readFileSync(join(dataDir, 'data.mdb')).toString('latin1');
    const start = () => startTestApiServer({ dataDir, configuration });
    await expect(start()).rejects.toThrow('cannot use the KMS plugin vault');
    await using plugin = await startPlugin(join(folder, 'kms.sock'));
    const { state, keys } = plugin;
    const key = (name: string) => ({ namespace: 'default', name });
    const value = async (api: Awaited<ReturnType<typeof start>>, name: string) => (await api.admin.get(secrets, key(name))).data?.['password'];
    {
      await using api = await start();
      for (const name of ['a', 'b', 'c']) await api.admin.create(secrets, { metadata: key(name), data: { password: 'aHVudGVyMg==' } });
    }
    expect(stored()).toContain('k8s:enc:kms:v2:vault:');
    expect(stored()).not.toContain('aHVudGVyMg==');
    // One source for all values: the plugin hears of none of them.
    expect(state.calls).toEqual(['Status', 'Encrypt']);
    state.calls.length = 0;
    {
      await using api = await start();
      expect(await value(api, 'b')).toBe('aHVudGVyMg==');
      await api.admin.create(secrets, { metadata: key('d'), data: { password: 'aHVudGVyMg==' } });
    }
    expect(state.calls).toEqual(['Status', 'Encrypt', 'Decrypt']);
    // With another key all is written again at the next start, so that the old one may go.
    keys.set('two', randomBytes(32));
    state.current = 'two';
    for (const name of ['a', 'd']) {
      await using api = await start();
      expect(await value(api, name)).toBe('aHVudGVyMg==');
    }
    keys.delete('one');
    {
      await using api = await start();
      expect(await value(api, 'c')).toBe('aHVudGVyMg==');
    }
    state.healthz = 'sealed';
    await expect(start()).rejects.toThrow('the plugin is not well: sealed');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
