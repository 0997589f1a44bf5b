import type { PodDisruptionBudget } from '../api/generated/policy-v1.ts';
import type { Pod } from '../api/generated/core-v1.ts';
import type { Random } from '../base/random.ts';
import { labelSelectorMatches, selectorOf } from '../api/selector.ts';
import type { ClusterView } from './cluster-cache.ts';
import { fitMessage, type Diagnosis } from './fit-error.ts';
import { type Rejection, unresolvable } from './rejection.ts';
import type { NodeInfo } from './node-info.ts';
import { NodeRejections } from './node-rejections.ts';
import type { Nominator } from './nominator.ts';
import type { PodInfo, PodTwins } from './pod-info.ts';
import type { CycleState, SchedulingCycle } from './scheduling-cycle.ts';

/** Pods that would have to leave a node. */
export interface Candidate {
  readonly node: string;
  /** The most important first. */
  readonly victims: readonly Pod[];
  /** How many victims their disruption budgets do not allow to go. */
  readonly violations: number;
}

/** Either a node to make room on, or why there is none; a nomination from before is then void where `nominatedNodeName` says so. */
export type PreemptionResult = { readonly candidate: Candidate } | { readonly message: string; readonly nominatedNodeName?: '' };

export interface PreemptionInput {
  readonly cycle: Pick<SchedulingCycle, 'filter' | 'isLocal' | 'twinsOf' | 'cloneState' | 'addPod' | 'removePod'>;
  readonly nominator: Pick<Nominator, 'versionOf' | 'nodeOf'>;
  readonly cluster: ClusterView;
  readonly budgets: readonly PodDisruptionBudget[];
  readonly random: Pick<Random, 'next'>;
  readonly pod: PodInfo;
  readonly state: CycleState;
  readonly diagnosis: Diagnosis;
}

/** So many candidates are enough to choose from: a tenth of the nodes, at least a hundred. */
const MIN_CANDIDATES = 100;

/**
 * Finds the node where the least harm is done by taking away less important pods, so that the pod fits.
 * Upstream: plugins/defaultpreemption, framework/preemption.
 */
export function findPreemption(input: PreemptionInput): PreemptionResult {
  const { cluster, diagnosis, random } = input;
  const refusal = ineligibility(input);
  if (refusal) return { message: `preemption: ${refusal}` };
  const all = cluster.nodes();
  let hopeful = 0;
  for (const [rejection, { count }] of diagnosis.rejections.counts()) if (!rejection.unresolvable) hopeful += count;
  const candidates: Candidate[] = [];
  let harmless = false;
  const refusals = new NodeRejections();
  const enough = Math.max(MIN_CANDIDATES, Math.trunc(hopeful / 10));
  const offset = Math.floor(random.next() * all.length);
  // With budgets the same victims may be allowed to go now and not then.
  const memorable = input.budgets.length === 0 && input.cycle.isLocal(input.state);
  const twins = input.cycle.twinsOf(input.pod);
  // Its own nomination is nothing to its twins.
  const own = input.nominator.nodeOf(input.pod.key);
  for (let i = 0; i < all.length && hopeful > 0; i++) {
    const node = all[(offset + i) % all.length]!;
    if (diagnosis.rejections.get(node.name)?.rejection.unresolvable !== false) continue;
    hopeful--;
    const result = memorable && node.name !== own ? rememberedVictims(input, twins, node) : selectVictims(input, node);
    if ('rejection' in result) refusals.add(node.name, { plugin: 'DefaultPreemption', rejection: result.rejection });
    else {
      candidates.push(result);
      harmless ||= result.violations === 0;
      if (harmless && candidates.length >= enough) break;
    }
  }
  if (candidates.length > 0) return { candidate: pickCandidate(candidates) };
  const message = fitMessage({ nodeCount: all.length, rejections: refusals, absent: unresolvable('Preemption is not helpful for scheduling'), rejectedBy: new Set() });
  return { message: `preemption: ${message}`, nominatedNodeName: '' };
}

const noVictims = unresolvable('No preemption victims found for incoming pod');

type Victims = Candidate | { readonly rejection: Rejection };

/** The same as `selectVictims`, of which a pod's twins need not be told again what has not changed since. */
function rememberedVictims(input: PreemptionInput, twins: PodTwins, node: NodeInfo): Victims {
  const { pod: { priority }, nominator } = input;
  const verdict = node.verdictOf(twins);
  const nominatorVersion = nominator.versionOf(node.name);
  const known = verdict?.preemption;
  if (known && known.priority === priority && known.nominatorVersion === nominatorVersion) return known.result as Victims;
  const result = selectVictims(input, node);
  if (verdict) verdict.preemption = { priority, nominatorVersion, result };
  return result;
}

