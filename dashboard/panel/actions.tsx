import type { JSX } from 'preact';
import { call, type Obj } from '../api.ts';
import { t } from '../language.ts';
import { close } from '../route.ts';
import { attempt } from '../ui.tsx';
import { confirm } from './confirm.tsx';
import { DeletePreview } from './delete-preview.tsx';

const RESTARTED = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);
const merge = (path: string, body: unknown): Promise<unknown> => call('PATCH', path, { body, type: 'application/merge-patch+json' });

/** What can be done with an object as a whole. */
export function Actions({ object, path }: { readonly object: Obj; readonly path: string }): JSX.Element {
  const {
    kind,
    metadata: { name },
    spec,
  } = object;
  const restart = (): Promise<boolean> =>
    attempt(t('{name} is being restarted.', { name }), () =>
      merge(path, { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() } } } } }),
    );
  const pause = (): Promise<boolean> =>
    attempt(spec?.paused ? t('{name} goes on rolling out.', { name }) : t('{name} is paused: changes wait.', { name }), () =>
      merge(path, { spec: { paused: spec?.paused ? null : true } }),
    );
  const cordon = (): Promise<boolean> =>
    attempt(spec?.unschedulable ? t('{name} takes pods again.', { name }) : t('{name} takes no new pods.', { name }), () =>
      merge(path, { spec: { unschedulable: spec?.unschedulable ? null : true } }),
    );
  const suspend = (): Promise<boolean> =>
    attempt(spec?.suspend ? t('{name} goes on.', { name }) : t('{name} is suspended.', { name }), () =>
      merge(path, { spec: { suspend: !spec?.suspend } }),
    );
  const remove = async (): Promise<void> => {
    if (!(await confirm(t('Delete {kind} {name}?', { kind, name }), t('Delete'), <DeletePreview object={object} />))) return;
    if (
      await attempt(t('{name} is being deleted.', { name }), () =>
        call('DELETE', path, { body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' } }),
      )
    )
      close();
  };
  return (
    <div class="actions">
      {RESTARTED.has(kind) && (
        <button type="button" onClick={() => void restart()}>
          {t('Restart')}
        </button>
      )}
      {kind === 'Deployment' && (
        <button type="button" onClick={() => void pause()}>
          {spec?.paused ? t('Resume') : t('Pause')}
        </button>
      )}
      {kind === 'Node' && (
        <button type="button" onClick={() => void cordon()}>
          {spec?.unschedulable ? t('Uncordon') : t('Cordon')}
        </button>
      )}
      {(kind === 'CronJob' || kind === 'Job') && (
        <button type="button" onClick={() => void suspend()}>
          {spec?.suspend ? t('Resume') : t('Suspend')}
        </button>
      )}
      <button type="button" class="danger" onClick={() => void remove()}>
        {t('Delete')}
      </button>
    </div>
  );
}
