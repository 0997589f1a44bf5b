import { isReason } from '../api/errors.ts';
import type { Pod } from '../api/generated/core-v1.ts';
import { pods } from '../api/generated/resources.ts';
import { rfc3339, type Clock } from '../base/clock.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/event-recorder.ts';

export interface Eviction {
  readonly client: Client;
  readonly clock: Pick<Clock, 'now'>;
  readonly recorder: EventRecorder;
  readonly schedulerName: string;
  readonly preemptor: Pod;
  readonly node: string;
  readonly victims: readonly Pod[];
}

/** Marks the victims as disrupted, deletes them, and tells their users. Those already on their way out are left alone. Upstream: framework/preemption Executor. */
export async function evictVictims({ client, clock, recorder, schedulerName, preemptor, node, victims }: Eviction): Promise<void> {
  const condition = {
    type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message: `${schedulerName}: preempting to accommodate a higher priority pod`,
    lastTransitionTime: rfc3339(clock.now()), lastProbeTime: null,
  };
  await Promise.all(victims.filter((victim) => victim.metadata.deletionTimestamp === undefined).map(async (victim) => {
    const { namespace, name, uid, generation } = victim.metadata;
    try {
      const body = { metadata: { uid }, status: { conditions: [{ ...condition, observedGeneration: generation ?? 0 }] } };
      await client.patch(pods, { namespace, name }, { type: 'application/strategic-merge-patch+json', body }, { subresource: 'status' });
      await client.delete(pods, { namespace, name }, { preconditions: { uid } });
    } catch (error) {
      if (isReason(error, 'NotFound')) return;
      throw error;
    }
    recorder.event(victim, 'Normal', 'Preempted', `Preempted by pod ${preemptor.metadata.uid} on node ${node}`);
  }));
}
