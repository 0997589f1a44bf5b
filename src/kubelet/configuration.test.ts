import { expect, test } from 'vitest';
import { defaultConfiguration, parseConfiguration, withinGrace } from './configuration.ts';

const head = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n';

test('settings go over others, in the words of upstream', async () => {
  const read = await parseConfiguration(`${head}evictionHard: {memory.available: 200Mi}
evictionSoft: {nodefs.available: 20%}
evictionSoftGracePeriod: {nodefs.available: 1m30s}
evictionPressureTransitionPeriod: 10s
imageGCHighThresholdPercent: 50
imageGCLowThresholdPercent: 40
imageMaximumGCAge: 48h
maxPods: 7
nodeLeaseDurationSeconds: 60
shutdownGracePeriod: 30s
shutdownGracePeriodCriticalPods: 10s
`);
  expect(read).toMatchObject({
    thresholds: [{ signal: 'memory.available', amount: 200 * 2 ** 20, graceMs: 0 }, { signal: 'nodefs.available', share: 0.2, graceMs: 90_000 }], pressureTransitionMs: 10_000,
    images: { highPercent: 50, lowPercent: 40, minAgeMs: 120_000, maxAgeMs: 48 * 3600_000 }, maxPods: 7, leaseSeconds: 60, shutdown: [{ priority: 0, graceSeconds: 20 }, { priority: 2_000_000_000, graceSeconds: 10 }],
  });
  expect(await parseConfiguration(head)).toEqual(defaultConfiguration);
});

test('a node shows itself more often where its cluster has less patience', () => {
  expect([undefined, 600, 10].map((grace) => withinGrace(defaultConfiguration, grace).leaseSeconds)).toEqual([40, 40, 10]);
});

test.each([
  ['something: else', /KubeletConfiguration/], [`${head}cpuManagerPolicy: static`, /the field cpuManagerPolicy cannot be set/], [`${head}evictionSoft: {memory.available: 1Gi}`, /evictionSoftGracePeriod is missing/],
  [`${head}imageGCLowThresholdPercent: 90`, /must be less than/],
])('refuses %j', async (text, message) => {
  await expect(parseConfiguration(text)).rejects.toThrow(message);
});
