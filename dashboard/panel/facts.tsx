import type { ComponentChildren, JSX } from 'preact';

export function Facts({ title, children }: { readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  return <section><h3>{title}</h3><dl class="facts">{children}</dl></section>;
}

export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return <><dt>{name}</dt><dd>{children}</dd></>;
}

export function Labels({ name, of }: { readonly name: string; readonly of: Readonly<Record<string, string>> | undefined }): JSX.Element | null {
  const entries = Object.entries(of ?? {}).filter(([key]) => key !== 'kubectl.kubernetes.io/last-applied-configuration');
  return entries.length === 0 ? null : <Fact name={name}><span class="labels">{entries.map(([key, value]) => <code key={key} title={`${key}=${value}`}>{key}{value && `=${value}`}</code>)}</span></Fact>;
}
