import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ServiceRow } from '../../src/dashboard/rows/row.ts';
import { call } from '../api.ts';
import { t } from '../language.ts';
import { Command, notify } from '../ui.tsx';
import { pendingReason } from '../views/services.tsx';

interface TunnelState {
  readonly possible: boolean;
  readonly open: boolean;
  /** Another Kubernetes: no tunnel of ours reaches it. */
  readonly foreign: boolean;
}
const tunnel = signal<TunnelState | undefined>(undefined);

/** The event of a cluster of ours names the command with its profile. */
const tunnelCommand = (reason: string): string => /wherry tunnel(?: --profile \S+?(?=["\s]|$))?/.exec(reason)?.[0] ?? 'wherry tunnel';

async function ask(method: 'GET' | 'POST'): Promise<void> {
  try {
    tunnel.value = await call<TunnelState>(method, '/tunnel');
    if (method === 'POST') notify(t('The tunnel is open for as long as this dashboard runs.'));
  } catch (error) {
    notify((error as Error).message, 'bad');
  }
}

/** Why a service has no external address, and what gives it one. */
export function PendingService({ row }: { readonly row: ServiceRow }): JSX.Element {
  useEffect(() => void ask('GET'), []);
  const reason = pendingReason(row);
  return (
    <>
      <p>{reason}</p>
      <p class="quiet">
        {tunnel.value?.foreign
          ? t('An external address is for the infrastructure to give: in a cloud it comes by itself, elsewhere a load balancer gives it that somebody installed, such as MetalLB.')
          : t('An external address is for the infrastructure to give: a cloud’s load balancer, or here the tunnel, which plays that part.')}
      </p>
      {tunnel.value?.possible ? (
        <p class="buttons">
          <button type="button" class="primary" disabled={tunnel.value.open} onClick={() => void ask('POST')}>
            {tunnel.value.open ? t('The tunnel is open') : t('Open the tunnel')}
          </button>
        </p>
      ) : (
        tunnel.value && !tunnel.value.foreign && <Command text={tunnelCommand(reason)} />
      )}
    </>
  );
}
