import { describe, expect, it } from 'vitest';
import { podsToDrain } from './drain-filters.ts';

const pod = (name: string, more: { owner?: string; phase?: string; emptyDir?: boolean; mirror?: boolean } = {}): never => ({
  apiVersion: 'v1', kind: 'Pod',
  metadata: { name, namespace: 'd', ...(more.owner && { ownerReferences: [{ controller: true, kind: more.owner, name: 'o' }] }), ...(more.mirror && { annotations: { 'kubernetes.io/config.mirror': '' } }) },
  spec: { containers: [], ...(more.emptyDir && { volumes: [{ name: 'v', emptyDir: {} }] }) }, status: { phase: more.phase ?? 'Running' },
}) as never;

const plain = { force: false, ignoreDaemonSets: false, deleteEmptyDirData: false, skipDeletedForSeconds: 0, nowMs: 0, liveDaemonSets: new Set(['d/o']) };

describe('podsToDrain', () => {
  it.each([
    ['a controlled pod goes', [pod('a', { owner: 'ReplicaSet' })], plain, ['a'], [], ''],
    ['a bare pod needs force', [pod('a')], plain, [], ['cannot delete Pods that declare no controller (use --force to override): d/a'], ''],
    ['a bare pod goes with force', [pod('a')], { ...plain, force: true }, ['a'], [], 'deleting Pods that declare no controller: d/a'],
    ['a finished bare pod goes', [pod('a', { phase: 'Succeeded' })], plain, ['a'], [], ''],
    ['daemon pods forbid', [pod('a', { owner: 'DaemonSet' }), pod('b', { owner: 'DaemonSet' })], plain, [], ['cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): d/a, d/b'], ''],
    ['daemon pods stay', [pod('a', { owner: 'DaemonSet' })], { ...plain, ignoreDaemonSets: true }, [], [], 'ignoring DaemonSet-managed Pods: d/a'],
    ['local data forbids', [pod('a', { owner: 'ReplicaSet', emptyDir: true })], plain, [], ['cannot delete Pods with local storage (use --delete-emptydir-data to override): d/a'], ''],
    ['mirror pods stay', [pod('a', { mirror: true })], plain, [], [], ''],
  ] as const)('%s', (_name, pods, options, goes, errors, warnings) => {
    const result = podsToDrain(pods as never, options as never);
    expect([result.pods.map(({ metadata }) => metadata.name), result.errors, result.warnings]).toEqual([goes, errors, warnings]);
  });
});
