import type { JSX } from 'preact';
import { call, type Obj } from '../api.ts';
import { close } from '../route.ts';
import { attempt } from '../ui.tsx';
import { confirm } from './confirm.tsx';

const RESTARTED = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);
const merge = (path: string, body: unknown): Promise<unknown> => call('PATCH', path, { body, type: 'application/merge-patch+json' });

/** What can be done with an object as a whole. */
export function Actions({ object, path }: { readonly object: Obj; readonly path: string }): JSX.Element {
  const { kind, metadata: { name }, spec } = object;
  const restart = (): Promise<boolean> => attempt(`${name} is being restarted.`, () => merge(path, { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() } } } } }));
  const cordon = (): Promise<boolean> => attempt(spec?.unschedulable ? `${name} takes pods again.` : `${name} takes no new pods.`, () => merge(path, { spec: { unschedulable: spec?.unschedulable ? null : true } }));
  const suspend = (): Promise<boolean> => attempt(spec?.suspend ? `${name} goes on.` : `${name} is suspended.`, () => merge(path, { spec: { suspend: !spec?.suspend } }));
  const remove = async (): Promise<void> => {
    const more = kind === 'Pod' && object.metadata.ownerReferences?.some(({ controller }) => controller) ? 'Its controller will replace it.' : kind === 'Namespace' ? 'Everything in it goes with it.' : undefined;
    if (!(await confirm(`Delete ${kind.toLowerCase()} ${name}?`, 'Delete', more))) return;
    if (await attempt(`${name} is being deleted.`, () => call('DELETE', path, { body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' } }))) close();
  };
  return <div class="actions">
    {RESTARTED.has(kind) && <button type="button" onClick={() => void restart()}>Restart</button>}
    {kind === 'Node' && <button type="button" onClick={() => void cordon()}>{spec?.unschedulable ? 'Uncordon' : 'Cordon'}</button>}
    {(kind === 'CronJob' || kind === 'Job') && <button type="button" onClick={() => void suspend()}>{spec?.suspend ? 'Resume' : 'Suspend'}</button>}
    <button type="button" class="danger" onClick={() => void remove()}>Delete</button>
  </div>;
}
