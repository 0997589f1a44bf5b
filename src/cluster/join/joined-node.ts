import { nodes as nodeResource } from '../../api/generated/resources.ts';
import type { Clock } from '../../base/clock.ts';
import { UserError } from '../../base/user-error.ts';
import { connectionError } from '../../client/connection-error.ts';
import { createHttpClient, type HttpClient } from '../../client/http-client.ts';
import type { Log } from '../../base/log.ts';
import { makeFabric, startNodeProcess, type LaunchTools } from '../launch.ts';
import type { JoinedCluster, NodeConfig, Profile } from '../profile.ts';
import { endUnfinished } from '../daemon.ts';
import { explained } from './discover.ts';
import { isOld, readIdentity, writeIdentity, type Identity } from './identity.ts';
import { CLIENT_SIGNER, requestCertificate, SERVING_SIGNER } from './request-certificate.ts';
import { addressTowards } from './this-machine.ts';

export function mustReadIdentity(profile: Profile): Identity {
  const identity = readIdentity(profile);
  if (!identity) throw new UserError(`the keys of the joined node are gone from ${profile.folder}`, `wherry node leave --profile ${profile.name}, then join again`);
  return identity;
}

/** As the node itself, from this machine. */
export function nodeClient(server: string, { authority, client: { key, certificate } }: Identity, timeoutMs?: number): HttpClient {
  return createHttpClient({ server, ca: authority, certificate, key, userAgent: 'wherry-node', ...(timeoutMs !== undefined && { timeoutMs }) });
}

/** Starts what does not run of a joined node. Resolves when it is ready, to whether something had to be started. */
export async function startJoined(profile: Profile, config: JoinedCluster, tools: LaunchTools): Promise<boolean> {
  const { steps, clock, signal } = tools;
  const node = config.nodes[0]!;
  const { server } = config.joined;
  await endUnfinished(profile.nodePidFile(node.name), clock);
  // Where addresses are given out by the network, ours may be another than when we joined.
  const address = await addressTowards(server).catch((error: NodeJS.ErrnoException) => { throw explained(connectionError(error, new URL(server)), server); });
  if (address !== config.joined.address) profile.write(config = { ...config, joined: { ...config.joined, address } });
  const fabric = await steps.step('network of the node', () => makeFabric(config, tools));
  const started = await steps.step(`node ${node.name}`, () => startNodeProcess(profile, config, node, fabric, tools, signal));
  await steps.step('node ready', () => untilReady(profile, config, node, clock, signal));
  return started;
}

async function untilReady(profile: Profile, { joined }: JoinedCluster, { name }: NodeConfig, clock: Clock, signal?: AbortSignal): Promise<void> {
  using client = nodeClient(joined.server, mustReadIdentity(profile));
  const patience = new AbortController();
  const until = signal ? AbortSignal.any([signal, patience.signal]) : patience.signal;
  using _limit = clock.timer(60_000, () => patience.abort(new UserError(`the node ${name} is not ready after 60 s`, `wherry status, and the log ${profile.nodeLog(name)}`)));
  for await (const { object } of await client.watch(nodeResource, { fieldSelector: `metadata.name=${name}`, signal: until })) {
    if (object.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) return;
  }
  throw until.reason ?? new UserError('the API server ended the watch of the node', 'wherry status');
}

/** The node's certificates as its process uses them, renewed where their time nears its end; where the server does not answer, they do as they are. */
export async function currentIdentity(profile: Profile, options: { readonly server: string; readonly address: string; readonly clock: Clock; readonly log: Log }): Promise<Required<Identity>> {
  const { server, address, clock, log } = options;
  let identity = mustReadIdentity(profile);
  if (isOld(identity.client, clock.now()) || !identity.serving || isOld(identity.serving, clock.now())) {
    try {
      using client = nodeClient(server, identity);
      if (isOld(identity.client, clock.now())) identity = { ...identity, client: await requestCertificate(client, clock, { node: identity.node, signerName: CLIENT_SIGNER }) };
      identity = { ...identity, serving: await requestCertificate(client, clock, { node: identity.node, signerName: SERVING_SIGNER, address }) };
      writeIdentity(profile, identity);
    } catch (error) {
      if (!identity.serving) throw error;
      log.warn('cannot renew the certificates of the node', { error });
    }
  }
  return identity as Required<Identity>;
}
