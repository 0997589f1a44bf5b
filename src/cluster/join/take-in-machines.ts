import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { InformerFactory } from '../../client/informer.ts';
import type { AddressPlan } from '../../machine/index.ts';
import type { ClusterPki } from '../pki.ts';
import type { ClusterConfig, Profile } from '../profile.ts';
import { startDepartures } from './departures.ts';
import { ensureJoinObjects } from './join-objects.ts';
import { keepMachineLinks } from './keep-links.ts';
import { volumesFolder } from '../local-volumes.ts';
import { startServingApprover } from './serving-approver.ts';
import { describeMachine } from './this-machine.ts';

export interface TakeInOptions {
  readonly profile: Profile;
  readonly config: ClusterConfig & { readonly listenAddress: string };
  readonly pki: ClusterPki;
  readonly plan: AddressPlan;
  /** Of the administrator, in process. */
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the server does so that other machines can join, be reached, and leave. */
export async function takeInMachines({ profile, config, pki, plan, client, informers, clock, log }: TakeInOptions): Promise<AsyncDisposable> {
  await using onFailure = new AsyncDisposableStack();
  const stack = onFailure.use(new AsyncDisposableStack());
  const { listenAddress, index, apiPort, egress, ipFamily } = config;
  await ensureJoinObjects(client, { server: `https://${listenAddress}:${apiPort}`, authority: pki.authority.certificate, config: { index, apiPort, egress, dual: ipFamily === 'dual', volumes: volumesFolder(profile) } });
  const machine = await describeMachine(profile, listenAddress, { remedy: 'another one: wherry start --listen-address ADDRESS, or none' });
  stack.use(startServingApprover({ client, informers, plan, clock, log }));
  stack.use(startDepartures({ client, informers, clock, log }));
  // Nodes of this machine may be added and deleted while it runs.
  stack.use(keepMachineLinks({ client, informers, plan, clock, log, names: () => profile.mustRead().nodes.map(({ name }) => name), ...machine }));
  return stack.move();
}
