interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export function condition<C extends Condition>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((c) => c.type === type);
}

/**
 * Sets a condition. Its place stays; `lastTransitionTime` stays while the status does; nothing at all changes while
 * status, reason and message do not, so that the result can be compared with what is stored.
 */
export function withCondition<C extends Condition>(conditions: readonly C[] | undefined, next: C): readonly C[] {
  const current = condition(conditions, next.type);
  if (!current) return [...(conditions ?? []), next];
  if (current.status === next.status && current.reason === next.reason && current.message === next.message) return conditions!;
  const kept = current.status === next.status && current.lastTransitionTime ? { ...next, lastTransitionTime: current.lastTransitionTime } : next;
  return conditions!.map((c) => (c === current ? kept : c));
}

export function withoutCondition<C extends Condition>(conditions: readonly C[] | undefined, type: string): readonly C[] {
  return condition(conditions, type) ? conditions!.filter((c) => c.type !== type) : (conditions ?? []);
}
