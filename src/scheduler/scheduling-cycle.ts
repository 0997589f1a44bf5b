import type { Random } from '../base/random.ts';
import type { ClusterView } from './cluster-cache.ts';
import type { Diagnosis } from './fit-error.ts';
import { MAX_SCORE, unresolvable, type Rejection, type SchedulerPlugin } from './framework.ts';
import type { NodeInfo } from './node-info.ts';
import type { Nominator } from './nominator.ts';
import type { PodInfo } from './pod-info.ts';

export interface WeightedPlugin {
  readonly plugin: SchedulerPlugin;
  /** Of its scores; of no account where it does not score. */
  readonly weight: number;
}

/** What the plugins keep about one pod during its cycle, by their place in the list; `undefined` stands for "nothing to filter". */
export type CycleState = ({ readonly state: unknown } | undefined)[];

export interface NodeScore {
  readonly node: string;
  readonly total: number;
  /** Weighted. */
  readonly byPlugin: Readonly<Record<string, number>>;
}

export type CycleResult =
  | { readonly fits: true; readonly node: NodeInfo; readonly state: CycleState; readonly evaluated: number; readonly feasible: number; readonly rejections: Diagnosis['rejections']; /** The best first. */ readonly scores: readonly NodeScore[] }
  | { readonly fits: false; readonly diagnosis: Diagnosis; readonly state: CycleState };

export interface SchedulingCycleOptions {
  readonly plugins: readonly WeightedPlugin[];
  readonly cluster: ClusterView;
  readonly nominator: Nominator;
  readonly random: Pick<Random, 'next'>;
  /** Of all nodes, how many percent of fitting ones are enough to choose from; 0: fewer the more nodes there are. */
  readonly percentageOfNodesToScore: number;
}

/** Fewer fitting nodes than this are never enough. */
const MIN_FEASIBLE_NODES = 100;
const MIN_FEASIBLE_PERCENTAGE = 5;
/** How many of the best nodes the record of a decision keeps. */
const SCORES_KEPT = 10;

/** Finds the best node for one pod after another. Upstream: scheduler schedule_one.go. */
export class SchedulingCycle {
  readonly #options: SchedulingCycleOptions;
  readonly #filters: readonly number[];
  readonly #scorers: readonly number[];
  /** Where the next search begins, so that all nodes get their turn when searches stop early. */
  #start = 0;

  constructor(options: SchedulingCycleOptions) {
    this.#options = options;
    const withMethod = (method: 'filter' | 'score'): number[] => options.plugins.flatMap(({ plugin }, i) => (plugin[method] ? [i] : []));
    this.#filters = withMethod('filter');
    this.#scorers = withMethod('score');
  }