/** Why the pod may not push others away, if so. */
function ineligibility({ pod: { pod, priority }, cluster, diagnosis }: PreemptionInput): string | undefined {
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = pod.status?.nominatedNodeName;
  if (!nominated || diagnosis.rejections.get(nominated)?.rejection.unresolvable) return undefined;
  for (const other of cluster.node(nominated)?.pods.values() ?? []) {
    if (other.priority < priority && isBeingPreempted(other.pod)) return 'not eligible due to a terminating pod on the nominated node.';
  }
  return undefined;
}

function isBeingPreempted({ metadata, status }: Pod): boolean {
  const condition = status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return metadata.deletionTimestamp !== undefined && condition?.status === 'True' && condition.reason === 'PreemptionByScheduler';
}

/** The fewest and least important pods that must leave the node. */
function selectVictims({ cycle, pod, state, budgets }: PreemptionInput, node: NodeInfo): Victims {
  const potential = [...node.pods.values()].filter((other) => other.priority < pod.priority);
  if (potential.length === 0) return { rejection: noVictims };
  const then = node.clone();
  const stateThen = cycle.cloneState(state);
  for (const other of potential) cycle.removePod(stateThen, pod, other, then);
  const rejected = cycle.filter(stateThen, pod, then);
  if (rejected) return { rejection: rejected.rejection };

  potential.sort(byImportance);
  const { violating, harmless } = splitByBudgets(potential, budgets);
  const victims: PodInfo[] = [];
  /** Brings a pod back if the new one still fits then. */
  const reprieve = (other: PodInfo): boolean => {
    cycle.addPod(stateThen, pod, other, then);
    if (!cycle.filter(stateThen, pod, then)) return true;
    cycle.removePod(stateThen, pod, other, then);
    victims.push(other);
    return false;
  };
  const violations = violating.filter((other) => !reprieve(other)).length;
  for (const other of harmless) reprieve(other);
  victims.sort(byImportance);
  return { node: node.name, victims: victims.map((victim) => victim.pod), violations };
}

const startOf = (pod: Pod): number => (pod.status?.startTime ? Date.parse(pod.status.startTime) : Infinity);

/** Higher priority first, then who has been running longer. */
function byImportance(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || (startOf(a.pod) === startOf(b.pod) ? 0 : startOf(a.pod) - startOf(b.pod));
}

/** Which pods their disruption budgets would not allow to go, if those before them went. */
export function splitByBudgets(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]): { readonly violating: PodInfo[]; readonly harmless: PodInfo[] } {
  const allowed = budgets.map((budget) => budget.status?.disruptionsAllowed ?? 0);
  const violating: PodInfo[] = [];
  const harmless: PodInfo[] = [];
  for (const info of pods) {
    const { namespace, labels, name } = info.pod.metadata;
    let violated = false;
    for (const [i, { metadata, spec, status }] of budgets.entries()) {
      if (!labels || Object.keys(labels).length === 0 || metadata.namespace !== namespace || selectorOf(spec.selector).empty || !labelSelectorMatches(spec.selector, labels)) continue;
      // The API server has counted this one already.
      if (status?.disruptedPods?.[name] !== undefined) continue;
      allowed[i] = allowed[i]! - 1;
      if (allowed[i]! < 0) violated = true;
    }
    (violated ? violating : harmless).push(info);
  }
  return { violating, harmless };
}

/** In this order: fewest broken budgets, least important first victim, smallest sum of priorities, fewest victims, youngest victims of the highest priority. */
export function pickCandidate(candidates: readonly Candidate[]): Candidate {
  let best = candidates[0]!;
  let least = harmOf(best);
  for (const candidate of candidates) {
    const harm = harmOf(candidate);
    if (compare(harm, least) >= 0) continue;
    best = candidate;
    least = harm;
  }
  return best;
}

/** The same candidates are weighed for one pod after the other. */
const harms = new WeakMap<Candidate, readonly number[]>();

function harmOf(candidate: Candidate): readonly number[] {
  let harm = harms.get(candidate);
  if (harm) return harm;
  const { victims, violations } = candidate;
  const priority = (pod: Pod): number => pod.spec.priority ?? 0;
  const highest = priority(victims[0]!);
  // Shifted so that a victim of negative priority still counts as one.
  const sum = victims.reduce((total, victim) => total + priority(victim) + 2 ** 31, 0);
  harm = [violations, highest, sum, victims.length, -Math.min(...victims.filter((victim) => priority(victim) === highest).map(startOf))];
  harms.set(candidate, harm);
  return harm;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return 0;
}
