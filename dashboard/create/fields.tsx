import { type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { t } from '../language.ts';
import { tables } from '../store.ts';
import { type DeploymentForm, type ServiceForm } from './forms.ts';

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly hint?: string;
  readonly required?: boolean;
  readonly numeric?: boolean;
  readonly onInput: (value: string) => void;
}

function Field({ label, value, hint, required, numeric, onInput }: FieldProps): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        value={value}
        spellcheck={false}
        autocomplete="off"
        {...(required && { required })}
        {...(numeric && { inputMode: 'numeric' as const, pattern: '[0-9]*' })}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {hint && <small>{hint}</small>}
    </label>
  );
}

export function DeploymentFields({ of, onSubmit }: { readonly of: Signal<DeploymentForm>; onSubmit(): void }): JSX.Element {
  const put = (part: Partial<DeploymentForm>): void => {
    of.value = { ...of.value, ...part };
  };
  const { name, image, replicas, port, env, cpu, memory, service } = of.value;
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      <Field label={t('Name')} value={name} required onInput={(value) => put({ name: value })} />
      <Field
        label={t('Image')}
        value={image}
        required
        hint={t('as a registry names it: nginx, ghcr.io/team/app:1.2')}
        onInput={(value) => put({ image: value })}
      />
      <label class="field">
        <span>{t('Pods')}</span>
        <input
          type="number"
          min={0}
          max={1000}
          value={replicas}
          onInput={(event) => put({ replicas: event.currentTarget.valueAsNumber || 0 })}
        />
      </label>
      <Field
        label={t('Port')}
        value={port}
        numeric
        hint={t('where the program listens; empty: nowhere')}
        onInput={(value) => put({ port: value })}
      />
      <label class="field">
        <span>{t('Service')}</span>
        <select value={service} disabled={!port} onChange={(event) => put({ service: event.currentTarget.value })}>
          <option value="">{t('none')}</option>
          <option value="ClusterIP">{t('ClusterIP: inside the cluster')}</option>
          <option value="NodePort">{t('NodePort: on every node')}</option>
          <option value="LoadBalancer">{t('LoadBalancer: from outside')}</option>
        </select>
      </label>
      <Field label={t('CPU asked for')} value={cpu} hint={t('250m is a quarter of a core')} onInput={(value) => put({ cpu: value })} />
      <Field label={t('Memory asked for')} value={memory} hint="256Mi" onInput={(value) => put({ memory: value })} />
      <label class="field wide">
        <span>{t('Environment')}</span>
        <textarea
          rows={3}
          spellcheck={false}
          value={env}
          placeholder="NAME=value"
          onInput={(event) => put({ env: event.currentTarget.value })}
        />
      </label>
      <button class="hidden" tabIndex={-1} aria-hidden="true" />
    </form>
  );
}

export function ServiceFields({
  of,
  where,
  onSubmit,
}: {
  readonly of: Signal<ServiceForm>;
  readonly where: string;
  onSubmit(): void;
}): JSX.Element {
  const put = (part: Partial<ServiceForm>): void => {
    of.value = { ...of.value, ...part };
  };
  const { name, type, port, targetPort, selector } = of.value;
  const choose = (text: string): void => {
    const row = tables.deployments.rows.get(`${where}/${text}`)?.peek();
    if (row)
      put({
        name: row.name,
        selector: Object.entries(row.selector)
          .map(([key, value]) => `${key}=${value}`)
          .join(','),
      });
  };
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      <label class="field">
        <span>{t('In front of')}</span>
        <select onChange={(event) => choose(event.currentTarget.value)}>
          <option value="">{t('choose a deployment')}</option>
          {tables.deployments
            .all()
            .filter(({ ns }) => ns === where)
            .map(({ name: each }) => (
              <option key={each}>{each}</option>
            ))}
        </select>
      </label>
      <Field label={t('Name')} value={name} required onInput={(value) => put({ name: value })} />
      <label class="field">
        <span>{t('Type')}</span>
        <select value={type} onChange={(event) => put({ type: event.currentTarget.value })}>
          <option value="ClusterIP">{t('ClusterIP: inside the cluster')}</option>
          <option value="NodePort">{t('NodePort: on every node')}</option>
          <option value="LoadBalancer">{t('LoadBalancer: from outside')}</option>
        </select>
      </label>
      <Field label={t('Port')} value={port} required numeric onInput={(value) => put({ port: value })} />
      <Field label={t('Port in the pods')} value={targetPort} onInput={(value) => put({ targetPort: value })} />
      <Field label={t('Picks pods with')} value={selector} hint="app=hello" onInput={(value) => put({ selector: value })} />
      <button class="hidden" tabIndex={-1} aria-hidden="true" />
    </form>
  );
}
