import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.test.ts', 'dashboard/**/*.test.ts'], testTimeout: 20_000, hookTimeout: 30_000 } },
      // Whole clusters on this machine: one file after the other, when the rest is done, so that what one leaves behind is seen.
      { extends: true, test: { name: 'end-to-end', include: ['test/**/*.test.ts'], testTimeout: 90_000, hookTimeout: 180_000, fileParallelism: false, sequence: { groupOrder: 1 } } },
      // By hand: hunts that may take an hour, and may find what is known and not yet mended.
      { extends: true, test: { name: 'long', include: ['test/**/*.long.ts'], fileParallelism: false, sequence: { groupOrder: 2 } } },
    ],
  },
});
