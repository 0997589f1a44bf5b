import { isReason } from '../../api/errors.ts';
import type { Node } from '../../api/generated/core-v1.ts';
import { configMaps, nodes as nodeResource } from '../../api/generated/resources.ts';
import { UserError } from '../../base/user-error.ts';
import { connectionError } from '../../client/connection-error.ts';
import { createHttpClient, type HttpClient } from '../../client/http-client.ts';
import type { Client } from '../../client/client.ts';
import { addressPlan, hasIPv6, hostOf, linkBetween, linkFault, seeEachOther, type AddressPlan, type LinkKind, type Machine } from '../../machine/index.ts';
import { claimClusterNumber, clusterNumberOf, holderOf, releaseClusterNumber } from '../cluster-number.ts';
import { CLUSTER_NUMBERS, requireMachine, type LaunchTools } from '../launch.ts';
import { isJoined, type ClusterConfig, type JoinedCluster, type Profile } from '../profile.ts';
import { annotationsOf, machineAddressOf, machinesOf, type MachineSelf } from './annotations.ts';
import { discoverAuthority, explained, parseHash, parseServer } from './discover.ts';
import { readIdentity, writeIdentity, type Identity } from './identity.ts';
import { JOIN_CONFIG, type JoinConfig } from './join-objects.ts';
import { nodeClient, startJoined } from './joined-node.ts';
import { removeJoined } from './leave-cluster.ts';
import { CLIENT_SIGNER, requestCertificate } from './request-certificate.ts';
import { numberGiven } from './take-number.ts';
import { addressTowards, describeMachine } from './this-machine.ts';
import { parseToken } from './token.ts';

export interface JoinRequest {
  /** `https://192.168.50.1:6443` */
  readonly server: string;
  readonly token: string;
  /** `sha256:…` of the authority's public key. */
  readonly hash: string;
  /** Of the node. */
  readonly name: string;
  readonly backend?: LinkKind;
  /** Absent: as the first machine has it. */
  readonly egress?: boolean;
  readonly registryMirrors?: Readonly<Record<string, string>>;
}

/** Makes this machine a node of another machine's cluster. Resolves when the node is ready; where that fails, all is as before. */
export async function joinCluster(profile: Profile, request: JoinRequest, tools: LaunchTools): Promise<JoinedCluster> {
  const { steps, clock } = tools;
  const server = parseServer(request.server);
  const token = parseToken(request.token);
  const hash = parseHash(request.hash);
  requireFree(profile);
  requireMachine();
  const authority = await steps.step(`cluster at ${server}`, () => discoverAuthority(server, token, hash));
  using bootstrap = createHttpClient({ server, ca: authority, token: `${token.id}.${token.secret}`, userAgent: 'wherry-join' });
  const config = await readJoinConfig(bootstrap, server);
  const plan = addressPlan(config.index);
  const host = await addressTowards(server).catch((error: NodeJS.ErrnoException) => { throw explained(connectionError(error, new URL(server)), server); });
  const { self } = await describeMachine(profile, host, { ...(request.backend && { wants: request.backend }), remedy: 'try again' });
  const known = identityFor(profile, authority, request.name);
  await checkPlace(await listNodes(bootstrap), plan, self, { name: request.name, resumed: known !== undefined, dual: config.dual });
  // From here on the folder is ours, and a failure removes it.
  if (!known) profile.claimFolder();
  claimNumber(profile, config.index);
  let joined: JoinedCluster | undefined;
  try {
    const identity = known ?? { authority, node: request.name, client: await steps.step('certificate of the node', () => requestCertificate(bootstrap, clock, { node: request.name, signerName: CLIENT_SIGNER })) };
    writeIdentity(profile, identity);
    using client = nodeClient(server, identity);
    const index = await steps.step('addresses of the node', () => register(client, request.name, plan, self, tools));
    joined = {
      layout: 1, profile: profile.name, index: config.index, runtime: 'containerd', egress: request.egress ?? config.egress, ...(config.dual && { ipFamily: 'dual' }), apiPort: config.apiPort, nodes: [{ name: request.name, index }],
      registryMirrors: request.registryMirrors ?? {}, addons: [], joined: { server, address: host, ...(request.backend && { backend: request.backend }), volumes: config.volumes }, createdAt: clock.now(),
    };
    profile.write(joined);
    await startJoined(profile, joined, tools);
    return joined;
  } catch (error) {
    await removeJoined(profile, joined ?? shellOf(profile, config, request.name, server, host), tools).catch((left: unknown) => tools.log.error('cannot take back what a join that failed had made', { error: left }));
    throw error;
  }
}

/** What a join that failed early is taken away by. */
function shellOf(profile: Profile, { index, apiPort, volumes, dual }: JoinConfig, name: string, server: string, address: string): JoinedCluster {
  return { layout: 1, profile: profile.name, index, runtime: 'containerd', egress: false, ...(dual && { ipFamily: 'dual' }), apiPort, nodes: [{ name, index: 1 }], registryMirrors: {}, addons: [], joined: { server, address, volumes }, createdAt: 0 };
}

function requireFree(profile: Profile): void {
  const existing: ClusterConfig | undefined = profile.read();
  if (isJoined(existing)) {
    throw new UserError(`this machine is the node ${existing.nodes[0]!.name} of the cluster at ${existing.joined.server} already`, `wherry start takes it up again; wherry node leave${option(profile)} ends it; --profile NAME makes another`);
  }
  if (existing) throw new UserError(`the profile "${profile.name}" is a cluster of this machine's own`, 'another profile for the node: wherry node join … --profile NAME');
}

