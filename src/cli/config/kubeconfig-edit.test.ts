import { expect, it } from 'vitest';
import { setProperty, type EditableKubeconfig } from './kubeconfig-edit.ts';

it.each([
  ['current-context', 'b', (config: EditableKubeconfig) => config['current-context'], 'b'],
  ['clusters.a.b.server', 'https://x', (config: EditableKubeconfig) => config.clusters![0]!.cluster['server'], 'https://x'],
  ['clusters.new.insecure-skip-tls-verify', 'true', (config: EditableKubeconfig) => config.clusters![1]!.cluster['insecure-skip-tls-verify'], true],
  ['users.u.token', undefined, (config: EditableKubeconfig) => 'token' in config.users![0]!.user, false],
  ['users.u', undefined, (config: EditableKubeconfig) => config.users!.length, 0],
] as const)('%s = %s', (property, value, read, expected) => {
  const config: EditableKubeconfig = { 'current-context': 'a', clusters: [{ name: 'a.b', cluster: {} }], users: [{ name: 'u', user: { token: 't' } }] };
  setProperty(config, property, value);
  expect(read(config)).toBe(expected);
});
