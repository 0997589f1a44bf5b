import { isReason } from '../../api/errors.ts';
import type { Node } from '../../api/generated/core-v1.ts';
import { nodes as nodeResource } from '../../api/generated/resources.ts';
import type { Clock } from '../../base/clock.ts';
import { UserError } from '../../base/user-error.ts';
import type { Client } from '../../client/client.ts';
import type { AddressPlan } from '../../machine/index.ts';
import { MAX_NODES, nodeName, type NodeConfig } from '../profile.ts';
import { machineAddressOf, numberOf } from './annotations.ts';

/** A machine that joins may be given the number that was free when we looked; then the next one is tried. */
const ATTEMPTS = 10;
const PATIENCE_MS = 30_000;

export interface TakeNumberOptions {
  readonly client: Client;
  readonly profile: string;
  readonly plan: AddressPlan;
  /** The nodes of this machine. */
  readonly present: readonly NodeConfig[];
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** The first number that neither a node of this machine nor any Node has. Throws UserError where there is none. */
export async function freeNumber({ client, present, plan, profile }: TakeNumberOptions): Promise<NodeConfig> {
  const taken = new Set([...present.map(({ index }) => index), ...(await client.list(nodeResource)).items.map((node) => numberOf(node, plan))]);
  const index = Array.from({ length: MAX_NODES }, (_, i) => i + 1).find((i) => !taken.has(i));
  if (index === undefined) throw new UserError(`the cluster has ${MAX_NODES} nodes, which is all its addresses are for`);
  return { name: nodeName(profile, index), index };
}

/**
 * Takes a number for a new node of this machine while other machines may take one in the same instant. They all get it from one who gives it, the node IPAM controller, as the
 * pod range of a Node that they made; a node of this machine is called by its number, so that it must be the one that it asked for. Resolves with its Node made.
 */
export async function takeNumber(options: TakeNumberOptions): Promise<NodeConfig> {
  const { client, plan, present } = options;
  const left = (await client.list(nodeResource)).items.find((node) => wasBegun(node, options));
  if (left) return { name: left.metadata.name, index: numberOf(left, plan)! };
  const skipped: NodeConfig[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const wanted = await freeNumber({ ...options, present: [...present, ...skipped] });
    const { name } = wanted;
    try {
      await client.create(nodeResource, { metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' }, annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } }, spec: {} });
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
      // Another machine's node is called so.
      skipped.push(wanted);
      continue;
    }
    try {
      if ((await numberGiven(options, name)) === wanted.index) return wanted;
    } catch (error) {
      await client.delete(nodeResource, { name });
      throw error;
    }
    await client.delete(nodeResource, { name });
  }
  throw new UserError('other machines took every number that this one asked for', 'try again');
}

/** Whether the Node is what an addition that was killed left: it was never heard of, and is no other machine's. */
function wasBegun(node: Node, { profile, plan, present }: TakeNumberOptions): boolean {
  const index = numberOf(node, plan);
  return index !== undefined && node.metadata.name === nodeName(profile, index) && !present.some((one) => one.index === index)
    && machineAddressOf(node) === undefined && !(node.status?.conditions ?? []).some(({ type }) => type === 'Ready');
}

/** Waits until the cluster gives the Node a range for its pods. Resolves to the number that this is. */
export async function numberGiven({ client, plan, clock, signal }: Pick<TakeNumberOptions, 'client' | 'plan' | 'clock' | 'signal'>, name: string): Promise<number> {
  const patience = new AbortController();
  const until = signal ? AbortSignal.any([signal, patience.signal]) : patience.signal;
  using _limit = clock.timer(PATIENCE_MS, () => patience.abort(new UserError(`the cluster gave the node ${name} no addresses in ${PATIENCE_MS / 1000} s`, `on the first machine: wherry kubectl describe node ${name}`)));
  for await (const { object } of await client.watch(nodeResource, { fieldSelector: `metadata.name=${name}`, signal: until })) {
    const number = numberOf(object, plan);
    if (number !== undefined) return number;
    if (object.spec?.podCIDR) throw new UserError(`the cluster gave the node the range ${object.spec.podCIDR}, for which there are no addresses`, 'a cluster has up to 189 nodes');
  }
  throw until.reason ?? new Error('the server ended the watch of the node');
}
