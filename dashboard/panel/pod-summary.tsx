import type { JSX } from 'preact';
import type { Tone } from '../../src/dashboard/rows/row.ts';
import { pathOf, type Obj } from '../api.ts';
import { bytes, cores } from '../format.ts';
import { go } from '../route.ts';
import { tables, usage } from '../store.ts';
import { Age, ObjectLink, State } from '../ui.tsx';
import { Fact, Facts } from './facts.tsx';

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
interface Status { readonly name: string; readonly ready: boolean; readonly restartCount: number; readonly state?: ContainerState; readonly lastState?: ContainerState }

export function PodSummary({ pod }: { readonly pod: Obj }): JSX.Element {
  const { spec, status = {}, metadata } = pod;
  const row = tables.pods.get(`${metadata.namespace}/${metadata.name}`);
  const used = usage.value?.pods[`${metadata.namespace}/${metadata.name}`];
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])] as Status[];
  const conditions = (status.conditions ?? []) as { type: string; status: string; reason?: string; message?: string }[];
  return <>
    <section class="lead">
      {row && <p class="big"><State tone={row.tone}>{row.status}</State></p>}
      {row?.why && <p>{row.why}</p>}
    </section>
    <Facts title="Where">
      <Fact name="Node">{spec.nodeName ? <ObjectLink path={pathOf('nodes', { name: spec.nodeName })}>{spec.nodeName}</ObjectLink> : 'none yet'}</Fact>
      {status.podIP && <Fact name="Address"><code>{status.podIP}</code></Fact>}
      {used && <Fact name="Uses">{cores(used[0])} of CPU, {bytes(used[1])} of memory</Fact>}
      <Fact name="Conditions"><span class="labels">{conditions.map(({ type, status: value, message }) =>
        <code key={type} class={value === 'True' ? 'yes' : 'no'} title={message}>{value === 'True' ? '✓' : '✗'} {type}</code>)}</span></Fact>
    </Facts>
    <section><h3>Containers</h3>
      {[...(spec.initContainers ?? []).map((each: object) => ({ ...each, init: true })), ...spec.containers].map((container: Container) => {
        const of = statuses.find(({ name }) => name === container.name);
        const { tone, text } = stateOf(of);
        return <article class="card" key={container.name}>
          <p><State tone={tone}>{container.name}</State>{container.init && <small>first</small>} <span class="quiet">{text}</span></p>
          <p><code>{container.image}</code></p>
          {(container.command || container.args) && <p class="quiet"><code>{[...(container.command ?? []), ...(container.args ?? [])].join(' ')}</code></p>}
          <p class="quiet">{of && of.restartCount > 0 && <>{of.restartCount} restarts · </>}{container.ports?.map(({ containerPort, protocol }) => `${containerPort}/${protocol ?? 'TCP'}`).join(', ')}</p>
          <p class="buttons"><button type="button" onClick={() => go({ params: { tab: 'logs' } }, true)}>Logs</button>{of?.state?.running && <button type="button" onClick={() => go({ params: { tab: 'shell' } }, true)}>Shell</button>}</p>
        </article>;
      })}
    </section>
  </>;
}

function stateOf(status: Status | undefined): { readonly tone: Tone; readonly text: JSX.Element | string } {
  const { running, waiting, terminated } = status?.state ?? {};
  if (running) return { tone: status!.ready ? 'ok' : 'busy', text: <>runs since <Age since={Date.parse(running.startedAt)} />{status!.ready ? '' : ', not ready'}</> };
  if (terminated) return { tone: terminated.exitCode === 0 ? 'done' : 'bad', text: `ended with exit code ${terminated.exitCode}${terminated.reason ? ` (${terminated.reason})` : ''}` };
  const quiet = !waiting?.reason || /^(ContainerCreating|PodInitializing)$/.test(waiting.reason);
  return { tone: quiet ? 'busy' : 'bad', text: waiting?.message ?? waiting?.reason ?? 'not started yet' };
}
