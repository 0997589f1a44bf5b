import { test } from 'vitest';
import { liveThroughCronJobs } from '../../src/testing/lives/cron-jobs.ts';
import type { Hardship } from '../../src/testing/lives/hard-life.ts';
import { liveThroughJobs } from '../../src/testing/lives/jobs.ts';
import { liveThroughRollouts } from '../../src/testing/lives/rollouts.ts';
import { liveThroughUpkeep } from '../../src/testing/lives/upkeep.ts';

/** `WHERRY_SEEDS=1000-1999 npm run test:long -- lives`; default 100 seeds from a place that differs by the day. */
const day = Math.floor(Date.now() / 86_400_000);
const [from, to] = (process.env['WHERRY_SEEDS'] ?? `${day * 100}-${day * 100 + 99}`).split('-').map(Number) as [number, number];
const hardships: readonly Hardship[] = ['calm', 'killed', 'refused', 'mixed', 'lagging'];

for (const [what, live] of [['rollouts', liveThroughRollouts], ['jobs', liveThroughJobs], ['cron jobs', liveThroughCronJobs], ['upkeep', liveThroughUpkeep]] as const) {
  for (const hardship of hardships) {
    test(`${what}, ${hardship}: seeds ${from} to ${to}`, { timeout: 3_600_000 }, async () => {
      const faults: string[] = [];
      for (let seed = from; seed <= to; seed++) await live(seed, hardship).catch((error: Error) => faults.push(error.message));
      if (faults.length > 0) throw new Error(faults.join('\n\n'));
    });
  }
}
