import { test } from 'vitest';
import { liveThroughCronJobs } from '../testing/lives/cron-jobs.ts';
import type { Hardship } from '../testing/lives/hard-life.ts';
import { liveThroughJobs } from '../testing/lives/jobs.ts';
import { liveThroughRollouts } from '../testing/lives/rollouts.ts';
import { liveThroughUpkeep } from '../testing/lives/upkeep.ts';

/** A few seeds of each; `npm run test:long` lives hundreds of them. The message of a failure has the seed. */
const lives: readonly [number, Hardship][] = [[1, 'calm'], [15, 'calm'], [84, 'killed'], [18, 'refused'], [56, 'mixed'], [4, 'mixed'], [19, 'lagging']];

test.each(lives)('rollouts keep what they promise at every revision: seed %i, %s', { timeout: 120_000 }, liveThroughRollouts);

test.each(lives)('jobs count each of their pods once, whatever happens: seed %i, %s', { timeout: 120_000 }, liveThroughJobs);

test.each<[number, Hardship]>([[6, 'killed'], [5, 'refused']])('cron jobs act once on each time: seed %i, %s', { timeout: 120_000 }, liveThroughCronJobs);

test.each<[number, Hardship]>([[11, 'calm'], [9, 'killed'], [3, 'lagging']])('the books agree with what is there, and nothing is had twice: seed %i, %s', { timeout: 120_000 }, liveThroughUpkeep);
