import { expect, test } from 'vitest';
import type { Job } from '../../api/generated/batch-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { formatIndexes, parseIndexes } from './index-set.ts';
import { failureAction, indexFailures, retryDelay } from './job-pods.ts';
import { planPods, viewJob } from './job-verdict.ts';

const now = Date.UTC(2026, 0, 1);
const job = (spec: object, status: object = {}): Job => ({
  apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'it', namespace: 'default', uid: 'it', resourceVersion: '1', creationTimestamp: '' }, spec: { backoffLimit: 2, completions: 3, parallelism: 2, template: {}, ...spec }, status,
});
let serial = 0;
function pod(phase: string, more: { index?: number; ago?: number; exit?: number; deleting?: boolean; condition?: string; failures?: number; tracked?: boolean } = {}): Pod {
  const { index, ago = 0, exit = phase === 'Failed' ? 1 : 0, deleting, condition, failures, tracked = true } = more;
  const finishedAt = new Date(now - ago * 1000).toISOString();
  const annotations = { ...(index !== undefined && { 'batch.kubernetes.io/job-completion-index': String(index) }), ...(failures !== undefined && { 'batch.kubernetes.io/job-index-failure-count': String(failures) }) };
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: { name: `p${serial}`, namespace: 'default', uid: `p${serial++}`, resourceVersion: '1', creationTimestamp: finishedAt, annotations, ...(tracked && { finalizers: ['batch.kubernetes.io/job-tracking'] }), ...(deleting && { deletionTimestamp: finishedAt }) },
    spec: { containers: [{ name: 'main' }] },
    status: {
      phase, ...(condition && { conditions: [{ type: condition, status: 'True' }] }),
      ...(phase === 'Failed' || phase === 'Succeeded' ? { containerStatuses: [{ name: 'main', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode: exit, finishedAt } } }] } : {}),
    },
  };
}

test.each<[string, object, object, Pod[], string | undefined]>([
  ['runs', {}, {}, [pod('Running')], undefined],
  ['has done enough', {}, { succeeded: 2 }, [pod('Succeeded')], 'CompletionsReached'],
  ['has done enough but one still runs', {}, { succeeded: 2 }, [pod('Succeeded'), pod('Running')], undefined],
  ['of any number is done when one has succeeded and none runs', { completions: undefined }, {}, [pod('Succeeded')], 'CompletionsReached'],
  ['has failed too often', {}, { failed: 2 }, [pod('Failed')], 'BackoffLimitExceeded'],
  ['has counted that failure already', {}, { failed: 2 }, [pod('Failed', { tracked: false })], undefined],
  ['has run too long', { activeDeadlineSeconds: 60 }, { startTime: '2025-12-31T23:58:00Z' }, [pod('Running')], 'DeadlineExceeded'],
  ['gives up by its policy', { podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] } }, {}, [pod('Failed', { exit: 42 })], 'PodFailurePolicy'],
  ['ignores a disruption by its policy', { backoffLimit: 0, podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] } }, {}, [pod('Failed', { condition: 'DisruptionTarget' })], undefined],
  ['has succeeded by its policy', { completionMode: 'Indexed', completions: 5, successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 1 }] } }, {}, [pod('Succeeded', { index: 1 })], 'SuccessPolicy'],
  ['has too many failed indexes', { completionMode: 'Indexed', backoffLimit: 99, backoffLimitPerIndex: 0, maxFailedIndexes: 1 }, {}, [pod('Failed', { index: 0 }), pod('Failed', { index: 1 })], 'MaxFailedIndexesExceeded'],
  ['keeps to its verdict', {}, { conditions: [{ type: 'FailureTarget', status: 'True', reason: 'Earlier' }] }, [pod('Succeeded'), pod('Succeeded'), pod('Succeeded')], 'Earlier'],
])('a job that %s', (_, spec, status, pods, reason) => {
  expect(viewJob(job(spec, status), pods, now).outcome?.reason).toBe(reason);
});

