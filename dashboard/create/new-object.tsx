import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { ApiError } from '../api.ts';
import { CodeEditor } from '../editor/code-editor.tsx';
import { t } from '../language.ts';
import { close, go, namespace, open, tab } from '../route.ts';
import { hello } from '../store.ts';
import { done, Icon, notify } from '../ui.tsx';
import { deploymentText, serviceText, type DeploymentForm, type ServiceForm } from './forms.ts';
import { carryOut, plan, type Planned } from './manifest.ts';
import { DeploymentFields, ServiceFields } from './fields.tsx';
import { Plan } from './plan-view.tsx';

/** What is open in the panel where something new is written. */
export const NEW = 'new';

const FIRST: DeploymentForm = { name: 'hello', image: 'nginx', replicas: 1, port: '80', env: '', cpu: '', memory: '', service: '' };
const FIRST_SERVICE: ServiceForm = { name: 'hello', type: 'ClusterIP', port: '80', targetPort: '80', selector: 'app=hello' };
const TABS = [
  ['', 'Deployment'],
  ['service', 'Service'],
  ['yaml', 'YAML'],
] as const;

/** Something new, from a form or from YAML. Nothing is made before the server has been asked what would come of it. */
export function NewObject(): JSX.Element {
  const deployment = useSignal(FIRST);
  const service = useSignal(FIRST_SERVICE);
  const text = useSignal(deploymentText(FIRST));
  const fault = useSignal<{ readonly message: string; readonly conflict: boolean } | undefined>(undefined);
  const planned = useSignal<readonly Planned[] | undefined>(undefined);
  const forced = useSignal(false);
  const where = namespace.value || hello.value?.namespace || 'default';
  const current = TABS.some(([name]) => name === tab.value) ? tab.value : '';
  const written = (): string =>
    current === 'yaml' ? text.value : current === 'service' ? serviceText(service.value) : deploymentText(deployment.value);
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    fault.value = undefined;
    try {
      await work();
    } catch (error) {
      fault.value = { message: (error as Error).message, conflict: error instanceof ApiError && error.code === 409 };
    }
  };
  const review = (force: boolean): Promise<void> =>
    attempt(async () => {
      forced.value = force;
      planned.value = await plan(written(), where, force);
    });
  const apply = (): Promise<void> =>
    attempt(async () => {
      const path = await carryOut(planned.value!, forced.value, notify);
      done(t('It is written down; the cluster is at work on it.'));
      open(path);
    });
  const go_ = (name: string): void => {
    // What the form says goes on as YAML.
    if (name === 'yaml' && current !== 'yaml') text.value = written();
    go({ params: { tab: name } }, true);
  };
  return (
    <>
      <header>
        <div>
          <small>{t('in {where}, where it does not say otherwise', { where })}</small>
          <h2>{t('Something new')}</h2>
        </div>
        {planned.value ? (
          <>
            <button
              type="button"
              onClick={() => {
                planned.value = undefined;
              }}
            >
              {t('Back')}
            </button>
            <button type="button" class="primary" onClick={() => void apply()}>
              {t('Apply')}
            </button>
          </>
        ) : (
          <button type="button" class="primary" onClick={() => void review(false)}>
            {t('Review')}
          </button>
        )}
        <button type="button" class="plain" aria-label={t('Close')} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {!planned.value && (
        <div class="tabs" role="tablist">
          {TABS.map(([name, label]) => (
            <button type="button" role="tab" key={name} aria-selected={name === current} onClick={() => go_(name)}>
              {t(label)}
            </button>
          ))}
        </div>
      )}
      {fault.value && (
        <div class="banner bad" role="alert">
          <p>{fault.value.message}</p>
          {fault.value.conflict && (
            <p class="buttons">
              <button type="button" class="danger" onClick={() => void review(true)}>
                {t('Take these fields over')}
              </button>
            </p>
          )}
        </div>
      )}
      <div class={`content ${current === 'yaml' && !planned.value ? 'yaml' : ''}`}>
        {planned.value ? (
          <Plan of={planned.value} />
        ) : current === 'yaml' ? (
          <CodeEditor label={t('Manifest')} text={text} onSave={() => void review(false)} />
        ) : current === 'service' ? (
          <ServiceFields of={service} where={where} onSubmit={() => void review(false)} />
        ) : (
          <DeploymentFields of={deployment} onSubmit={() => void review(false)} />
        )}
      </div>
    </>
  );
}
