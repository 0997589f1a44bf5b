import type { ComponentChildren, JSX } from 'preact';
import { t } from '../language.ts';
import { conditionWords } from '../plain-words.ts';

export function Facts({ title, children }: { readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <section>
      <h3>{t(title)}</h3>
      <dl class="facts">{children}</dl>
    </section>
  );
}

export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <>
      <dt>{t(name)}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** The conditions of an object's status, a line each. */
export function Conditions({
  of,
}: {
  readonly of: readonly { readonly type: string; readonly status: string; readonly message?: string }[] | undefined;
}): JSX.Element {
  return (
    <>
      {of?.map(({ type, status, message }) => (
        <Fact key={type} name={type}>
          {conditionWords(type) && `${t(conditionWords(type)!)}: `}
          {status === 'True' ? t('yes') : status === 'False' ? t('no') : t('unknown')}
          {message && <q class="quiet raw">{message}</q>}
        </Fact>
      ))}
    </>
  );
}

export function Labels({
  name,
  of,
}: {
  readonly name: string;
  readonly of: Readonly<Record<string, string>> | undefined;
}): JSX.Element | null {
  const entries = Object.entries(of ?? {}).filter(([key]) => key !== 'kubectl.kubernetes.io/last-applied-configuration');
  return entries.length === 0 ? null : (
    <Fact name={name}>
      <span class="labels">
        {entries.map(([key, value]) => (
          <code key={key} title={`${key}=${value}`}>
            {key}
            {value && `=${value}`}
          </code>
        ))}
      </span>
    </Fact>
  );
}
