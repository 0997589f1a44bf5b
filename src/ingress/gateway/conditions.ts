import type { Condition } from '../../api/generated/meta-v1.ts';

/** A condition as it is decided; when it changed is found out when it is written. */
export interface Verdict {
  readonly type: string;
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

export const holds = (type: string, reason: string, message = ''): Verdict => ({ type, status: true, reason, message });
export const fails = (type: string, reason: string, message: string): Verdict => ({ type, status: false, reason, message });

/** The conditions for a status. The time of one whose status stays, stays. `now`: RFC 3339. */
export function conditionsOf(verdicts: readonly Verdict[], present: readonly Condition[] | undefined, generation: number | undefined, now: string): Condition[] {
  return verdicts.map(({ type, status, reason, message }) => {
    const before = present?.find((one) => one.type === type);
    const text = status ? 'True' : 'False';
    return { type, status: text, reason, message, observedGeneration: generation ?? 0, lastTransitionTime: before?.status === text ? before.lastTransitionTime : now };
  });
}
