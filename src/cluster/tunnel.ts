import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Service } from '../api/generated/core-v1.ts';
import { startBalancer } from '../balancer/index.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { UserError } from '../base/user-error.ts';
import { createInformerFactory } from '../client/informer-factory.ts';
import { addressPlan, findProcess, recordProcess } from '../machine/index.ts';
import { clientOf } from './cluster-client.ts';
import { hostRoutes } from './host-routes.ts';
import { isOnMachine } from './join/annotations.ts';
import type { ClusterConfig, Profile } from './profile.ts';

export interface TunnelOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  onChange(change: { readonly service: Service; readonly address: string | undefined }): void;
}

/** Gives every service of type LoadBalancer an address that this machine reaches; disposing takes all back. Throws UserError where it cannot be or is not needed. */
export async function openTunnel(profile: Profile, config: ClusterConfig, options: TunnelOptions): Promise<AsyncDisposable> {
  if (config.runtime === 'simulated') throw new UserError('simulated pods cannot be reached, so there is nothing to tunnel to', 'wherry addons enable load-balancer gives addresses for show');
  if (!findProcess(profile.serverPidFile)) throw new UserError(`the cluster "${profile.name}" does not run`, 'wherry start');
  if (config.addons.includes('load-balancer')) throw new UserError('the load-balancer add-on gives addresses already', 'no tunnel is needed');
  if (process.getuid?.() !== 0) throw new UserError('a tunnel makes routes, which only root may', `sudo wherry tunnel --data-dir ${profile.folder}`);
  const pidFile = join(profile.runDir, 'tunnel.pid');
  const other = findProcess(pidFile);
  if (other) throw new UserError(`a tunnel of this cluster runs already (process ${other.pid})`);
  recordProcess(pidFile, process.pid);
  await using onFailure = new AsyncDisposableStack();
  const stack = onFailure.use(new AsyncDisposableStack());
  stack.defer(() => rmSync(pidFile, { force: true }));
  const client = stack.use(clientOf(profile, config, { userAgent: 'wherry-tunnel' }));
  const informers = stack.use(createInformerFactory({ client, ...options }));
  const plan = addressPlan(config.index);
  stack.use(await startBalancer({ client, informers, pool: plan.loadBalancerPool, isNear: (node) => isOnMachine(node, config.listenAddress), routes: hostRoutes(plan), takeBack: true, ...options }));
  return stack.move();
}
