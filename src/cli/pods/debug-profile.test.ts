import { describe, expect, test } from 'vitest';
import type { Container, Pod } from '../../api/generated/core-v1.ts';
import { withCustomContainer, withProfile, type DebugProfile, type DebugStyle } from './debug-profile.ts';

const probe = { httpGet: { path: '/', port: 80 } };
const pod = {
  metadata: { name: 'p', labels: { app: 'web' }, annotations: { a: 'b' } },
  spec: { initContainers: [{ name: 'init', image: 'i' }], containers: [{ name: 'web', image: 'w', livenessProbe: probe, readinessProbe: probe, startupProbe: probe }, { name: 'debugger', image: 'd' }] },
} as unknown as Pod;
const nothing = { labels: false, annotations: false, liveness: false, readiness: false, startup: false, initContainers: true };

const debugger_ = (made: Pick<Pod, 'spec'>): Container => made.spec.containers.find(({ name }) => name === 'debugger')!;

describe('profiles', () => {
  test.each([
    ['legacy', 'copy', undefined], ['general', 'ephemeral', { capabilities: { add: ['SYS_PTRACE'] } }], ['general', 'node', undefined], ['baseline', 'copy', undefined],
    ['netadmin', 'node', { capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } }], ['sysadmin', 'copy', { privileged: true }],
    ['restricted', 'copy', { runAsNonRoot: true, capabilities: { drop: ['ALL'] }, allowPrivilegeEscalation: false, seccompProfile: { type: 'RuntimeDefault' } }],
  ] as [DebugProfile, DebugStyle, unknown][])('%s, %s', (profile, style, security) => {
    expect(debugger_(withProfile(pod, 'debugger', profile, style, nothing)).securityContext).toEqual(security);
  });

  test.each([['general', true, true], ['sysadmin', true, true], ['netadmin', false, true], ['baseline', false, false], ['restricted', false, false]] as [DebugProfile, boolean, boolean][])(
    'on a node, %s: its files %s, its namespaces %s', (profile, files, namespaces) => {
      const { spec } = withProfile(pod, 'debugger', profile, 'node', nothing);
      expect(spec.volumes?.some(({ name }) => name === 'host-root') ?? false).toBe(files);
      expect(debugger_({ spec }).volumeMounts?.[0]?.mountPath === '/host').toBe(files);
      expect([spec.hostNetwork, spec.hostPID, spec.hostIPC]).toEqual(Array(3).fill(namespaces || undefined));
    });
});

describe('a copy', () => {
  test('loses labels, annotations and probes, and shares processes', () => {
    const { metadata, spec } = withProfile(pod, 'debugger', 'general', 'copy', nothing);
    expect(metadata).toEqual({ name: 'p' });
    expect(spec.containers[0]).toEqual({ name: 'web', image: 'w' });
    expect(spec.initContainers).toHaveLength(1);
    expect(spec.shareProcessNamespace).toBe(true);
  });

  test('keeps what is asked for', () => {
    const { metadata, spec } = withProfile(pod, 'debugger', 'general', 'copy', { labels: true, annotations: true, liveness: true, readiness: false, startup: true, initContainers: false });
    expect(metadata).toEqual(pod.metadata);
    expect(Object.keys(spec.containers[0]!)).toEqual(['name', 'image', 'livenessProbe', 'startupProbe']);
    expect(spec.initContainers).toBeUndefined();
  });

  test('of the legacy profile loses its labels only', () => {
    const { metadata, spec } = withProfile(pod, 'debugger', 'legacy', 'copy', nothing);
    expect(metadata).toEqual({ name: 'p', annotations: { a: 'b' } });
    expect(spec).toEqual(pod.spec);
  });
});

test('a custom spec is laid over the debug container, but may not replace it', () => {
  const made = withCustomContainer(pod, 'debugger', { env: [{ name: 'A', value: 'b' }], securityContext: { runAsUser: 5 } });
  expect(debugger_(made)).toMatchObject({ image: 'd', env: [{ name: 'A', value: 'b' }], securityContext: { runAsUser: 5 } });
  expect(() => withCustomContainer(pod, 'debugger', { image: 'x' })).toThrow('are not modifiable via custom profile');
});
