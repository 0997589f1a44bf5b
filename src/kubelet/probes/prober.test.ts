import { expect, test } from 'vitest';
import type { Container, Pod } from '../../api/generated/core-v1.ts';
import { RuntimeError, type CriRuntime } from '../../cri/runtime.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import type { ProbeNetwork } from './probe-network.ts';
import { ProbeCounts } from './probe-counts.ts';
import { ContainerProber } from './prober.ts';

type Answer = boolean | 'error';

/** A prober whose n-th try gets the n-th answer, the last one for ever after. */
function proberOf(container: Partial<Container>, answers: Answer[]) {
  const clock = new FakeClock(0);
  const events: string[] = [];
  let tries = 0;
  const answer = (): Answer => answers[Math.min(tries++, answers.length - 1)]!;
  const network = {
    http: async () => ({ status: answer() ? 200 : 500, headers: {}, body: '' }),
  } as unknown as ProbeNetwork;
  const runtime = {
    execSync: async () => {
      const next = answer();
      if (next === 'error') throw new RuntimeError('Unknown', 'no such program');
      return { stdout: Buffer.from('said'), stderr: Buffer.alloc(0), exitCode: next ? 0 : 1 };
    },
  } as unknown as CriRuntime;
  const counts = new ProbeCounts();
  const prober = new ContainerProber(
    { pod: {} as Pod, container: { name: 'main', ...container }, containerId: 'c', podIp: '10.0.0.2', startedMs: 0 },
    { runtime, network, clock, changed: () => events.push('changed'), count: ({ name: of }, kind, result) => counts.add({ probe_type: kind, result, container: of, pod: 'p', namespace: 'n', pod_uid: 'u' }), event: (_, type, reason, message) => events.push(`${type} ${reason}: ${message}`) },
  );
  return { prober, clock, events, counts, tries: () => tries };
}

const http = { httpGet: { port: 80 }, periodSeconds: 5 };
const exec = { exec: { command: ['check'] }, periodSeconds: 5 };

test('without probes a running container is started and ready', () => {
  expect(proberOf({}, [true]).prober).toMatchObject({ started: true, ready: true, livenessFailed: false });
});

test('readiness follows its thresholds both ways', async () => {
  const { prober, clock, events } = proberOf({ readinessProbe: { ...http, initialDelaySeconds: 10, successThreshold: 2, failureThreshold: 2 } }, [true, true, false, false, true]);
  await clock.advance(9_999);
  expect(events).toEqual([]);
  await clock.advance(1);
  expect(prober.ready).toBe(false);
  await clock.advance(5000);
  expect(prober.ready).toBe(true);
  await clock.advance(5000);
  expect(prober.ready).toBe(true);
  await clock.advance(5000);
  expect(prober.ready).toBe(false);
  expect(events.filter((e) => e !== 'changed')).toEqual(Array(2).fill('Warning Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 500'));
});

test('liveness fails after so many failures in a row, and is not asked again', async () => {
  const { prober, clock, tries } = proberOf({ livenessProbe: exec }, [false, false, true, false]);
  await clock.advance(20_000);
  expect(prober.livenessFailed).toBe(false);
  await clock.advance(60_000);
  expect(prober.livenessFailed).toBe(true);
  expect(tries()).toBe(6);
});

test('the other probes wait for the startup probe', async () => {
  const { prober, clock } = proberOf({ startupProbe: { ...exec, failureThreshold: 10 }, livenessProbe: exec, readinessProbe: exec }, [false, false, true]);
  expect(prober).toMatchObject({ started: false, ready: false });
  await clock.advance(5000);
  expect(prober).toMatchObject({ started: false, ready: false, livenessFailed: false });
  await clock.advance(5000);
  expect(prober).toMatchObject({ started: true, ready: true });
});

test('a probe that could not be tried says nothing', async () => {
  const { prober, clock, events } = proberOf({ livenessProbe: exec }, ['error']);
  await clock.advance(60_000);
  expect(prober.livenessFailed).toBe(false);
  expect(events[0]).toBe('Warning Unhealthy: Liveness probe errored and resulted in unknown state: rpc error: code = Unknown desc = no such program');
});

test('nothing is tried after the end', async () => {
  const { prober, clock, tries } = proberOf({ livenessProbe: exec, readinessProbe: http }, [true]);
  await clock.advance(5000);
  const before = tries();
  prober[Symbol.dispose]();
  await clock.advance(60_000);
  expect(tries()).toBe(before);
  expect(clock.pending).toBe(0);
});

test('probes are counted by how they ended, until their pod is gone', async () => {
  const { prober, clock, counts } = proberOf({ livenessProbe: exec }, [true, true, false, 'error']);
  using _ = prober;
  for (let i = 0; i < 3; i++) await clock.advance(5000);
  expect([...counts.rows()].map(([{ probe_type, result, container, pod_uid }, count]) => [probe_type, result, container, pod_uid, count])).toEqual([
    ['Liveness', 'successful', 'main', 'u', 2], ['Liveness', 'failed', 'main', 'u', 1], ['Liveness', 'unknown', 'main', 'u', 1],
  ]);
  counts.forget('u');
  expect([...counts.rows()]).toEqual([]);
});
