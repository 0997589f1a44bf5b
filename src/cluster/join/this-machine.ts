import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { UserError } from '../../base/user-error.ts';
import { linkLocalAddress, machineAddress, offeredLinks, type EnterNetwork, type LinkKind } from '../../machine/index.ts';
import type { Profile } from '../profile.ts';
import type { MachineSelf } from './annotations.ts';
import { wireguardKeys } from './identity.ts';

const CONNECT_MS = 10_000;

/** What the other machines are to know of this one, and its private key, base64, where it can do WireGuard. */
export async function describeMachine(profile: Profile, host: string, options: { readonly wants?: LinkKind; readonly enter?: EnterNetwork; readonly remedy: string }): Promise<{ readonly self: MachineSelf; readonly wireguardKey?: string }> {
  const { wants, enter, remedy } = options;
  const address = await machineAddress(host, enter);
  if (address === undefined) throw new UserError(`this machine has no address ${host}`, remedy);
  const offers = await offeredLinks(enter);
  const linkLocal = await linkLocalAddress(host, enter);
  const keys = offers.includes('wireguard') ? wireguardKeys(profile) : undefined;
  return { self: { address, offers, ...(wants && { wants }), ...(keys && { wireguardKey: keys.publicKey }), ...(linkLocal !== undefined && { linkLocal }) }, ...(keys && { wireguardKey: keys.privateKey }) };
}

/** The addresses at which other machines may find this one; not those of bridges of ours. */
export function ownAddresses(): string[] {
  return Object.entries(networkInterfaces()).filter(([name]) => !/^wherry\d+(-|$)/.test(name))
    .flatMap(([, rows]) => (rows ?? []).filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address));
}

/** This machine's own address on the way to the server. Rejects with the socket's fault where nothing answers. */
export async function addressTowards(server: string): Promise<string> {
  const { hostname, port } = new URL(server);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port || 443), timeout: CONNECT_MS });
    socket.once('connect', () => {
      resolve(socket.localAddress!);
      socket.destroy();
    });
    socket.once('timeout', () => socket.destroy(Object.assign(new Error(`no answer in ${CONNECT_MS / 1000} s`), { code: 'ETIMEDOUT' })));
    socket.once('error', reject);
  });
}