  run(pod: PodInfo): CycleResult {
    const { cluster, plugins, nominator } = this.#options;
    const all = cluster.nodes();
    const state: CycleState = [];
    let allowed: ReadonlySet<string> | undefined;
    const restrictedBy: string[] = [];
    for (const [i, { plugin }] of plugins.entries()) {
      const result = plugin.preFilter ? plugin.preFilter(pod) : { state: undefined };
      if (result === 'skip') {
        state[i] = undefined;
      } else if ('rejected' in result) {
        return { fits: false, state, diagnosis: { nodeCount: all.length, rejections: new Map(), preFilter: result.rejected, rejectedBy: new Set([plugin.name]) } };
      } else {
        state[i] = result;
        if (!result.nodeNames) continue;
        const { nodeNames } = result;
        allowed = allowed ? new Set([...allowed].filter((name) => nodeNames.has(name))) : nodeNames;
        restrictedBy.push(plugin.name);
      }
    }

    const rejections = new Map<string, { readonly plugin: string; readonly rejection: Rejection }>();
    const feasible: NodeInfo[] = [];
    const tryNode = (node: NodeInfo): void => {
      const rejected = this.filter(state, pod, node);
      if (rejected) rejections.set(node.name, rejected);
      else feasible.push(node);
    };
    // Room was made for this pod: it need not look further, if there is room by now.
    const nominated = cluster.node(nominator.nodeOf(pod.key) ?? '');
    if (nominated && (!allowed || allowed.has(nominated.name))) tryNode(nominated);
    let evaluated = 1;
    if (feasible.length === 0) {
      const candidates = allowed ? [...allowed].flatMap((name) => cluster.node(name) ?? []) : all;
      const enough = enoughNodes(candidates.length, this.#options.percentageOfNodesToScore);
      const start = allowed ? 0 : this.#start;
      for (evaluated = 0; evaluated < candidates.length && feasible.length < enough; evaluated++) {
        const node = candidates[(start + evaluated) % candidates.length]!;
        if (node !== nominated) tryNode(node);
      }
      if (!allowed && all.length > 0) this.#start = (start + evaluated) % all.length;
    }
    if (feasible.length === 0) {
      const rejectedBy = new Set([...[...rejections.values()].map(({ plugin }) => plugin), ...restrictedBy]);
      const absent = allowed && unresolvable(`node(s) didn't satisfy plugin(s) [${restrictedBy.sort().join(' ')}]`);
      return { fits: false, state, diagnosis: { nodeCount: all.length, rejections, rejectedBy, ...(absent && { absent }) } };
    }
    const scores = feasible.length === 1 ? [] : this.#score(pod, feasible);
    const node = scores.length === 0 ? feasible[0]! : cluster.node(scores[0]!.node)!;
    return { fits: true, node, state, evaluated, feasible: feasible.length, rejections, scores };
  }

  /**
   * Whether the pod fits on the node now, and also when the pods have come that wait for room there and are no less important.
   * Upstream: RunFilterPluginsWithNominatedPods.
   */
  filter(state: CycleState, pod: PodInfo, node: NodeInfo): { readonly plugin: string; readonly rejection: Rejection } | undefined {
    const waiting: PodInfo[] = [];
    for (const other of this.#options.nominator.on(node.name)) if (other.priority >= pod.priority && other.key !== pod.key && !node.pods.has(other.key)) waiting.push(other);
    if (waiting.length > 0) {
      const then = node.clone();
      const stateThen = this.cloneState(state);
      for (const other of waiting) this.addPod(stateThen, pod, other, then);
      const rejected = this.#filterOnce(stateThen, pod, then);
      if (rejected) return rejected;
    }
    return this.#filterOnce(state, pod, node);
  }

  #filterOnce(state: CycleState, pod: PodInfo, node: NodeInfo): { readonly plugin: string; readonly rejection: Rejection } | undefined {
    for (const i of this.#filters) {
      const own = state[i];
      if (!own) continue;
      const { plugin } = this.#options.plugins[i]!;
      const rejected = plugin.filter!(own.state, pod, node);
      if (rejected) return { plugin: plugin.name, rejection: rejected };
    }
    return undefined;
  }

  cloneState(state: CycleState): CycleState {
    return this.#options.plugins.map(({ plugin }, i) => (state[i] && plugin.cloneState ? { state: plugin.cloneState(state[i].state) } : state[i]));
  }

  /** Puts `other` on the node, in a state and a node that are clones. */
  addPod(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo): void {
    node.add(other);
    for (const [i, { plugin }] of this.#options.plugins.entries()) if (state[i]) plugin.addPod?.(state[i].state, pod, other, node);
  }

  removePod(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo): void {
    node.remove(other.key);
    for (const [i, { plugin }] of this.#options.plugins.entries()) if (state[i]) plugin.removePod?.(state[i].state, pod, other, node);
  }

  /** The best nodes with their scores; among equals chance decides. */
  #score(pod: PodInfo, nodes: readonly NodeInfo[]): NodeScore[] {
    const totals = nodes.map(() => 0);
    const parts: { readonly name: string; readonly scores: number[] }[] = [];
    for (const i of this.#scorers) {
      const { plugin, weight } = this.#options.plugins[i]!;
      const state = plugin.preScore?.(pod, nodes);
      if (state === 'skip') continue;
      const scores = nodes.map((node) => plugin.score!(state, pod, node));
      plugin.normalize?.(state, scores, nodes);
      for (let n = 0; n < scores.length; n++) {
        if (!(scores[n]! >= 0 && scores[n]! <= MAX_SCORE)) throw new Error(`plugin ${plugin.name} scored ${nodes[n]!.name} with ${scores[n]}`);
        totals[n] = totals[n]! + (scores[n] = scores[n]! * weight);
      }
      parts.push({ name: plugin.name, scores });
    }
    return bestOf(totals, this.#options.random).map((n) => ({ node: nodes[n]!.name, total: totals[n]!, byPlugin: Object.fromEntries(parts.map(({ name, scores }) => [name, scores[n]!])) }));
  }
}

/** The places of the highest numbers, highest first; which of several equal highest is first, chance decides. */
function bestOf(totals: readonly number[], random: Pick<Random, 'next'>): number[] {
  const best: number[] = [];
  for (let n = 0; n < totals.length; n++) {
    if (best.length === SCORES_KEPT && totals[best.at(-1)!]! >= totals[n]!) continue;
    let at = best.length;
    while (at > 0 && totals[best[at - 1]!]! < totals[n]!) at--;
    best.splice(at, 0, n);
    if (best.length > SCORES_KEPT) best.pop();
  }
  const highest = totals[best[0]!]!;
  const equal = totals.flatMap((total, n) => (total === highest ? [n] : []));
  const chosen = equal[Math.floor(random.next() * equal.length)]!;
  return [chosen, ...best.filter((n) => n !== chosen)].slice(0, SCORES_KEPT);
}

/** How many fitting nodes are enough to choose from. Upstream: numFeasibleNodesToFind. */
export function enoughNodes(all: number, percentage: number): number {
  if (all < MIN_FEASIBLE_NODES) return all;
  const share = percentage || Math.max(MIN_FEASIBLE_PERCENTAGE, 50 - Math.trunc(all / 125));
  return Math.max(MIN_FEASIBLE_NODES, Math.trunc((all * share) / 100));
}
