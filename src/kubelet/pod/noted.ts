import type { Pod } from '../../api/generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { About, Facts, Work, WorkSink } from '../../ledger/entry.ts';

export function aboutPod({ metadata: { namespace, name, uid } }: Pod): About {
  return { group: '', resource: 'pods', kind: 'Pod', namespace, name, uid };
}

/** Does some work for a pod, and tells the ledger how long it took and how it ended. */
export async function noted<T>(
  { work: sink, clock }: { readonly work: WorkSink; readonly clock: Pick<Clock, 'monotonic'> }, pod: Pod, work: Work, facts: Facts, call: () => Promise<T>,
): Promise<T> {
  const began = clock.monotonic();
  const tell = (error?: string): void => sink.note({ work, about: aboutPod(pod), by: 'kubelet', tookMs: clock.monotonic() - began, facts, ...(error !== undefined && { error }) });
  let result: T;
  try {
    result = await call();
  } catch (error) {
    tell((error as Error).message);
    throw error;
  }
  tell();
  return result;
}
