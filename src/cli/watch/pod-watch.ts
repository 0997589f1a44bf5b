import { isReason, notFound } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import type { ObjectList } from '../../api/object.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { watchLines } from './watch-lines.ts';

/**
 * The pod as soon as `holds` says so of it, asked at once and after every change. `timeoutMs` 0 waits for ever. Rejects with NotFound when the pod
 * goes away, with KubectlError when the time is up or the call is interrupted.
 */
export async function waitForPod({ session, io }: Call, namespace: string, name: string, timeoutMs: number, holds: (pod: Pod) => boolean): Promise<Pod> {
  const signal = timeoutMs > 0 ? AbortSignal.any([io.signal, AbortSignal.timeout(timeoutMs)]) : io.signal;
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const fieldSelector = `metadata.name=${name}`;
  while (!signal.aborted) {
    const list = await session.json<ObjectList<Pod>>(path, { query: { fieldSelector } });
    const [present] = list.items;
    if (!present) throw notFound({ group: '', resource: 'pods' }, name);
    if (holds(present)) return present;
    try {
      for await (const { type, object } of watchLines<Pod>(session, path, { fieldSelector, resourceVersion: list.metadata.resourceVersion }, false, signal)) {
        if (type === 'DELETED') throw notFound({ group: '', resource: 'pods' }, name);
        if (type === 'ERROR') break;
        if (type !== 'BOOKMARK' && holds(object)) return object;
      }
    } catch (error) {
      if (!isReason(error, 'Expired', 'Gone')) throw error; // asked anew from the present state
    }
  }
  throw new KubectlError(io.signal.aborted ? '' : 'timed out waiting for the condition', { code: io.signal.aborted ? 130 : 1 });
}
