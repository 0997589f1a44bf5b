import type { SchedulerPlugin } from '../framework.ts';
import { unresolvable } from '../rejection.ts';

/** Keeps a pod out of the queue until all of its gates are taken away. Upstream: plugins/schedulinggates. */
export const schedulingGates = (): SchedulerPlugin => ({
  name: 'SchedulingGates',
  preEnqueue({ spec }) {
    const gates = spec.schedulingGates ?? [];
    return gates.length > 0 ? unresolvable(`waiting for scheduling gates: [${gates.map((gate) => gate.name).join(' ')}]`) : undefined;
  },
});
