import type { Container, Pod } from '../../api/generated/core-v1.ts';
import { isPodReady } from '../../api/pod/conditions.ts';
import { attachTo, containersOf } from './attach-to.ts';
import { waitForPod } from '../watch/pod-watch.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

interface Wanted {
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly quiet: boolean;
  readonly detachKeys?: string;
}

const isOver = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

const stateOf = ({ status }: Pod, container: string) =>
  [...(status?.containerStatuses ?? []), ...(status?.ephemeralContainerStatuses ?? [])].find(({ name }) => name === container)?.state;

async function showLog({ session, io }: Call, { metadata }: Pod, container: string): Promise<void> {
  io.out(await session.text('GET', `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/log`, { query: { container } }));
}

/** Attaches to a container of the pod; where it ended before that, what it wrote is shown. */
async function attachOrLog(call: Call, pod: Pod, container: Container, wanted: Wanted): Promise<void> {
  try {
    await attachTo(call, pod, container, wanted);
  } catch (error) {
    if (call.io.signal.aborted) throw error;
    call.io.err(`warning: couldn't attach to pod/${pod.metadata.name}, falling back to streaming logs: ${(error as Error).message}\n`);
    await showLog(call, pod, container.name);
  }
}

/** As `kubectl debug` does: attaches once the container runs; of one that has ended the log is shown. */
export async function attachToDebugger(call: Call, namespace: string, name: string, container: string, wanted: Wanted): Promise<void> {
  const waiting = new Set<string>();
  const pod = await waitForPod(call, namespace, name, 0, (present) => {
    const state = stateOf(present, container);
    const why = state?.waiting?.message;
    if (why && !wanted.quiet && !waiting.has(why)) {
      waiting.add(why);
      call.io.err(`Warning: container ${container}: ${why}\n`);
    }
    return state?.running !== undefined || state?.terminated !== undefined;
  });
  if (stateOf(pod, container)?.terminated) return showLog(call, pod, container);
  await attachOrLog(call, pod, containersOf(pod).find((one) => one.name === container)!, wanted);
}

/**
 * As `kubectl run --attach` does: waits at most `timeoutMs` until the pod is ready, shows what it wrote until then, and attaches. Where the restart
 * policy lets a pod end, waits for its end and fails with the exit code of its container. Upstream: kubectl pkg/cmd/run.
 */
export async function attachToRun(call: Call, created: Pod, wanted: Wanted, { timeoutMs, awaitEnd }: { readonly timeoutMs: number; readonly awaitEnd: 'completed' | 'succeeded' | undefined }): Promise<void> {
  const { name, namespace = '' } = created.metadata;
  const [container] = created.spec.containers;
  const pod = await waitForPod(call, namespace, name, timeoutMs, (present) => isOver(present) || (present.status?.phase === 'Running' && isPodReady(present)));
  if (isOver(pod)) {
    await showLog(call, pod, container!.name);
  } else {
    // What it wrote before anybody listened; the streams begin with what comes now.
    await showLog(call, pod, container!.name);
    await attachOrLog(call, pod, container!, wanted);
  }
  if (!awaitEnd) return;
  const ended = await waitForPod(call, namespace, name, timeoutMs, awaitEnd === 'succeeded' ? ({ status }) => status?.phase === 'Succeeded' : isOver);
  if (ended.status?.phase === 'Succeeded') return;
  const terminated = ended.status?.containerStatuses?.[0]?.state?.terminated;
  if (!terminated || terminated.exitCode === 0) throw new KubectlError(`pod ${namespace}/${name} failed with unknown exit code`);
  throw new KubectlError(`pod ${namespace}/${name} terminated (${terminated.reason ?? ''})\n${terminated.message ?? ''}`, { bare: true, code: terminated.exitCode });
}
