import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Row, TableName, WorkloadRow } from '../../src/dashboard/rows/row.ts';
import { call, pathOf, type Obj } from '../api.ts';
import { t } from '../language.ts';
import { opened } from '../route.ts';
import { podsInWords, Squares } from '../squares.tsx';
import { healthOf, podsByWorkload, tables, workloadTableOf, type Table } from '../store.ts';
import { Age, attempt, ObjectLink, State } from '../ui.tsx';
import { AskWhy } from './ask-why.tsx';
import { Conditions, Fact, Facts } from './facts.tsx';
import { Revisions } from './revisions.tsx';
import { ScaleSlider } from './scale-slider.tsx';

export function WorkloadSummary({ object }: { readonly object: Obj }): JSX.Element | null {
  const {
    kind,
    metadata: { namespace = '', name },
    spec,
    status = {},
  } = object;
  const row = (tables[workloadTableOf[kind as WorkloadRow['kind']] as TableName] as unknown as Table<Row>).get(`${namespace}/${name}`) as
    WorkloadRow | undefined;
  const pods =
    kind === 'ReplicaSet'
      ? tables.pods.all().filter(({ ns, owner }) => ns === namespace && owner?.kind === kind && owner.name === name)
      : (podsByWorkload.value.get(`${kind}/${namespace}/${name}`) ?? []);
  if (!row) return null;
  const health = healthOf(row);
  return (
    <>
      <section class="lead">
        <p class="big">
          <State tone={health.tone}>{health.status}</State>
          {kind !== 'CronJob' && (
            <span>
              {t(kind === 'Job' ? '{ready} of {wanted} done' : '{ready} of {wanted} ready', { ready: row.ready, wanted: row.wanted })}
            </span>
          )}
          <ScaleSlider row={row} />
        </p>
        {health.why && <p>{health.why}</p>}
        <AskWhy tone={health.tone} />
        <Squares pods={pods} label={podsInWords(pods)} />
      </section>
      <Facts title={row.containers.length > 1 ? 'Images' : 'Image'}>
        {row.containers.map((container) => (
          <Fact key={container.name} name={container.name}>
            <ImageForm row={row} container={container} />
          </Fact>
        ))}
      </Facts>
      <section>
        <h3>{t('Pods')}</h3>
        <ul class="plain-list">
          {[...pods]
            .sort((a, b) => b.born - a.born)
            .slice(0, 50)
            .map((pod) => (
              <li key={pod.uid}>
                <ObjectLink path={pathOf('pods', pod)}>{pod.name}</ObjectLink>
                <State tone={pod.tone}>{pod.status}</State>
                <span class="quiet">{pod.node}</span>
                <span class="quiet">
                  <Age since={pod.born} />
                </span>
              </li>
            ))}
        </ul>
        {pods.length > 50 && <p class="quiet">{t('and {n} more', { n: pods.length - 50 })}</p>}
        {pods.length === 0 && <p class="quiet">{t('None.')}</p>}
      </section>
      <Revisions object={object} />
      {kind !== 'ReplicaSet' && <Facts title="How">
        {kind === 'Deployment' && <Fact name="Rollout">{rolloutInWords(spec.strategy)}</Fact>}
        {(kind === 'StatefulSet' || kind === 'DaemonSet') && <Fact name="Rollout">{updateInWords(kind, spec.updateStrategy)}</Fact>}
        {row.schedule && (
          <Fact name="Schedule">
            <code>{row.schedule}</code>
          </Fact>
        )}
        <Conditions of={status.conditions} />
      </Facts>}
    </>
  );
}

function rolloutInWords(
  strategy:
    | {
        readonly type?: string;
        readonly rollingUpdate?: { readonly maxSurge?: number | string; readonly maxUnavailable?: number | string };
      }
    | undefined,
): string {
  const { maxSurge = '25%', maxUnavailable = '25%' } = strategy?.rollingUpdate ?? {};
  return strategy?.type === 'Recreate'
    ? t('all at once, after the old ones are gone')
    : t('step by step, up to {more} more, up to {fewer} fewer', { more: maxSurge, fewer: maxUnavailable });
}

/** How a stateful set or a daemon set goes over to a new template. */
function updateInWords(
  kind: string,
  strategy:
    | { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number; readonly maxUnavailable?: number | string; readonly maxSurge?: number | string } }
    | undefined,
): string {
  if (strategy?.type === 'OnDelete') return t('only those pods that somebody deletes');
  const { partition = 0, maxUnavailable = 1, maxSurge = 0 } = strategy?.rollingUpdate ?? {};
  if (kind === 'StatefulSet') return partition > 0 ? t('one after the other, down to number {n}', { n: partition }) : t('one after the other, the last one first');
  return t('step by step, up to {more} more, up to {fewer} fewer', { more: maxSurge, fewer: maxUnavailable });
}

function ImageForm({
  row,
  container: { name, image },
}: {
  readonly row: WorkloadRow;
  readonly container: { readonly name: string; readonly image: string };
}): JSX.Element {
  const typed = useSignal<string | undefined>(undefined);
  if (row.kind === 'Job' || row.kind === 'CronJob') return <code>{image}</code>;
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const wanted = typed.value?.trim();
    if (!wanted || wanted === image) return;
    const body = { spec: { template: { spec: { containers: [{ name, image: wanted }] } } } };
    if (
      await attempt(t('{name} goes over to {image}.', { name: row.name, image: wanted }), () =>
        call('PATCH', opened.value, { body, type: 'application/strategic-merge-patch+json' }),
      )
    )
      typed.value = undefined;
  };
  const changed = typed.value !== undefined && typed.value.trim() !== image;
  return (
    <form class="image" onSubmit={(event) => void submit(event)}>
      <input
        class="mono"
        aria-label={t('Image of {name}', { name })}
        spellcheck={false}
        value={typed.value ?? image}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
      />
      {changed && <button class="primary">{t('Roll out')}</button>}
    </form>
  );
}
