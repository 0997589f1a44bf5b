import { expect, test } from 'vitest';
import { notFound } from '../api/errors.ts';
import type { Event } from '../api/generated/core-v1.ts';
import { silentLog } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import type { Client } from './client.ts';
import { createEventRecorder } from './event-recorder.ts';

const about = { kind: 'Pod', apiVersion: 'v1', namespace: 'default', name: 'web', uid: 'u' };

function setUp(isBusy = () => false) {
  const clock = new FakeClock();
  const sent: string[] = [];
  let fault: Error | undefined;
  const guard = async (): Promise<void> => {
    await Promise.resolve();
    if (fault) {
      const thrown = fault;
      fault = undefined;
      throw thrown;
    }
  };
  const client = {
    async create(_: unknown, event: Event) {
      await guard();
      sent.push(`create ${event.count} ${event.message}`);
      expect(event.metadata.name).toMatch(/^web\.[0-9a-f]{14,}$/);
      expect(event).toMatchObject({ involvedObject: about, source: { component: 'tester', host: 'n1' }, reportingComponent: 'tester', type: 'Normal' });
    },
    async patch(_: unknown, key: { name: string }, patch: { body: { count: number; message: string } }) {
      await guard();
      sent.push(`patch ${patch.body.count} ${patch.body.message}`);
    },
  };
  const recorder = createEventRecorder({ client: client as unknown as Client, clock, random: seededRandom(1), log: silentLog, component: 'tester', host: 'n1', isBusy });
  return { clock, sent, recorder, failOnce: (error: Error) => void (fault = error) };
}

test('the same thing said again raises a count, and waits for the creation', async () => {
  const { sent, recorder } = setUp();
  for (let i = 0; i < 4; i++) recorder.event(about, 'Normal', 'Pulled', 'pulled it');
  recorder.event(about, 'Normal', 'Pulled', 'pulled another');
  await recorder.flush();
  expect(sent.filter((s) => s.endsWith('pulled it'))).toEqual(['create 1 pulled it', 'patch 4 pulled it']);
  expect(sent).toContain('create 1 pulled another');
});

test('many messages of one reason become one event; too many are dropped until the budget refills', async () => {
  const { clock, sent, recorder } = setUp();
  for (let i = 0; i < 40; i++) {
    recorder.event(about, 'Normal', 'Pulled', `image ${i}`);
    await recorder.flush();
  }
  expect(sent.slice(8, 12)).toEqual(['create 1 image 8', 'create 1 (combined from similar events): image 9', 'patch 2 (combined from similar events): image 10', 'patch 3 (combined from similar events): image 11']);
  expect(sent).toHaveLength(25);
  await clock.advance(300_000);
  recorder.event(about, 'Normal', 'Pulled', 'image 40');
  await recorder.flush();
  expect(sent.at(-1)).toBe('patch 32 (combined from similar events): image 40');
});

test('an event that the server forgot is created again; a server out of reach is asked again', async () => {
  const { clock, sent, recorder, failOnce } = setUp();
  recorder.event(about, 'Normal', 'Pulled', 'x');
  await recorder.flush();
  failOnce(notFound({ group: '', resource: 'events' }, 'web.1'));
  recorder.event(about, 'Normal', 'Pulled', 'x');
  await recorder.flush();
  expect(sent).toEqual(['create 1 x', 'create 2 x']);
  failOnce(new Error('connection refused'));
  recorder.event(about, 'Normal', 'Pulled', 'x');
  await clock.advance(10_000);
  expect(sent.at(-1)).toBe('patch 3 x');
  await recorder[Symbol.asyncDispose]();
  expect(clock.pending).toBe(0);
});

test('more urgent work goes first, for a second', async () => {
  let busy = true;
  const { clock, sent, recorder } = setUp(() => busy);
  recorder.event(about, 'Normal', 'Pulled', 'pulled it');
  recorder.event(about, 'Normal', 'Created', 'created it');
  await clock.advance(900);
  expect(sent).toEqual([]);
  await clock.advance(200);
  expect(sent).toEqual(['create 1 pulled it', 'create 1 created it']);
  recorder.event(about, 'Normal', 'Started', 'started it');
  await clock.advance(200);
  expect(sent).toHaveLength(2);
  busy = false;
  await clock.advance(100);
  expect(sent.at(-1)).toBe('create 1 started it');
});
