import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What looks at the whole machine, or at the time that a server takes: nothing runs beside it. */
const ALONE = ['leaves-nothing', 'leak-guard', 'machines', 'fuzz'].map((name) => `test/**/${name}.test.ts`);
const PATIENCE = { testTimeout: 90_000, hookTimeout: 180_000 };

/** What waits longest begins first, so that none of it is left running alone at the end. */
const LONGEST = ['walkthrough/walkthrough', 'faults/killed-server', 'faults/killed-node', 'kubectl/kubectl', 'walkthrough/autoscale', 'network-policy/network-policy'].map((name) => `/test/${name}.test.ts`);
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number => {
      const place = LONGEST.findIndex((name) => moduleId.endsWith(name));
      return project.config.sequence.groupOrder + (place === -1 ? 0.99 : place / 10);
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // How long a condition is waited for: a machine may have other work.
    expect: { poll: { timeout: 15_000 } },
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.test.ts', 'dashboard/**/*.test.ts'], testTimeout: 20_000, hookTimeout: 30_000 } },
      // Whole clusters on this machine, when the rest is done. They wait more than they work: two files at a time.
      { extends: true, test: { name: 'end-to-end', include: ['test/**/*.test.ts'], exclude: ALONE, ...PATIENCE, sequence: { groupOrder: 1 } } },
      { extends: true, test: { name: 'end-to-end-alone', include: ALONE, ...PATIENCE, fileParallelism: false, sequence: { groupOrder: 2 } } },
      // By hand: hunts that may take an hour, and may find what is known and not yet mended.
      { extends: true, test: { name: 'long', include: ['test/**/*.long.ts'], fileParallelism: false, sequence: { groupOrder: 3 } } },
    ],
  },
});
