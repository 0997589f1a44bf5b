/** The hosts for which both are meant: the narrower of the two, undefined when there are none. Absent: all hosts. `*.example.org` is for any number of labels more. */
export function intersectHostnames(listener: string | undefined, route: string | undefined): { readonly host: string | undefined } | undefined {
  if (!listener || !route) return { host: route || listener || undefined };
  if (listener === route) return { host: route };
  if (includes(listener, route)) return { host: route };
  return includes(route, listener) ? { host: listener } : undefined;
}

function includes(wide: string, narrow: string): boolean {
  return wide.startsWith('*.') && narrow.endsWith(wide.slice(1)) && narrow.length > wide.length - 1;
}

/** Which of two hosts is the more certain one, for sorting it first: exact before wildcard, longer before shorter, any host last. */
export function byHost(a: string | undefined, b: string | undefined): number {
  const rank = (host: string | undefined): number => (!host ? 2 : host.startsWith('*.') ? 1 : 0);
  return rank(a) - rank(b) || (b?.length ?? 0) - (a?.length ?? 0) || compare(a ?? '', b ?? '');
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
