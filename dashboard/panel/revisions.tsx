import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { stringify } from 'yaml';
import { call, type Obj } from '../api.ts';
import { Diff } from '../editor/diff.tsx';
import { t } from '../language.ts';
import { opened } from '../route.ts';
import { Age, attempt, ObjectLink } from '../ui.tsx';

interface Revision {
  readonly number: number;
  readonly path: string;
  readonly name: string;
  readonly made: number;
  readonly images: string;
  readonly cause: string | undefined;
  /** The template of its pods, as text without what tells revisions apart. */
  readonly template: string;
  /** What, sent as a patch, brings it back. */
  readonly patch: { readonly body: unknown; readonly type: string };
}

const KINDS = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

/** The revisions of a workload's template, what tells them apart, and the way back to them. */
export function Revisions({ object }: { readonly object: Obj }): JSX.Element | null {
  const revisions = useSignal<readonly Revision[]>([]);
  const compared = useSignal<number | undefined>(undefined);
  const { kind, metadata } = object;
  useEffect(() => {
    if (!KINDS.has(kind)) return;
    let ended = false;
    revisionsOf(object).then(
      (found) => {
        if (!ended) revisions.value = found;
      },
      (error: Error) => console.warn(error.message),
    );
    return () => {
      ended = true;
    };
  }, [metadata.uid, metadata.generation, object.status?.observedGeneration]);
  const [newest] = revisions.value;
  if (revisions.value.length < 2) return null;
  const current = stringify(templateOf(object.spec.template), { lineWidth: 0 });
  const back = (revision: Revision): Promise<boolean> =>
    attempt(t('{name} goes back to revision {n}.', { name: metadata.name, n: revision.number }), () =>
      call('PATCH', opened.value, revision.patch),
    );
  return (
    <section>
      <h3>{t('Revisions')}</h3>
      <ul class="plain-list revisions">
        {revisions.value.map((revision) => (
          <li key={revision.path}>
            <span>
              <b>{revision.number}</b>{' '}
              <ObjectLink path={revision.path}>
                <code>{revision.images}</code>
              </ObjectLink>
              {revision.cause && <small>{revision.cause}</small>}
            </span>
            <span class="quiet">
              <Age since={revision.made} />
            </span>
            {revision === newest ? (
              <span class="quiet">{t('the present one')}</span>
            ) : (
              <button
                type="button"
                aria-expanded={compared.value === revision.number}
                onClick={() => {
                  compared.value = compared.value === revision.number ? undefined : revision.number;
                }}
              >
                {t('Compare')}
              </button>
            )}
            {compared.value === revision.number && (
              <div class="compared">
                <Diff
                  before={current}
                  after={revision.template}
                  label={t('what changes when revision {n} comes back', { n: revision.number })}
                />
                <p class="buttons">
                  <button
                    type="button"
                    class="primary"
                    onClick={() => {
                      compared.value = undefined;
                      void back(revision);
                    }}
                  >
                    {t('Roll back to revision {n}', { n: revision.number })}
                  </button>
                </p>
              </div>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

async function revisionsOf({ kind, metadata: { namespace, uid } }: Obj): Promise<readonly Revision[]> {
  const resource = kind === 'Deployment' ? 'replicasets' : 'controllerrevisions';
  const base = `/apis/apps/v1/namespaces/${namespace}/${resource}`;
  const { items } = await call<{ readonly items: readonly (Obj & { readonly revision?: number; readonly data?: any })[] }>('GET', base);
  return items
    .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid))
    .map((item): Revision => {
      const { name, creationTimestamp, annotations } = item.metadata;
      const raw = kind === 'Deployment' ? item.spec.template : item.data?.spec?.template;
      const template = templateOf(raw);
      return {
        number: kind === 'Deployment' ? Number(annotations?.['deployment.kubernetes.io/revision'] ?? 0) : (item.revision ?? 0),
        path: `${base}/${name}`,
        name,
        made: Date.parse(creationTimestamp),
        images: (template.spec?.containers ?? []).map(({ image }: { readonly image?: string }) => image ?? '').join(', '),
        cause: annotations?.['kubernetes.io/change-cause'],
        template: stringify(template, { lineWidth: 0 }),
        patch:
          kind === 'Deployment'
            ? { body: [{ op: 'replace', path: '/spec/template', value: template }], type: 'application/json-patch+json' }
            : { body: item.data, type: 'application/strategic-merge-patch+json' },
      };
    })
    .sort((a, b) => b.number - a.number);
}

/** Without the label that the deployment controller gives each replica set. */
function templateOf({
  $patch: _,
  metadata: { labels: { 'pod-template-hash': _hash, ...labels } = {}, creationTimestamp: _c, ...metadata } = {},
  ...template
}: any): any {
  return { metadata: { ...metadata, labels }, ...template };
}
