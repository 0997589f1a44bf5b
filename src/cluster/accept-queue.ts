import type { Clock } from '../base/clock.ts';
import { readIfThere } from '../base/read-if-there.ts';

/** How often a queue is looked at. */
const LOOK_MS = 20;
/** So many looks in a row must find that nobody came: a node that has not heard of the pod's end still sends clients, each some milliseconds after the other where it matters. */
const QUIET_LOOKS = 3;
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

/** How many TCP connections others opened to a network so far, as its `/proc/PID/net/snmp` tells; 0 where that does not say. */
export function connectionsTaken(snmp: string): number {
  const [names = [], values = []] = snmp.split('\n').filter((line) => line.startsWith('Tcp: ')).map((line) => line.split(' '));
  return Number(values[names.indexOf('PassiveOpens')] ?? 0);
}

/** What is seen of a network in one look. */
interface Look {
  readonly waiting: number;
  readonly taken: number;
}

/**
 * Resolves when nothing waits to be accepted in the network of these processes, which share one, and nobody new has come for some looks; or after `patienceMs`, or when the
 * signal aborts. It never rejects. A pod that services have left thus gets its signal when it has taken what they had sent it, those of slower nodes included.
 */
export async function untilAccepted(processes: () => readonly number[], options: { readonly clock: Clock; readonly patienceMs: number; readonly signal: AbortSignal; readonly look?: (processes: readonly number[]) => Look | undefined }): Promise<void> {
  const { clock, patienceMs, signal, look = lookAt } = options;
  const deadline = clock.monotonic() + patienceMs;
  let quiet = 0;
  let before: Look | undefined;
  while (!signal.aborted && clock.monotonic() < deadline) {
    const now = look(processes());
    if (!now) return;
    quiet = now.waiting === 0 && now.taken === before?.taken ? quiet + 1 : 0;
    if (quiet === QUIET_LOOKS) return;
    before = now;
    await clock.sleep(LOOK_MS, signal).catch(() => 'in a hurry');
  }
}

/** Of the first process that is still there. */
function lookAt(processes: readonly number[]): Look | undefined {
  for (const pid of processes) {
    try {
      const [tcp, tcp6, snmp] = ['tcp', 'tcp6', 'snmp'].map((name) => readIfThere(`/proc/${pid}/net/${name}`));
      // It has ended.
      if (tcp === undefined) continue;
      return { waiting: waitingConnections(tcp) + waitingConnections(tcp6 ?? ''), taken: connectionsTaken(snmp ?? '') };
    } catch (error) {
      // It is a zombie, which has no network.
      if (!['ESRCH', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return undefined;
}
