import { expect, test } from 'vitest';
import type { Job } from '../../api/generated/batch-v1.ts';
import { MetricRegistry } from '../../base/metrics.ts';
import { JobMetrics } from './job-metrics.ts';

test.each([
  [undefined, 0, 0, 'new'],
  ['TerminatingOrFailed', 1, 0, 'recreate_terminating_or_failed'],
  ['TerminatingOrFailed', 0, 1, 'recreate_terminating_or_failed'],
  ['Failed', 1, 1, 'recreate_failed'],
  ['Failed', 0, 1, 'recreate_terminating_or_failed'],
])('why a pod is made: replaced when %s, %i failed, %i on their way out', (podReplacementPolicy, failed, terminating, reason) => {
  const registry = new MetricRegistry();
  new JobMetrics(registry).podCreated({ spec: { podReplacementPolicy } } as Job, 'succeeded', { failed, terminating });
  expect(registry.text()).toContain(`job_controller_job_pods_creation_total{reason="${reason}",status="succeeded"} 1\n`);
});
