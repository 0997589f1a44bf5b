import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { adoptServerConfiguration, followServerConfigurationFile, readServerConfigurationFile } from './server-configuration-file.ts';

test('what configures the API server is checked, kept, and taken away', () => {
  const folder = mkdtempSync(join(tmpdir(), 'configuration-'));
  try {
    const [given, kept] = [join(folder, 'given.yaml'), join(folder, 'kept.yaml')];
    expect(readServerConfigurationFile(kept)).toEqual({});
    expect(() => adoptServerConfiguration(given, kept)).toThrow(`there is no file ${given}`);
    writeFileSync(given, 'kind: Policy\napiVersion: audit.k8s.io/v1\nrules: []\n');
    expect(() => adoptServerConfiguration(given, kept)).toThrow(`${given} (Policy): rules: a policy without rules writes nothing down`);
    expect(readServerConfigurationFile(kept)).toEqual({});
    const good = 'kind: Policy\napiVersion: audit.k8s.io/v1\nrules: [{ level: Metadata }]\n';
    writeFileSync(given, good);
    expect(adoptServerConfiguration(given, kept)).toBe(true);
    expect(adoptServerConfiguration(given, kept)).toBe(false);
    expect(readFileSync(kept, 'utf8')).toBe(good);
    expect(statSync(kept).mode & 0o777).toBe(0o600);
    expect(readServerConfigurationFile(kept).audit?.rules).toHaveLength(1);
    expect(adoptServerConfiguration('none', kept)).toBe(true);
    expect(adoptServerConfiguration('none', kept)).toBe(false);
    expect(readServerConfigurationFile(kept)).toEqual({});
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('changes of the file are told as long as they can be read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'configuration-'));
  try {
    const [given, kept] = [join(folder, 'given.yaml'), join(folder, 'kept.yaml')];
    const told: unknown[] = [];
    const faults: string[] = [];
    using _ = followServerConfigurationFile(kept, {
      clock: systemClock, log: { ...silentLog, error: (_text, fields) => void faults.push(String(fields!['error'])) },
      configure: async ({ authentication }) => void told.push(authentication?.anonymous?.enabled),
    });
    const write = (text: string): void => writeFileSync(kept, `apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n${text}\n`);
    write('anonymous: { enabled: false }');
    await expect.poll(() => told, { timeout: 10_000 }).toEqual([false]);
    writeFileSync(given, 'of no interest');
    write('anonymous: { enabled: maybe }');
    await expect.poll(() => faults, { timeout: 10_000 }).toEqual([expect.stringContaining('anonymous.enabled: must be true or false')]);
    expect(adoptServerConfiguration('none', kept)).toBe(true);
    await expect.poll(() => told, { timeout: 10_000 }).toEqual([false, undefined]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
