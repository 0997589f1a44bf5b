import type { JSX } from 'preact';
import { Diff } from '../editor/diff.tsx';
import { t } from '../language.ts';
import { type Planned } from './manifest.ts';

export function Plan({ of }: { readonly of: readonly Planned[] }): JSX.Element {
  return (
    <>
      <p class="quiet">{t('The server would take it (dry run). Nothing has been made yet.')}</p>
      {of.map(
        ({
          path,
          object: {
            kind,
            metadata: { name },
          },
          before,
          after,
          warnings,
          later,
        }) => (
          <section key={path}>
            <h3>
              {kind} {name}: {before === '' ? t('will be made') : before === after ? t('stays as it is') : t('will be changed')}
            </h3>
            {later && <p class="quiet">{t('Its namespace is made by the same manifest, so that the server judges it then.')}</p>}
            {warnings.map((warning) => (
              <p key={warning} class="banner" role="alert">
                {warning}
              </p>
            ))}
            <Diff before={before} after={after} label={`${kind} ${name}`} />
          </section>
        ),
      )}
    </>
  );
}
