import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { ApiError } from '../api.ts';
import { CodeEditor } from '../editor/code-editor.tsx';
import { Diff } from '../editor/diff.tsx';
import { t } from '../language.ts';
import { close, go, namespace, open, tab } from '../route.ts';
import { hello, tables } from '../store.ts';
import { done, Icon, notify } from '../ui.tsx';
import { deploymentText, serviceText, type DeploymentForm, type ServiceForm } from './forms.ts';
import { carryOut, plan, type Planned } from './manifest.ts';

/** What is open in the panel where something new is written. */
export const NEW = 'new';

const FIRST: DeploymentForm = { name: 'hello', image: 'nginx', replicas: 1, port: '80', env: '', cpu: '', memory: '', service: '' };
const FIRST_SERVICE: ServiceForm = { name: 'hello', type: 'ClusterIP', port: '80', targetPort: '80', selector: 'app=hello' };
const TABS = [['', 'Deployment'], ['service', 'Service'], ['yaml', 'YAML']] as const;

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
  const written = (): string => (current === 'yaml' ? text.value : current === 'service' ? serviceText(service.value) : deploymentText(deployment.value));
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    fault.value = undefined;
    try {
      await work();
    } catch (error) {
      fault.value = { message: (error as Error).message, conflict: error instanceof ApiError && error.code === 409 };
    }
  };
  const review = (force: boolean): Promise<void> => attempt(async () => {
    forced.value = force;
    planned.value = await plan(written(), where, force);
  });
  const apply = (): Promise<void> => attempt(async () => {
    const path = await carryOut(planned.value!, forced.value, notify);
    done(t('It is written down; the cluster is at work on it.'));
    open(path);
  });
  const go_ = (name: string): void => {
    // What the form says goes on as YAML.
    if (name === 'yaml' && current !== 'yaml') text.value = written();
    go({ params: { tab: name } }, true);
  };
  return <>
    <header>
      <div><small>{t('in {where}, where it does not say otherwise', { where })}</small><h2>{t('Something new')}</h2></div>
      {planned.value
        ? <><button type="button" onClick={() => { planned.value = undefined; }}>{t('Back')}</button><button type="button" class="primary" onClick={() => void apply()}>{t('Apply')}</button></>
        : <button type="button" class="primary" onClick={() => void review(false)}>{t('Review')}</button>}
      <button type="button" class="plain" aria-label={t('Close')} onClick={close}><Icon name="close" /></button>
    </header>
    {!planned.value && <div class="tabs" role="tablist">{TABS.map(([name, label]) => <button type="button" role="tab" key={name} aria-selected={name === current} onClick={() => go_(name)}>{t(label)}</button>)}</div>}
    {fault.value && <div class="banner bad" role="alert"><p>{fault.value.message}</p>
      {fault.value.conflict && <p class="buttons"><button type="button" class="danger" onClick={() => void review(true)}>{t('Take these fields over')}</button></p>}</div>}
    <div class={`content ${current === 'yaml' && !planned.value ? 'yaml' : ''}`}>
      {planned.value ? <Plan of={planned.value} />
        : current === 'yaml' ? <CodeEditor label={t('Manifest')} text={text} onSave={() => void review(false)} />
          : current === 'service' ? <ServiceFields of={service} where={where} onSubmit={() => void review(false)} /> : <DeploymentFields of={deployment} onSubmit={() => void review(false)} />}
    </div>
  </>;
}

function Plan({ of }: { readonly of: readonly Planned[] }): JSX.Element {
  return <>
    <p class="quiet">{t('The server would take it (dry run). Nothing has been made yet.')}</p>
    {of.map(({ path, object: { kind, metadata: { name } }, before, after, warnings, later }) => <section key={path}>
      <h3>{kind} {name}: {before === '' ? t('will be made') : before === after ? t('stays as it is') : t('will be changed')}</h3>
      {later && <p class="quiet">{t('Its namespace is made by the same manifest, so that the server judges it then.')}</p>}
      {warnings.map((warning) => <p key={warning} class="banner" role="alert">{warning}</p>)}
      <Diff before={before} after={after} label={`${kind} ${name}`} />
    </section>)}
  </>;
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly hint?: string;
  readonly required?: boolean;
  readonly numeric?: boolean;
  readonly onInput: (value: string) => void;
}

