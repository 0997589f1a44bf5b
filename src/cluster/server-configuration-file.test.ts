import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { adoptServerConfiguration, readServerConfigurationFile } from './server-configuration-file.ts';

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
