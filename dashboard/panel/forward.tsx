import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { call } from '../api.ts';
import { t } from '../language.ts';
import { notify } from '../ui.tsx';

interface Forwarded {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
  readonly address: string;
}

/** What is open; the dashboard's process keeps it. */
const forwards = signal<readonly Forwarded[]>([]);
const refresh = async (): Promise<void> => {
  forwards.value = await call<readonly Forwarded[]>('GET', '/forwards');
};

interface ForwardProps {
  readonly ns: string;
  readonly pod: string;
  readonly port: number;
}

/** A pod's port on this machine, as a link. */
export function Forward({ ns, pod, port }: ForwardProps): JSX.Element {
  const busy = useSignal(false);
  useEffect(() => {
    refresh().catch((error: Error) => notify(error.message, 'bad'));
  }, []);
  const open = forwards.value.find((each) => each.namespace === ns && each.pod === pod && each.port === port);
  const change = async (method: 'POST' | 'DELETE'): Promise<void> => {
    busy.value = true;
    try {
      await call(method, `/forwards?${new URLSearchParams({ namespace: ns, pod, port: String(port) })}`);
      await refresh();
    } catch (error) {
      notify((error as Error).message, 'bad');
    }
    busy.value = false;
  };
  return open ? (
    <span class="forward">
      <a class="link" href={open.address} target="_blank" rel="noopener noreferrer">
        {open.address.replace(/^http:\/\/|\/$/g, '')}
      </a>
      <button type="button" disabled={busy.value} onClick={() => void change('DELETE')}>
        {t('Close the port')}
      </button>
    </span>
  ) : (
    <button
      type="button"
      disabled={busy.value}
      aria-label={t('Open port {port} of {pod} here', { port, pod })}
      onClick={() => void change('POST')}
    >
      {t('Open port {port} here', { port })}
    </button>
  );
}

/** The port to be typed, for pods that do not say theirs. */
export function ForwardAny({ ns, pod }: { readonly ns: string; readonly pod: string }): JSX.Element {
  const typed = useSignal('');
  const wanted = useSignal<number | undefined>(undefined);
  if (wanted.value !== undefined) return <Forward ns={ns} pod={pod} port={wanted.value} />;
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        wanted.value = Number(typed.value) || undefined;
      }}
    >
      <input
        type="number"
        min={1}
        max={65535}
        placeholder={t('port')}
        aria-label={t('Port of {pod}', { pod })}
        value={typed.value}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
      />
      <button disabled={!typed.value}>{t('Open here')}</button>
    </form>
  );
}