function Field({ label, value, hint, required, numeric, onInput }: FieldProps): JSX.Element {
  return <label class="field"><span>{label}</span>
    <input value={value} spellcheck={false} autocomplete="off" {...(required && { required })} {...(numeric && { inputMode: 'numeric' as const, pattern: '[0-9]*' })} onInput={(event) => onInput(event.currentTarget.value)} />
    {hint && <small>{hint}</small>}
  </label>;
}

function DeploymentFields({ of, onSubmit }: { readonly of: Signal<DeploymentForm>; onSubmit(): void }): JSX.Element {
  const put = (part: Partial<DeploymentForm>): void => { of.value = { ...of.value, ...part }; };
  const { name, image, replicas, port, env, cpu, memory, service } = of.value;
  return <form class="form" onSubmit={(event) => { event.preventDefault(); onSubmit(); }}>
    <Field label={t('Name')} value={name} required onInput={(value) => put({ name: value })} />
    <Field label={t('Image')} value={image} required hint={t('as a registry names it: nginx, ghcr.io/team/app:1.2')} onInput={(value) => put({ image: value })} />
    <label class="field"><span>{t('Pods')}</span><input type="number" min={0} max={1000} value={replicas} onInput={(event) => put({ replicas: event.currentTarget.valueAsNumber || 0 })} /></label>
    <Field label={t('Port')} value={port} numeric hint={t('where the program listens; empty: nowhere')} onInput={(value) => put({ port: value })} />
    <label class="field"><span>{t('Service')}</span><select value={service} disabled={!port} onChange={(event) => put({ service: event.currentTarget.value })}>
      <option value="">{t('none')}</option><option value="ClusterIP">{t('ClusterIP: inside the cluster')}</option><option value="NodePort">{t('NodePort: on every node')}</option><option value="LoadBalancer">{t('LoadBalancer: from outside')}</option>
    </select></label>
    <Field label={t('CPU asked for')} value={cpu} hint={t('250m is a quarter of a core')} onInput={(value) => put({ cpu: value })} />
    <Field label={t('Memory asked for')} value={memory} hint="256Mi" onInput={(value) => put({ memory: value })} />
    <label class="field wide"><span>{t('Environment')}</span><textarea rows={3} spellcheck={false} value={env} placeholder="NAME=value" onInput={(event) => put({ env: event.currentTarget.value })} /></label>
    <button class="hidden" tabIndex={-1} aria-hidden="true" />
  </form>;
}

function ServiceFields({ of, where, onSubmit }: { readonly of: Signal<ServiceForm>; readonly where: string; onSubmit(): void }): JSX.Element {
  const put = (part: Partial<ServiceForm>): void => { of.value = { ...of.value, ...part }; };
  const { name, type, port, targetPort, selector } = of.value;
  const choose = (text: string): void => {
    const row = tables.deployments.rows.get(`${where}/${text}`)?.peek();
    if (row) put({ name: row.name, selector: Object.entries(row.selector).map(([key, value]) => `${key}=${value}`).join(',') });
  };
  return <form class="form" onSubmit={(event) => { event.preventDefault(); onSubmit(); }}>
    <label class="field"><span>{t('In front of')}</span><select onChange={(event) => choose(event.currentTarget.value)}>
      <option value="">{t('choose a deployment')}</option>{tables.deployments.all().filter(({ ns }) => ns === where).map(({ name: each }) => <option key={each}>{each}</option>)}
    </select></label>
    <Field label={t('Name')} value={name} required onInput={(value) => put({ name: value })} />
    <label class="field"><span>{t('Type')}</span><select value={type} onChange={(event) => put({ type: event.currentTarget.value })}>
      <option value="ClusterIP">{t('ClusterIP: inside the cluster')}</option><option value="NodePort">{t('NodePort: on every node')}</option><option value="LoadBalancer">{t('LoadBalancer: from outside')}</option>
    </select></label>
    <Field label={t('Port')} value={port} required numeric onInput={(value) => put({ port: value })} />
    <Field label={t('Port in the pods')} value={targetPort} onInput={(value) => put({ targetPort: value })} />
    <Field label={t('Picks pods with')} value={selector} hint="app=hello" onInput={(value) => put({ selector: value })} />
    <button class="hidden" tabIndex={-1} aria-hidden="true" />
  </form>;
}
