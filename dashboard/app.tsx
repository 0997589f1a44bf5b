import { computed } from '@preact/signals';
import type { ComponentChild, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { BackgroundView } from './background/background-view.tsx';
import { connection } from './live.ts';
import { NEW } from './create/new-object.tsx';
import { Panel } from './panel/panel.tsx';
import { close, filter, go, hrefOf, namespace, open, opened, view } from './route.ts';
import { hello, tables, workloads } from './store.ts';
import { Boat, Icon, Notices, type IconName } from './ui.tsx';
import { EventsView } from './views/events.tsx';
import { EverythingView } from './views/everything.tsx';
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

const inNamespace = (rows: readonly { readonly ns?: string }[]): number => (namespace.value ? rows.filter(({ ns }) => !ns || ns === namespace.value).length : rows.length);

const views = {
  overview: { title: 'Overview', show: () => <OverviewView /> },
  background: { title: 'Background', show: () => <BackgroundView /> },
  workloads: { title: 'Workloads', count: () => inNamespace(workloads.value), show: () => <WorkloadsView /> },
  pods: { title: 'Pods', count: () => inNamespace(tables.pods.all()), show: () => <PodsView /> },
  services: { title: 'Services', count: () => inNamespace(tables.services.all()), show: () => <ServicesView /> },
  nodes: { title: 'Nodes', count: () => tables.nodes.all().length, show: () => <NodesView /> },
  events: { title: 'Events', show: () => <EventsView /> },
  everything: { title: 'Everything', show: () => <EverythingView /> },
} satisfies Partial<Record<IconName, View>>;

const namespaceNames = computed(() => tables.namespaces.all().map(({ name }) => name).sort());

export function App(): JSX.Element {
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      const typing = target.closest('input, textarea, select, .terminal') !== null;
      if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        search.current?.focus();
        search.current?.select();
      } else if (event.key === 'Escape' && !event.defaultPrevented && !target.closest('.terminal, dialog')) {
        if (target === search.current && filter.value) go({ params: { q: '' } }, true);
        else if (target === search.current) search.current?.blur();
        // Out of a text first: it may hold what is not saved.
        else if (target.closest('.panel') && typing) document.querySelector<HTMLElement>('.panel')?.focus();
        else if (opened.value) close();
      }
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
  const current: View = Object.hasOwn(views, view.value) ? views[view.value as keyof typeof views] : views.overview;
  const context = hello.value?.context ?? '';
  useEffect(() => { document.title = `${current.title} · ${context || 'wherry'}`; }, [current.title, context]);
  return <>
    <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus(); }}>To the content</a>
    <nav aria-label="Views">
      <p class="brand"><Boat />wherry</p>
      <ul>{Object.entries(views).map(([name, each]) => <li key={name}>
        <a href={hrefOf({ view: name, params: { open: '', tab: '', q: '', show: '', of: '' } })} {...(each === current && { 'aria-current': 'page' as const })}><Icon name={name as IconName} />{each.title}<NavCount view={each} /></a>
      </li>)}</ul>
      <Cluster />
    </nav>
    <div class="page">
      <header>
        <h1>{current.title}</h1>
        <label class="search"><Icon name="search" /><span class="hidden">Filter</span>
          <input ref={search} type="search" placeholder="Filter" aria-keyshortcuts="/" autocomplete="off" spellcheck={false} value={filter.value}
            onInput={(event) => go({ params: { q: event.currentTarget.value } }, true)} onKeyDown={(event) => { if (event.key === 'ArrowDown' || event.key === 'Enter') document.querySelector<HTMLElement>('.list')?.focus(); }} />
          {!filter.value && <kbd>/</kbd>}
        </label>
        <label class="namespace"><span class="hidden">Namespace</span>
          <select value={namespace.value} onChange={(event) => go({ params: { ns: event.currentTarget.value } })}>
            <option value="">All namespaces</option>
            {namespaceNames.value.map((name) => <option key={name} value={name}>{name}</option>)}
            {namespace.value && !namespaceNames.value.includes(namespace.value) && <option value={namespace.value}>{namespace.value}</option>}
          </select>
        </label>
        <button type="button" onClick={() => open(NEW)}>New…</button>
      </header>
      <Banner />
      <main id="main" tabIndex={-1} key={view.value}>{current.show()}</main>
    </div>
    <Panel />
    <Notices />
  </>;
}

function NavCount({ view: { count } }: { readonly view: View }): JSX.Element | null {
  return count ? <small>{count()}</small> : null;
}

function Cluster(): JSX.Element {
  const at = hello.value;
  return <p class="cluster"><i class={`dot ${connection.value === 'open' ? 'ok' : connection.value === 'first' ? 'busy' : 'bad'}`} />
    <span><b title={at?.server}>{at?.context || (at ? 'cluster' : 'connecting…')}</b><small>{at?.version}</small></span></p>;
}

/** What keeps the page from showing all there is. */
function Banner(): JSX.Element | null {
  if (connection.value === 'ended') return <p class="banner bad" role="alert">This dashboard has ended, or you are logged out. Start it again by <code>wherry dashboard</code>.</p>;
  if (connection.value === 'lost') return <p class="banner" role="alert">The connection to the dashboard is lost; trying again. What you see is as it was. Should it have ended: <code>wherry dashboard</code> starts it.</p>;
  const problems = Object.entries(tables).flatMap(([name, { problem }]) => (problem.value ? [[name, problem.value] as const] : []));
  if (problems.length === 0) return null;
  const messages = new Set(problems.map(([, message]) => message));
  return <p class="banner" role="alert">{problems.length === Object.keys(tables).length ? 'The cluster does not answer' : `Cannot follow ${problems.map(([name]) => name).join(', ')}`}: {[...messages].slice(0, 2).join('; ')}</p>;
}
