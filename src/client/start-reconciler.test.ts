import { expect, test } from 'vitest';
import { conflict } from '../api/errors.ts';
import { createLog, silentLog } from '../base/log.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { startReconciler } from './start-reconciler.ts';

test('retries with growing delays, warns of true faults only, and forgets on success', async () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const at: number[] = [];
  const faults: (Error | undefined)[] = [conflict({ group: '', resource: 'pods' }, 'a'), new Error('boom'), undefined];
  await using reconciler = startReconciler({
    name: 'test', clock, log: createLog({ write: (l) => void lines.push(l), clock }),
    async reconcile() {
      at.push(clock.monotonic());
      const fault = faults.shift();
      if (fault) throw fault;
      return { requeueAfterMs: 1000 };
    },
  });
  reconciler.enqueue('a');
  await clock.advance(100);
  expect(at).toEqual([0, 5, 15]);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('boom');
  faults.push(new Error('again'));
  await clock.advance(925);
  expect(at).toEqual([0, 5, 15, 1015, 1020]);
});

test('disposal aborts what is in progress and waits for it, without a warning', async () => {
  const clock = new FakeClock();
  let ended = false;
  const reconciler = startReconciler({
    name: 'test', clock, log: { ...silentLog, warn: () => expect.unreachable() },
    async reconcile(_key, signal) {
      try {
        await clock.sleep(1e6, signal);
      } finally {
        ended = true;
      }
    },
  });
  reconciler.enqueue('a');
  await clock.advance(1);
  await reconciler[Symbol.asyncDispose]();
  expect(ended).toBe(true);
  expect(clock.pending).toBe(0);
});
