import { expect, test } from 'vitest';
import { FakeClock } from '../../testing/fake-clock.ts';
import { FlushSchedule } from './flush-schedule.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('few watchers are told at the end of each turn, a crowd with pauses', async () => {
  const clock = new FakeClock();
  const schedule = new FlushSchedule(clock);
  let told = 0;
  const write = (watchers: number): void => {
    for (let i = 0; i < watchers; i++) schedule.add(() => void told++);
  };
  write(3);
  expect(told).toBe(0);
  await turn();
  write(1);
  await turn();
  expect(told).toBe(4);
  write(100);
  await turn();
  expect(told).toBe(104);
  write(100);
  await turn();
  expect(told).toBe(104);
  await clock.advance(8);
  expect(told).toBe(204);
  await clock.advance(8);
  write(2);
  await turn();
  expect(told).toBe(206);
});
