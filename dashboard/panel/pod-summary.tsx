import type { JSX } from 'preact';
import type { Tone } from '../../src/dashboard/rows/row.ts';
import { pathOf, type Obj } from '../api.ts';
import { bytes, cores } from '../format.ts';
import { many, t } from '../language.ts';
import { conditionWords, statusWords } from '../plain-words.ts';
import { go } from '../route.ts';
import { tables, usage } from '../store.ts';
import { Age, ObjectLink, State } from '../ui.tsx';
import { AskWhy } from './ask-why.tsx';
import { Fact, Facts } from './facts.tsx';
import { Forward, ForwardAny } from './forward.tsx';

interface ContainerState {
  readonly running?: { readonly startedAt: string };
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: { readonly exitCode: number; readonly reason?: string; readonly finishedAt?: string };
}
interface Container {
  readonly name: string;
  readonly image: string;
  readonly init?: boolean;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly containerPort: number; readonly protocol?: string }[];
}
interface Status {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

export function PodSummary({ pod }: { readonly pod: Obj }): JSX.Element {
  const { spec, status = {}, metadata } = pod;
  const row = tables.pods.get(`${metadata.namespace}/${metadata.name}`);
  const used = usage.value?.pods[`${metadata.namespace}/${metadata.name}`];
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])] as Status[];
  const conditions = (status.conditions ?? []) as { type: string; status: string; reason?: string; message?: string }[];
  const meaning = row && statusWords(row.status);
  return (
    <>
      <section class="lead">
        {row && (
          <p class="big">
            <State tone={row.tone}>{row.status}</State>
          </p>
        )}
        {row && row.tone !== 'ok' && meaning && <p>{t(meaning)}</p>}
        {row?.why && <p class="quiet">{row.why}</p>}
        {row && <AskWhy tone={row.tone} />}
      </section>
      <Facts title="Where">
        <Fact name="Node">
          {spec.nodeName ? <ObjectLink path={pathOf('nodes', { name: spec.nodeName })}>{spec.nodeName}</ObjectLink> : t('none yet')}
        </Fact>
        {status.podIP && (
          <Fact name="Address">
            <code>{status.podIP}</code>
          </Fact>
        )}
        {used && <Fact name="Uses">{t('{cpu} of CPU, {memory} of memory', { cpu: cores(used[0]), memory: bytes(used[1]) })}</Fact>}
        <Fact name="Conditions">
          <span class="labels">
            {conditions.map(({ type, status: value, message }) => (
              <code key={type} class={value === 'True' ? 'yes' : 'no'} title={[conditionWords(type) && t(conditionWords(type)!), message].filter(Boolean).join(': ')}>
                {value === 'True' ? '✓' : '✗'} {type}
              </code>
            ))}
          </span>
        </Fact>
      </Facts>
      <section>
        <h3>{t('Containers')}</h3>
        {[...(spec.initContainers ?? []).map((each: object) => ({ ...each, init: true })), ...spec.containers].map(
          (container: Container) => {
            const of = statuses.find(({ name }) => name === container.name);
            const { tone, text } = stateOf(of);
            return (
              <article class="card" key={container.name}>
                <p>
                  <State tone={tone}>{container.name}</State>
                  {container.init && <small>{t('first')}</small>} <span class="quiet">{text}</span>
                </p>
                <p>
                  <code>{container.image}</code>
                </p>
                {(container.command || container.args) && (
                  <p class="quiet">
                    <code>{[...(container.command ?? []), ...(container.args ?? [])].join(' ')}</code>
                  </p>
                )}
                <p class="quiet">
                  {[
                    ...(of && of.restartCount > 0 ? [many(of.restartCount, 'one restart', '{n} restarts')] : []),
                    ...(container.ports ?? []).map(({ containerPort, protocol }) => `${containerPort}/${protocol ?? 'TCP'}`),
                  ].join(' · ')}
                </p>
                <p class="buttons">
                  <button type="button" onClick={() => go({ params: { tab: 'logs' } }, true)}>
                    {t('Logs')}
                  </button>
                  {of?.state?.running && (
                    <button type="button" onClick={() => go({ params: { tab: 'shell' } }, true)}>
                      {t('Shell')}
                    </button>
                  )}
                  {of?.state?.running
                    && (container.ports ?? [])
                      .filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP')
                      .map(({ containerPort }) => (
                        <Forward key={containerPort} ns={metadata.namespace!} pod={metadata.name} port={containerPort} />
                      ))}
                  {of?.state?.running && !container.ports?.length && <ForwardAny ns={metadata.namespace!} pod={metadata.name} />}
                </p>
              </article>
            );
          },
        )}
      </section>
    </>
  );
}

function stateOf(status: Status | undefined): { readonly tone: Tone; readonly text: JSX.Element | string } {
  const { running, waiting, terminated } = status?.state ?? {};
  if (running)
    return {
      tone: status!.ready ? 'ok' : 'busy',
      text: (
        <>
          {t('runs since')} <Age since={Date.parse(running.startedAt)} />
          {status!.ready ? '' : `, ${t('not ready')}`}
        </>
      ),
    };
  if (terminated)
    return {
      tone: terminated.exitCode === 0 ? 'done' : 'bad',
      text: `${t('ended with exit code {code}', { code: terminated.exitCode })}${terminated.reason ? ` (${terminated.reason})` : ''}`,
    };
  const quiet = !waiting?.reason || /^(ContainerCreating|PodInitializing)$/.test(waiting.reason);
  return { tone: quiet ? 'busy' : 'bad', text: waiting?.message?.replace(/ container=\S+ pod=\S+$/, '') ?? waiting?.reason ?? t('not started yet') };
}
