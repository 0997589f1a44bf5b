import { readFileSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';

/** How often a queue is looked at. */
const LOOK_MS = 20;
const LISTEN = '0A';
const SYN_RECEIVED = '03';

/**
 * How many TCP connections of a network, as `/proc/PID/net/tcp` tells, wait to be accepted. For the kernel their clients are connected, and their requests lie there; a server
 * that closes its listening socket, as all do that end in an orderly way, resets them.
 */
export function waitingConnections(table: string): number {
  let count = 0;
  for (const line of table.split('\n').slice(1)) {
    // `0: 00000000:1F90 00000000:0000 0A 00000000:00000003 …`: state, then the queues to send and to receive; of one that listens the latter counts connections.
    const [, , , state, queues = ''] = line.trim().split(/\s+/);
    if (state === LISTEN) count += parseInt(queues.split(':')[1] ?? '0', 16);
    else if (state === SYN_RECEIVED) count++;
  }
  return count;
}

/**
 * Resolves when nothing waits to be accepted in the network of these processes, which share one; or after `patienceMs`, or when the signal aborts. It never rejects.
 * A pod that services have left thus gets its signal when it has taken what they had sent it.
 */
export async function untilAccepted(processes: () => readonly number[], { clock, patienceMs, signal }: { readonly clock: Clock; readonly patienceMs: number; readonly signal: AbortSignal }): Promise<void> {
  const deadline = clock.monotonic() + patienceMs;
  while (!signal.aborted && clock.monotonic() < deadline && tablesOf(processes()).some((table) => waitingConnections(table) > 0)) {
    await clock.sleep(LOOK_MS, signal).catch(() => 'in a hurry');
  }
}

/** The tables of the first process that is still there. */
function tablesOf(processes: readonly number[]): readonly string[] {
  for (const pid of processes) {
    try {
      return ['tcp', 'tcp6'].map((name) => readFileSync(`/proc/${pid}/net/${name}`, 'utf8'));
    } catch (error) {
      // It has ended, or is a zombie, which has no network; or the machine has no IPv6, and then none of the others will.
      if (!['ENOENT', 'ESRCH', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return [];
}
