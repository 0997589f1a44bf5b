import type { ComponentChild, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { parsePath, type Obj } from '../api.ts';
import { close, go, opened, tab } from '../route.ts';
import { eventsOf } from '../troubles.ts';
import { Empty, Icon } from '../ui.tsx';
import { Actions } from './actions.tsx';
import { ConfirmDialog } from './confirm.tsx';
import { EventList } from './event-list.tsx';
import { t } from '../language.ts';
import { PodLogs, WorkloadLogs } from './logs.tsx';
import { NEW, NewObject } from '../create/new-object.tsx';
import { fault, object } from './opened-object.ts';
import { Shell } from './shell.tsx';
import { Summary } from './summary.tsx';
import { Why } from './why.tsx';
import { YamlEditor } from './yaml-editor.tsx';

interface Tab {
  readonly name: string;
  readonly label: string;
  readonly show: (object: Obj) => ComponentChild;
}

const WORKLOADS = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob']);
/** Of what comes and goes too fast, or is written by programs alone, nobody asks why. */
const UNEXPLAINED = new Set(['Event', 'Lease', 'EndpointSlice', 'Endpoints', 'ControllerRevision']);

function tabsOf(of: Obj): readonly Tab[] {
  const pod = of.kind === 'Pod';
  return [
    { name: '', label: 'Summary', show: (it) => <Summary object={it} /> },
    ...(pod
      ? [
          { name: 'logs', label: 'Logs', show: (it: Obj) => <PodLogs key={it.metadata.uid} pod={it} /> },
          { name: 'shell', label: 'Shell', show: (it: Obj) => <Shell key={it.metadata.uid} pod={it} /> },
        ]
      : []),
    ...(WORKLOADS.has(of.kind)
      ? [{ name: 'logs', label: 'Logs', show: (it: Obj) => <WorkloadLogs key={it.metadata.uid} object={it} /> }]
      : []),
    ...(!UNEXPLAINED.has(of.kind) ? [{ name: 'why', label: 'Why', show: () => <Why key={opened.value} path={opened.value} /> }] : []),
    { name: 'events', label: 'Events', show: (it) => <EventList events={eventsOf(it.metadata.uid)} /> },
    { name: 'yaml', label: 'YAML', show: (it) => <YamlEditor key={opened.value} object={it} path={opened.value} /> },
  ];
}

/** What is opened, beside the list it was opened from. */
export function Panel(): JSX.Element | null {
  const it = object.value;
  const panel = useRef<HTMLElement>(null);
  const path = opened.value;
  useEffect(() => {
    if (!path) return;
    panel.current?.focus({ preventScroll: true });
    // Whoever closes it goes on in the list.
    return () => {
      if (!opened.peek()) document.querySelector<HTMLElement>('.list')?.focus({ preventScroll: true });
    };
  }, [path]);
  if (!path) return <ConfirmDialog />;
  if (path === NEW)
    return (
      <aside class="panel" ref={panel} tabIndex={-1} aria-label={t('Something new')}>
        <NewObject />
      </aside>
    );
  const { resource, ns, name } = parsePath(path);
  const tabs = it ? tabsOf(it) : [];
  const current = tabs.find((each) => each.name === tab.value) ?? tabs[0];
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const next = tabs[(tabs.indexOf(current!) + step + tabs.length) % tabs.length]!;
    go({ params: { tab: next.name } }, true);
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`#tab-${next.name || 'summary'}`)?.focus();
  };
  return (
    <>
      <aside class="panel" ref={panel} tabIndex={-1} aria-label={`${it?.kind ?? resource} ${name}`}>
        <header>
          <div>
            <small>{ns ? t('{kind} in {ns}', { kind: it?.kind ?? resource, ns }) : (it?.kind ?? resource)}</small>
            <h2>{name}</h2>
          </div>
          {it && <Actions object={it} path={path} />}
          <button type="button" class="plain" aria-label={t('Close')} onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        {fault.value && (
          <p class="banner" role="alert">
            {fault.value.gone ? (it ? t('It is gone. This is how it was last.') : t('It is not there (any more).')) : fault.value.text}
          </p>
        )}
        {it && (
          <div class="tabs" role="tablist" onKeyDown={onKeyDown}>
            {tabs.map(({ name: id, label }) => (
              <button
                type="button"
                key={id}
                role="tab"
                id={`tab-${id || 'summary'}`}
                aria-selected={id === current!.name}
                aria-controls="tab-content"
                tabIndex={id === current!.name ? 0 : -1}
                onClick={() => go({ params: { tab: id } }, true)}
              >
                {t(label)}
              </button>
            ))}
          </div>
        )}
        <div
          class={`content ${current?.name || 'summary'}`}
          id="tab-content"
          role="tabpanel"
          aria-labelledby={`tab-${current?.name || 'summary'}`}
        >
          {it ? current!.show(it) : !fault.value && <Empty>{t('Looking…')}</Empty>}
        </div>
      </aside>
      <ConfirmDialog />
    </>
  );
}