test.each<[string, object, object, Pod[], { create?: (number | undefined)[]; drop?: number; waitMs?: number }]>([
  ['as many as may run at once', {}, {}, [], { create: [undefined, undefined] }],
  ['no more than are still needed', {}, { succeeded: 2 }, [], { create: [undefined] }],
  ['none while as many run', {}, {}, [pod('Running'), pod('Pending')], {}],
  ['none for a while after a failure', {}, {}, [pod('Failed', { ago: 4 })], { waitMs: 6000 }],
  ['again after that while', {}, {}, [pod('Failed', { ago: 11 })], { create: [undefined, undefined] }],
  ['fewer when told so', { parallelism: 1 }, {}, [pod('Running'), pod('Running')], { drop: 1 }],
  ['none while suspended', { suspend: true }, {}, [pod('Running')], { drop: 1 }],
  ['the free indexes', { completionMode: 'Indexed', parallelism: 3 }, { completedIndexes: '0' }, [pod('Running', { index: 1 })], { create: [2] }],
  ['none twice of an index', { completionMode: 'Indexed' }, {}, [pod('Running', { index: 1 }), pod('Running', { index: 1 })], { drop: 1 }],
  ['an index with its own back-off later', { completionMode: 'Indexed', completions: 2, backoffLimitPerIndex: 5 }, {}, [pod('Failed', { index: 0, ago: 1, failures: 0 })], { create: [1], waitMs: 9000 }],
  ['not in place of one that is still ending, with that policy', { podReplacementPolicy: 'Failed', parallelism: 1 }, {}, [pod('Running', { deleting: true })], {}],
])('pods: %s', (_, spec, status, pods, { create = [], drop = 0, waitMs }) => {
  const it = job(spec, status);
  const plan = planPods(it, viewJob(it, pods, now), pods, now);
  expect([plan.create.map(({ index }) => index), plan.drop.length, plan.waitMs]).toEqual([create, drop, waitMs]);
});

test.each([[1, 10], [2, 20], [3, 40], [12, 600]])('after %i failures in a row the wait is %i s', (failures, seconds) => {
  expect(retryDelay(job({}), Array.from({ length: failures }, () => pod('Failed')), now)).toBe(seconds * 1000);
});

test('failures that the policy ignores make the next attempt wait as well, and are told to the next pod of the index', () => {
  const spec = { completionMode: 'Indexed', completions: 1, backoffLimitPerIndex: 1, podFailurePolicy: { rules: [{ action: 'Ignore', onExitCodes: { operator: 'In', values: [3] } }] } };
  const ignored = pod('Failed', { index: 0, exit: 3, failures: 1 });
  expect(retryDelay(job(spec), [ignored], now)).toBe(10_000);
  expect(indexFailures(job(spec).spec, ignored)).toEqual({ counted: 1, ignored: 1 });
  expect(indexFailures(job(spec).spec, pod('Failed', { index: 0, exit: 1, failures: 1 }))).toEqual({ counted: 2, ignored: 0 });
});

test('a failure policy says which container and which rule', () => {
  const spec = job({ podFailurePolicy: { rules: [{ action: 'Count', onExitCodes: { operator: 'In', values: [1] } }, { action: 'FailJob', onExitCodes: { containerName: 'main', operator: 'NotIn', values: [0] } }] } }).spec;
  expect(failureAction(spec, pod('Failed', { exit: 1 })).action).toBe('Count');
  const verdict = failureAction(spec, pod('Failed', { exit: 7 }));
  expect([verdict.action, verdict.message]).toEqual(['FailJob', expect.stringMatching(/^Container main for pod default\/p\d+ failed with exit code 7 matching FailJob rule at index 1$/)]);
});

test.each([[[], ''], [[3], '3'], [[0, 1], '0,1'], [[0, 1, 2], '0-2'], [[7, 0, 2, 3, 4, 8], '0,2-4,7,8']])('the indexes %j are written %s', (indexes, text) => {
  expect(formatIndexes(indexes)).toBe(text);
  expect(parseIndexes(text)).toEqual(indexes.toSorted((a, b) => a - b));
});
