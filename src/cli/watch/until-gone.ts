import { isReason } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { pathOf } from '../command/resource-mapper.ts';
import type { NamedTarget } from '../targets/selected-targets.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { watchLines } from './watch-lines.ts';

/** Waits until the object is gone, or another of its name is there; `timeoutMs` 0 waits for ever. Throws KubectlError when the time is up. */
export async function untilGone(call: Call, target: NamedTarget, uid: string | undefined, timeoutMs: number): Promise<void> {
  const { session, io } = call;
  const signal = timeoutMs > 0 ? AbortSignal.any([io.signal, AbortSignal.timeout(timeoutMs)]) : io.signal;
  for (;;) {
    const path = pathOf(target.resource, { namespace: target.namespace });
    const fieldSelector = `metadata.name=${target.name}`;
    const list = await session.json<{ readonly metadata: { readonly resourceVersion: string }; readonly items: readonly KubeObject[] }>(path, { query: { fieldSelector } });
    const [present] = list.items;
    if (!present || (uid !== undefined && present.metadata.uid !== uid)) return;
    try {
      for await (const frame of watchLines<KubeObject>(session, path, { fieldSelector, resourceVersion: list.metadata.resourceVersion }, false, signal)) if (frame.type === 'DELETED') return;
    } catch (error) {
      if (!isReason(error, 'Expired', 'Gone')) throw error;
    }
    if (signal.aborted) throw new KubectlError(io.signal.aborted ? '' : `timed out waiting for the condition on ${target.resource.resource}/${target.name}`);
  }
}
