import type { Pod } from '../api/generated/core-v1.ts';
import { keyOf } from '../api/object.ts';
import type { Labels } from '../api/selector.ts';
import type { AddressFamily } from '../base/address-family.ts';
import type { Protocol } from './policy-table.ts';

/** What policies ask about a pod. */
export interface PodFacts {
  readonly namespace: string;
  readonly labels: Labels;
  readonly address: string;
  /** Container ports that have a name. */
  readonly namedPorts: readonly { readonly name: string; readonly protocol: Protocol; readonly port: number }[];
  /** On this node. */
  readonly local: boolean;
}

export interface PodFactsOptions {
  readonly nodeName: string;
  readonly family: AddressFamily;
  /** By key of the pod. */
  readonly early?: ReadonlyMap<string, EarlyAddresses>;
}

/** Addresses of a pod that the API does not know yet. */
export interface EarlyAddresses {
  readonly pod: Pod;
  readonly addresses: readonly string[];
}

/**
 * The pods that have an address of their own, each address once. Pods of the host's network are no pods to network policy: neither
 * subject nor peer. Where an address is told of two pods, one of which is not gone yet, it is the later one's.
 */
export function podFacts(pods: readonly Pod[], options: PodFactsOptions): PodFacts[] {
  const owners = new Map<string, Pod>();
  const known = new Set(pods.map(({ metadata }) => metadata.uid));
  const unheardOf = [...(options.early?.values() ?? [])].map(({ pod }) => pod).filter(({ metadata }) => !known.has(metadata.uid));
  for (const pod of [...pods, ...unheardOf]) {
    const address = addressOf(pod, options);
    if (!address) continue;
    const other = owners.get(address);
    if (!other || isLater(pod, other)) owners.set(address, pod);
  }
  return [...owners].map(([address, pod]) => ({
    namespace: pod.metadata.namespace, labels: pod.metadata.labels ?? {}, address, namedPorts: namedPorts(pod), local: pod.spec?.nodeName === options.nodeName,
  }));
}

/** Whether it has ended for good: its address may be another's by now. */
export function hasEnded(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Whether a change of a pod changes anything for network policy. An informer's states share what did not change. */
export function samePolicyFacts(a: Pod, b: Pod): boolean {
  return a.metadata.labels === b.metadata.labels && a.metadata.uid === b.metadata.uid && a.metadata.deletionTimestamp === b.metadata.deletionTimestamp
    && a.spec?.nodeName === b.spec?.nodeName && a.status?.podIP === b.status?.podIP && a.status?.podIPs === b.status?.podIPs && hasEnded(a) === hasEnded(b);
}

function addressOf(pod: Pod, { family, early }: PodFactsOptions): string | undefined {
  if (pod.spec?.hostNetwork || hasEnded(pod)) return undefined;
  const { podIP, podIPs = [] } = pod.status ?? {};
  const known = [...podIPs.map(({ ip }) => ip), ...(podIP ? [podIP] : [])];
  const told = early?.get(keyOf(pod));
  return (told?.pod.metadata.uid === pod.metadata.uid ? told!.addresses : known).find((address) => family.has(address));
}

function isLater(pod: Pod, than: Pod): boolean {
  const [ends, otherEnds] = [pod, than].map((one) => one.metadata.deletionTimestamp !== undefined);
  return ends === otherEnds ? pod.metadata.creationTimestamp > than.metadata.creationTimestamp : !ends;
}

function namedPorts(pod: Pod): PodFacts['namedPorts'] {
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...sidecars, ...(pod.spec?.containers ?? [])].flatMap(({ ports = [] }) => ports.flatMap(({ name, protocol = 'TCP', containerPort }) => (
    name ? [{ name, protocol: protocol.toLowerCase() as Protocol, port: containerPort }] : []
  )));
}
