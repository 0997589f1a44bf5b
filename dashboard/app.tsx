import { computed } from '@preact/signals';
import type { ComponentChild, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { BackgroundView } from './background/background-view.tsx';
import { connection } from './live.ts';
import { NEW } from './create/new-object.tsx';
import { Panel } from './panel/panel.tsx';
import { filter, go, hrefOf, namespace, open, view } from './route.ts';
import { language, speak, t } from './language.ts';
import { Palette } from './palette.tsx';
import { shown } from './palette-choices.ts';
import { cycleTheme, theme } from './theme.ts';
import { useKeys } from './keys.ts';
import { hello, tables, workloads } from './store.ts';
import { Boat, Icon, Notices, type IconName } from './ui.tsx';
import { EventsView } from './views/events.tsx';
import { ResourcesView } from './views/resources.tsx';
import { NodesView } from './views/nodes.tsx';
import { OverviewView } from './views/overview.tsx';
import { PodsView } from './views/pods.tsx';
import { ServicesView } from './views/services.tsx';
import { WorkloadsView } from './views/workloads.tsx';

interface View {
  readonly title: string;
  count?(): number;
  readonly show: () => ComponentChild;
}

const inNamespace = (rows: readonly { readonly ns?: string }[]): number =>
  namespace.value ? rows.filter(({ ns }) => !ns || ns === namespace.value).length : rows.length;

const views = {
  overview: { title: 'Overview', show: () => <OverviewView /> },
  background: { title: 'Background', show: () => <BackgroundView /> },
  workloads: { title: 'Workloads', count: () => inNamespace(workloads.value), show: () => <WorkloadsView /> },
  pods: { title: 'Pods', count: () => inNamespace(tables.pods.all()), show: () => <PodsView /> },
  services: { title: 'Services', count: () => inNamespace(tables.services.all()), show: () => <ServicesView /> },
  nodes: { title: 'Nodes', count: () => tables.nodes.all().length, show: () => <NodesView /> },
  events: { title: 'Events', show: () => <EventsView /> },
  resources: { title: 'Resources', show: () => <ResourcesView /> },
} satisfies Partial<Record<IconName, View>>;

const THEMES = { auto: 'as the system has it', light: 'light', dark: 'dark' } as const;
const namespaceNames = computed(() =>
  tables.namespaces
    .all()
    .map(({ name }) => name)
    .sort(),
);

export function App(): JSX.Element {
  const search = useRef<HTMLInputElement>(null);
  useKeys(search);
  const current: View = Object.hasOwn(views, view.value) ? views[view.value as keyof typeof views] : views.overview;
  const context = hello.value?.context ?? '';
  useEffect(() => {
    document.title = `${t(current.title)} · ${context || 'wherry'}`;
    document.documentElement.lang = language.value;
  }, [current.title, context, language.value]);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        {t('To the content')}
      </a>
      <nav aria-label={t('Views')}>
        <p class="brand">
          <Boat />
          wherry
        </p>
        <ul>
          {Object.entries(views).map(([name, each]) => (
            <li key={name}>
              <a
                href={hrefOf({ view: name, params: { open: '', tab: '', q: '', show: '', of: '' } })}
                {...(each === current && { 'aria-current': 'page' as const })}
              >
                <Icon name={name as IconName} />
                <span>{t(each.title)}</span>
                <NavCount view={each} />
              </a>
            </li>
          ))}
        </ul>
        <div class="choices">
          <button
            type="button"
            class="plain"
            onClick={() => {
              shown.value = 'palette';
            }}
            aria-label={t('Go to…')}
            aria-keyshortcuts="Control+K"
          >
            <Icon name="search" />
            <span>{t('Go to…')}</span>
            <kbd aria-hidden="true" data-keys="Ctrl K" />
          </button>
          <button
            type="button"
            class="plain"
            onClick={cycleTheme}
            aria-label={t('Change between light and dark')}
            title={t(THEMES[theme.value])}
          >
            <Icon name={theme.value} />
          </button>
          <button
            type="button"
            class="plain"
            lang={language.value === 'ko' ? 'en' : 'ko'}
            onClick={() => speak(language.value === 'ko' ? 'en' : 'ko')}
          >
            {language.value === 'ko' ? 'English' : '한국어'}
          </button>
        </div>
        <Cluster />
      </nav>
      <div class="page">
        <header>
          <h1>{t(current.title)}</h1>
          <label class="search">
            <Icon name="search" />
            <span class="hidden">{t('Filter')}</span>
            <input
              ref={search}
              type="search"
              placeholder={t('Filter')}
              aria-keyshortcuts="/"
              autocomplete="off"
              spellcheck={false}
              value={filter.value}
              onInput={(event) => go({ params: { q: event.currentTarget.value } }, true)}
              onKeyDown={(event) => {
                if (event.key === 'ArrowDown' || event.key === 'Enter') document.querySelector<HTMLElement>('.list')?.focus();
              }}
            />
            {!filter.value && <kbd>/</kbd>}
          </label>
          <label class="namespace">
            <span class="hidden">{t('Namespace')}</span>
            <select value={namespace.value} onChange={(event) => go({ params: { ns: event.currentTarget.value } })}>
              <option value="">{t('All namespaces')}</option>
              {namespaceNames.value.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
              {namespace.value && !namespaceNames.value.includes(namespace.value) && (
                <option value={namespace.value}>{namespace.value}</option>
              )}
            </select>
          </label>
          <button type="button" onClick={() => open(NEW)}>
            {t('New…')}
          </button>
        </header>
        <Banner />
        <main id="main" tabIndex={-1} key={view.value}>
          {current.show()}
        </main>
      </div>
      <Panel />
      <Palette />
      <Notices />
    </>
  );
}

function NavCount({ view: { count } }: { readonly view: View }): JSX.Element | null {
  return count ? <small>{count()}</small> : null;
}

function Cluster(): JSX.Element {
  const at = hello.value;
  return (
    <p class="cluster">
      <i class={`dot ${connection.value === 'open' ? 'ok' : connection.value === 'first' ? 'busy' : 'bad'}`} />
      <span>
        <b title={at?.server}>{at?.context || (at ? t('cluster') : t('connecting…'))}</b>
        <small>{at?.version}</small>
      </span>
    </p>
  );
}

/** What keeps the page from showing all there is. */
function Banner(): JSX.Element | null {
  if (connection.value === 'ended')
    return (
      <p class="banner bad" role="alert">
        {t('This dashboard has ended, or you are logged out. Start it again:')} <code>wherry dashboard</code>
      </p>
    );
  if (connection.value === 'lost')
    return (
      <p class="banner" role="alert">
        {t('The connection to the dashboard is lost; trying again. What you see is as it was. Should it have ended, start it again:')}{' '}
        <code>wherry dashboard</code>
      </p>
    );
  const problems = Object.entries(tables).flatMap(([name, { problem }]) => (problem.value ? [[name, problem.value] as const] : []));
  if (problems.length === 0) return null;
  const messages = new Set(problems.map(([, message]) => message));
  return (
    <p class="banner" role="alert">
      {problems.length === Object.keys(tables).length
        ? t('The cluster does not answer')
        : t('Cannot follow {what}', { what: problems.map(([name]) => name).join(', ') })}
      : {[...messages].slice(0, 2).join('; ')}
    </p>
  );
}
