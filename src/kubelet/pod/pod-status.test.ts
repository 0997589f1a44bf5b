import { describe, expect, test } from 'vitest';
import type { Pod, PodStatus } from '../../api/generated/core-v1.ts';
import type { ObservedContainer } from './observation.ts';
import { podStatus, type PodStatusInput } from './pod-status.ts';

const pod = (more: object = {}): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'd', uid: 'u', resourceVersion: '1', creationTimestamp: '', generation: 2 },
  spec: { restartPolicy: 'Always', containers: [{ name: 'app', image: 'busybox:1' }], ...more },
});
const container = (more: Partial<ObservedContainer>): ObservedContainer => ({
  id: 'c1', name: 'app', sandboxId: 's', restartCount: 0, state: 'running', createdMs: 1, startedMs: 1000, finishedMs: 0, exitCode: 0, reason: '', message: '', image: 'docker.io/library/busybox:1',
  imageRef: 'sha256:x', hash: '', logPath: '', ...more,
});
const compute = (more: Partial<PodStatusInput>, containers: readonly ObservedContainer[] = []): PodStatus => podStatus({
  pod: pod(), observation: { containers, sandboxes: [{ id: 's', attempt: 0, ready: true, ips: ['10.0.0.2'], createdMs: 1, hostNetwork: false }] }, previous: {}, waiting: new Map(),
  probe: () => ({ started: true, ready: true }), terminating: false, hostIps: ['10.1.0.1'], nowMs: Date.UTC(2026, 0, 1), ...more,
});
const state = (status: PodStatus): unknown => status.containerStatuses![0]!.state;

describe('the status of a pod', () => {
  test('before anything runs', () => {
    const status = compute({});
    expect(status).toMatchObject({ phase: 'Pending', observedGeneration: 2, hostIP: '10.1.0.1', podIP: '10.0.0.2', startTime: '2026-01-01T00:00:00Z', qosClass: 'BestEffort' });
    expect(state(status)).toEqual({ waiting: { reason: 'ContainerCreating' } });
    expect(state(compute({ pod: pod({ initContainers: [{ name: 'init' }] }) }))).toEqual({ waiting: { reason: 'PodInitializing' } });
  });

  test('an unready container keeps the pod from being ready', () => {
    const status = compute({ probe: () => ({ started: true, ready: false }) }, [container({})]);
    expect(status.phase).toBe('Running');
    expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False', reason: 'ContainersNotReady', message: 'containers with unready status: [app]' }));
  });

  test('so does a readiness gate that nobody opened', () => {
    const gated = pod({ readinessGates: [{ conditionType: 'example.com/gate' }] });
    expect(compute({ pod: gated }, [container({})]).conditions).toContainEqual(expect.objectContaining({
      type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: 'corresponding condition of pod readiness gate "example.com/gate" does not exist.',
    }));
    const open = compute({ pod: gated, previous: { conditions: [{ type: 'example.com/gate', status: 'True' }] } }, [container({})]);
    expect(open.conditions!.map((c) => `${c.type}=${c.status}`)).toEqual(['example.com/gate=True', 'PodReadyToStartContainers=True', 'Initialized=True', 'Ready=True', 'ContainersReady=True', 'PodScheduled=True']);
  });

  test('a crashed container waits, its end moves to its last state', () => {
    const ended = container({ state: 'exited', exitCode: 3, reason: 'Error', finishedMs: 2000 });
    const status = compute({ waiting: new Map([['app', { reason: 'CrashLoopBackOff', message: 'back-off' }]]) }, [ended]);
    expect(status.phase).toBe('Running');
    expect(status.containerStatuses![0]).toMatchObject({ state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 3, finishedAt: '1970-01-01T00:00:02Z' } }, ready: false });
  });

  test('a container that vanished from the runtime counts as ended', () => {
    const before = compute({}, [container({})]);
    const status = compute({ previous: before });
    expect(status.phase).toBe('Running');
    expect(status.containerStatuses![0]).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } } });
  });

  test('an ended pod keeps its address and its phase', () => {
    const never = pod({ restartPolicy: 'Never' });
    const ended = [container({ state: 'exited', exitCode: 0, reason: 'Completed' })];
    const done = compute({ pod: never }, ended);
    expect(done.phase).toBe('Succeeded');
    const later = compute({ pod: never, previous: done, terminating: true, observation: { containers: [], sandboxes: [] } });
    expect(later).toMatchObject({ phase: 'Succeeded', podIP: '10.0.0.2', containerStatuses: [{ state: { terminated: { exitCode: 0 } } }] });
    expect(later.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False', reason: 'PodCompleted' }));
  });

  test('an evicted pod has failed only when nothing of it runs', () => {
    const failure = { reason: 'Evicted', message: 'full', disruption: { reason: 'TerminationByKubelet', message: 'full' } };
    const running = compute({ failure, terminating: true, previous: { phase: 'Running' } }, [container({})]);
    expect(running.phase).toBe('Running');
    const ended = compute({ failure, terminating: true, previous: running }, [container({ state: 'exited', exitCode: 137 })]);
    expect(ended).toMatchObject({ phase: 'Failed', reason: 'Evicted', message: 'full' });
    expect(ended.conditions).toContainEqual(expect.objectContaining({ type: 'DisruptionTarget', status: 'True' }));
  });
});
