import { expect, test } from 'vitest';
import type { Pod } from '../api/generated/core-v1.ts';
import { seededRandom } from '../base/random.ts';
import { podInfoOf } from './pod-info.ts';
import { describeCluster, nodeObject, podObject } from './scheduling-fixture.ts';
import { SchedulingCycle, type CycleResult } from './scheduling-cycle.ts';

const NODES = 40;

/** Whether it fits, or why not: how many nodes say what. */
function verdict(result: CycleResult): string {
  if (result.fits) return 'fits';
  return [...result.diagnosis.rejections.counts()].map(([{ reasons }, { count }]) => `${count} ${reasons.join()}`).sort().join(', ');
}

test.each([1, 2, 3])('a cycle that remembers why pods were rejected says the same as one that looks anew (seed %i)', (seed) => {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random.next() * limit);
  const name = (): string => `n${below(NODES)}`;
  const { cluster, nominator, plugins, cycle } = describeCluster({ nodes: Array.from({ length: NODES }, (_, i) => nodeObject(`n${i}`)) });
  const sized = (pod: string, cpu: string, priority = 0, nodeName?: string): Pod => podObject(pod, { requests: { cpu }, spec: { priority, ...(nodeName && { nodeName }) } });
  for (let i = 0; i < NODES; i++) cluster.setPod(sized(`full-${i}`, '3500m', 0, `n${i}`));
  const seen = new Set<string>();
  for (let step = 0; step < 1000; step++) {
    const act = below(12);
    if (act === 0) cluster.removePod(`default/full-${below(NODES)}`);
    else if (act < 3) cluster.setNode(nodeObject(name(), { spec: { unschedulable: below(2) === 0 } }));
    else if (act === 3) cluster.removeNode(name());
    else if (act < 6) nominator.set(sized(`waits-${below(5)}`, '3', below(3)), below(3) === 0 ? '' : name());
    else {
      const at = below(NODES);
      cluster.setPod(sized(`full-${at}`, '3500m', 0, `n${at}`));
    }
    const pod = podInfoOf(sized(`pod-${step}`, '2', below(4) === 0 ? 2 : 1));
    const remembering = cycle.run(pod);
    const anew = new SchedulingCycle({ plugins, cluster, nominator, random, percentageOfNodesToScore: 0 });
    expect(verdict(remembering)).toBe(verdict(anew.run(pod)));
    if (remembering.fits) expect(anew.filter(remembering.state, pod, remembering.node)).toBeUndefined();
    seen.add(remembering.fits ? 'fits' : 'does not');
  }
  expect([...seen].sort()).toEqual(['does not', 'fits']);
});