const option = ({ name }: Profile): string => (name === 'wherry' ? '' : ` --profile ${name}`);

/** A join that was killed left its certificate, with which it goes on. */
function identityFor(profile: Profile, authority: string, node: string): Identity | undefined {
  const found = readIdentity(profile);
  return found?.authority === authority && found.node === node ? found : undefined;
}

async function readJoinConfig(client: HttpClient, server: string): Promise<JoinConfig> {
  try {
    const { data } = await client.get(configMaps, JOIN_CONFIG);
    const config = JSON.parse(data?.['config.json'] ?? '{}') as JoinConfig;
    if (config.dual && !hasIPv6()) throw new UserError('the cluster has addresses of both families, and this machine has no IPv6', 'a kernel with IPv6 (sysctl net.ipv6.conf.all.disable_ipv6=0), or a cluster without --ip-family dual');
    return config;
  } catch (error) {
    throw explained(error, server);
  }
}

async function listNodes(client: Client): Promise<readonly Node[]> {
  return (await client.list(nodeResource)).items;
}

/** Throws UserError where the name is taken or another machine of the cluster could not be reached, before anything is made. */
async function checkPlace(present: readonly Node[], plan: AddressPlan, self: MachineSelf, { name, resumed, dual }: { readonly name: string; readonly resumed: boolean; readonly dual: boolean }): Promise<void> {
  if (!resumed && present.some(({ metadata }) => metadata.name === name)) {
    throw new UserError(`the cluster has a node called ${name} already`, `another name: --name NAME; if that node is gone for good, on the first machine: wherry kubectl delete node ${name}`);
  }
  if (self.wants && !self.offers.includes(self.wants)) {
    const { fault, remedy } = (await linkFault(self.wants)) ?? { fault: 'it says that it cannot', remedy: 'another --backend' };
    throw new UserError(`this machine cannot do --backend ${self.wants}: ${fault}`, remedy);
  }
  const machines = machinesOf(present.filter(({ metadata }) => metadata.name !== name), plan);
  if (machines.some((machine) => hostOf(machine) === hostOf(self))) throw new UserError(`this machine (${hostOf(self)}) has a node of that cluster already`, 'wherry node add makes more on the first machine; a machine that joins has one');
  for (const machine of machines) if (!linkBetween({ ...self, nodes: [] }, machine, dual)) throw new UserError(...noLink(self, machine));
}

function noLink(self: MachineSelf, other: Machine): [message: string, remedy: string] {
  const wanted = self.wants ?? other.wants;
  if (wanted === 'host-gw' && !seeEachOther(self, other)) return [`there is a router between this machine (${self.address}) and ${other.address}, so that routes by host gateway do not reach`, 'leave out --backend, or --backend vxlan'];
  if (wanted === 'host-gw' && (!self.linkLocal || !other.linkLocal)) return [`routes of IPv6 by host gateway need a link-local address (fe80::…) on the interfaces with ${self.address} and ${other.address}`, 'leave out --backend, or --backend vxlan'];
  return [`${wanted ?? 'VXLAN'} is not possible between this machine (${self.address}, which has ${self.offers.join(', ')}) and ${other.address} (which has ${other.offers.join(', ')})`, 'another --backend, or a kernel (and wireguard-tools) that can, on both'];
}

/** Nodes have the addresses of their cluster's number, which on this machine must not be another's. */
function claimNumber(profile: Profile, index: number): void {
  if (clusterNumberOf(CLUSTER_NUMBERS, profile.folder) === index) return;
  try {
    claimClusterNumber(CLUSTER_NUMBERS, profile.folder, (number) => number === index);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const holder = holderOf(CLUSTER_NUMBERS, index);
    throw new UserError(`a cluster of this machine${holder === undefined ? '' : ` (in ${holder})`} has the addresses of the one that is to be joined (number ${index})`, 'remove it (wherry delete --profile NAME), or join from another machine');
  }
  if (clusterNumberOf(CLUSTER_NUMBERS, profile.folder) !== index) {
    releaseClusterNumber(CLUSTER_NUMBERS, profile.folder);
    throw new UserError(`the folder ${profile.folder} belongs to a cluster of another number`, 'another one: --data-dir DIR');
  }
}

/** Makes the node's object, and waits until the cluster gives it a range for its pods. Resolves to its number. */
async function register(client: Client, name: string, plan: AddressPlan, self: MachineSelf, { clock, signal }: LaunchTools): Promise<number> {
  const annotations = Object.fromEntries(Object.entries(annotationsOf(self)).filter((entry): entry is [string, string] => entry[1] !== null));
  try {
    await client.create(nodeResource, { metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' }, annotations: { ...annotations, 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } }, spec: {} });
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
    // Our own, of a join that was killed; or another machine's that came between look and deed.
    const address = machineAddressOf(await client.get(nodeResource, { name }));
    if (address === undefined || hostOf({ address }) !== hostOf(self)) throw new UserError(`the cluster has a node called ${name} already`, 'another name: --name NAME');
  }
  return numberGiven({ client, plan, clock, ...(signal && { signal }) }, name);
}
