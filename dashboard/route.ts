// Where the page is, in the address: #/pods?ns=default&q=kubia&open=/api/v1/namespaces/default/pods/kubia-x&tab=logs
import { computed, signal } from '@preact/signals';

interface Route {
  readonly view: string;
  readonly params: Readonly<Record<string, string>>;
}

function read(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return { view: path || 'overview', params: Object.fromEntries(new URLSearchParams(query)) };
}

const route = signal(read());
addEventListener('hashchange', () => { route.value = read(); });

export const view = computed(() => route.value.view);
export const namespace = computed(() => route.value.params['ns'] ?? '');
export const filter = computed(() => route.value.params['q'] ?? '');
export const chip = computed(() => route.value.params['show'] ?? '');
/** The path of the object in the panel. */
export const opened = computed(() => route.value.params['open'] ?? '');
export const tab = computed(() => route.value.params['tab'] ?? '');
export const resourcePath = computed(() => route.value.params['of'] ?? '');

export function hrefOf(to: { readonly view?: string; readonly params?: Readonly<Record<string, string>> }): string {
  const now = route.value;
  const kept = to.view !== undefined && to.view !== now.view ? { ...(now.params['ns'] && { ns: now.params['ns'] }) } : now.params;
  const params = Object.entries({ ...kept, ...to.params }).filter(([, value]) => value !== '');
  const query = new URLSearchParams(params).toString().replaceAll('%2F', '/');
  return `#/${to.view ?? now.view}${query ? `?${query}` : ''}`;
}

/** Typing replaces the entry in the history, going somewhere adds one. */
export function go(to: Parameters<typeof hrefOf>[0], replace = false): void {
  const href = hrefOf(to);
  if (href === location.hash) return;
  if (replace) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
  route.value = read();
}
addEventListener('popstate', () => { route.value = read(); });

export const open = (path: string, onTab = ''): void => go({ params: { open: path, tab: onTab } });
export const close = (): void => go({ params: { open: '', tab: '' } });
