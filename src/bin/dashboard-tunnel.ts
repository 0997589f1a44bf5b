import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { CLUSTER_NUMBERS } from '../cluster/launch.ts';
import { Profile } from '../cluster/profile.ts';
import { openTunnel } from '../cluster/tunnel.ts';
import type { Tunnel } from '../dashboard/tunnel.ts';

/** The tunnel of the cluster behind a context, for the dashboard's button; undefined where that cluster is none of this machine's. */
export function tunnelOf(contextName: string, server: string, tools: { readonly clock: Clock; readonly random: Random; readonly log: Log }): Tunnel | undefined {
  const found = findProfile(contextName, server);
  if (!found) return undefined;
  let open: AsyncDisposable | undefined;
  return {
    get isOpen() { return open !== undefined; },
    async open() { open ??= await openTunnel(found, found.mustRead(), { ...tools, onChange() {} }); },
    async [Symbol.asyncDispose]() { await open?.[Symbol.asyncDispose](); },
  };
}

function findProfile(name: string, server: string): Profile | undefined {
  if (!/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) return undefined;
  const elsewhere = existsSync(CLUSTER_NUMBERS) ? readdirSync(CLUSTER_NUMBERS, { withFileTypes: true }).flatMap((entry) => (entry.isSymbolicLink() ? [readlinkSync(join(CLUSTER_NUMBERS, entry.name))] : [])) : [];
  for (const folder of [undefined, ...elsewhere]) {
    const profile = new Profile(name, folder);
    const config = profile.read();
    if (config?.profile === name && server === `https://127.0.0.1:${config.apiPort}`) return profile;
  }
  return undefined;
}
