import { expect, test } from 'vitest';
import type { ContainerStatus } from '../api/generated/core-v1.ts';
import { KubeletMetrics } from './kubelet-metrics.ts';

const running = { name: 'c', state: { running: {} } } as unknown as ContainerStatus;
const ended = { name: 'c', state: { terminated: { exitCode: 139, reason: 'Error' } } } as unknown as ContainerStatus;

test('an end is counted once, when the status first tells of it', () => {
  const metrics = new KubeletMetrics('n');
  metrics.statusChanged({}, { containerStatuses: [running] });
  expect(metrics.text()).not.toContain('exit_code');
  metrics.statusChanged({ containerStatuses: [running] }, { containerStatuses: [ended] });
  metrics.statusChanged({ containerStatuses: [ended] }, { containerStatuses: [{ ...ended }] });
  metrics.statusChanged({}, { initContainerStatuses: [ended] });
  expect(metrics.text()).toContain('kubelet_terminated_containers_total{container_type="container",exit_code="139",reason="Error"} 1\n');
  expect(metrics.text()).toContain('kubelet_terminated_containers_total{container_type="init_container",exit_code="139",reason="Error"} 1\n');
});

test.each([['OutOfcpu', 'OutOfcpu'], ['OutOfexample.com/gpu', 'OutOfExtendedResources'], ['SupplementalGroupsPolicyNotSupported', 'SupplementalGroupsPolicyNotSupported'], ['Terminated', 'Other']])('a rejection for %s counts as %s', (reason, counted) => {
  const metrics = new KubeletMetrics('n');
  metrics.rejected(reason);
  expect(metrics.text()).toContain(`kubelet_admission_rejections_total{reason="${counted}"} 1\n`);
});
