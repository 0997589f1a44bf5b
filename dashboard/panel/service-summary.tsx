import type { JSX } from 'preact';
import { pathOf, type Obj } from '../api.ts';
import { t } from '../language.ts';
import { slicesByService, tables } from '../store.ts';
import { ObjectLink, State } from '../ui.tsx';
import { addressesOf } from '../views/services.tsx';
import { Fact, Facts, Labels } from './facts.tsx';
import { Forward } from './forward.tsx';
import { PendingService } from './pending-service.tsx';

interface Port {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly nodePort?: number;
  readonly protocol?: string;
}

export function ServiceSummary({
  object: { spec },
  at,
}: {
  readonly object: Obj;
  readonly at: { readonly ns?: string; readonly name: string };
}): JSX.Element | null {
  const { ns = '', name } = at;
  const row = tables.services.get(`${ns}/${name}`);
  const slices = slicesByService.value.get(`${ns}/${name}`) ?? [];
  if (!row) return null;
  const points = slices.flatMap(({ ready, notReady }) => [
    ...ready.map((point) => ({ ...point, ok: true })),
    ...notReady.map((point) => ({ ...point, ok: false })),
  ]);
  const ready = points.filter(({ ok }) => ok);
  const ports = (spec.ports ?? []) as Port[];
  const addresses = addressesOf(row);
  const target = ready.find(({ pod }) => pod)?.pod;
  return (
    <>
      {row.pending && (
        <section class="lead">
          <p class="big">
            <State tone="busy">{t('External address: pending')}</State>
          </p>
          <PendingService row={row} />
        </section>
      )}
      {addresses.length > 0 && (
        <section class="lead">
          <p class="big">
            <State tone={ready.length > 0 ? 'ok' : 'busy'}>
              {ready.length > 0 ? t('Reachable at') : t('Has an address, and nobody behind it')}
            </State>
          </p>
          <p>
            {addresses.map((address) => (
              <a key={address} class="link" href={address} target="_blank" rel="noopener noreferrer">
                {address}
              </a>
            ))}
          </p>
        </section>
      )}
      <Facts title="Addresses">
        <Fact name="Type">{row.type}</Fact>
        <Fact name="Inside">{row.clusterIp === 'None' ? t('none of its own: names lead to the pods') : <code>{row.clusterIp}</code>}</Fact>
        <Fact name="Name">
          <code>
            {row.name}.{row.ns}.svc
          </code>
        </Fact>
        {row.external.length > 0 && (
          <Fact name="Outside">
            {row.external.map((address) => (
              <code key={address}>{address}</code>
            ))}
          </Fact>
        )}
        {ports.map((port) => (
          <Fact key={port.port} name={port.name || 'Port'}>
            {port.port}/{port.protocol ?? 'TCP'}{' '}
            <span class="quiet">
              → {t('{port} in the pods', { port: port.targetPort ?? port.port })}
              {port.nodePort ? `, ${t('{port} on every node', { port: port.nodePort })}` : ''}
            </span>
            {target && (port.protocol ?? 'TCP') === 'TCP' && <ForwardPort ns={ns} pod={target} target={port.targetPort ?? port.port} />}
          </Fact>
        ))}
        <Labels name="Picks pods with" of={row.selector} />
      </Facts>
      <section>
        <h3>{t('Who receives the traffic')}</h3>
        {points.length === 0 ? (
          <Nobody selector={row.selector} />
        ) : (
          <ul class="plain-list">
            {points.slice(0, 100).map(({ ip, pod, ok }) => (
              <li key={ip}>
                {pod ? <ObjectLink path={pathOf('pods', { ns, name: pod })}>{pod}</ObjectLink> : <span />}
                <code>{ip}</code>
                {ok && <Share of={ready.length} />}
                <State tone={ok ? 'ok' : 'busy'}>{ok ? t('ready') : t('not ready')}</State>
              </li>
            ))}
          </ul>
        )}
      </section>
    </>
  );
}

/** Every ready pod gets the same part, by chance. */
function Share({ of }: { readonly of: number }): JSX.Element {
  return (
    <span class="share" title={t('each request goes to one of them by chance')}>
      <i style={{ width: `${100 / of}%` }} />
      <small>{Math.round(100 / of)} %</small>
    </span>
  );
}

function Nobody({ selector }: { readonly selector: Readonly<Record<string, string>> }): JSX.Element {
  const wanted = Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
  return <p class="quiet">{wanted ? t('Nobody: no pod has the labels {wanted}.', { wanted }) : t('Nobody: it picks no pods.')}</p>;
}

/** A port by its name is the pod's matter. */
function ForwardPort({
  ns,
  pod,
  target,
}: {
  readonly ns: string;
  readonly pod: string;
  readonly target: number | string;
}): JSX.Element | null {
  return typeof target === 'number' ? (
    <p class="buttons">
      <Forward ns={ns} pod={pod} port={target} />
    </p>
  ) : null;
}
