import type { Random } from '../base/random.ts';
import type { ClusterView } from './cluster-cache.ts';
import type { Diagnosis } from './fit-error.ts';
import { MAX_SCORE, type SchedulerPlugin } from './framework.ts';
import { type NodeRejection, unresolvable } from './rejection.ts';
import type { NodeInfo, Verdict } from './node-info.ts';
import { NodeRejections } from './node-rejections.ts';
import type { Nominator } from './nominator.ts';
import { twinsOf, type PodInfo, type PodTwins } from './pod-info.ts';
import { StandingRejections } from './standing-rejections.ts';

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
  /** Which profile this is: twins under one profile are none under another. */
  readonly profile?: string;
  /** Told of each part of a cycle, when it is over. `now`: monotonic milliseconds. */
  readonly parts?: { now(): number; took(point: 'PreFilter' | 'Filter' | 'Score', isSuccess: boolean, ms: number): void } | undefined;
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
  /** Places of the plugins that filter, the local ones and the others, and of those that score. */
  readonly #localFilters: readonly number[];
  readonly #otherFilters: readonly number[];
  readonly #localScorers: readonly number[];
  readonly #scorers: readonly number[];
  /** Where the next search begins, so that all nodes get their turn when searches stop early. */
  #start = 0;
  readonly #standing: StandingRejections;
  /** How often which plugin was asked, by its place. */
  readonly #evaluations: Readonly<Record<'preFilter' | 'filter' | 'score', number[]>>;

  constructor(options: SchedulingCycleOptions) {
    this.#options = options;
    const none = (): number[] => options.plugins.map(() => 0);
    this.#evaluations = { preFilter: none(), filter: none(), score: none() };
    this.#standing = new StandingRejections(options.cluster, options.nominator);
    const withMethod = (method: 'filter' | 'score'): number[] => options.plugins.flatMap(({ plugin }, i) => (plugin[method] ? [i] : []));
    const isLocal = (i: number): boolean => options.plugins[i]!.plugin.local === true;
    this.#localFilters = withMethod('filter').filter(isLocal);
    this.#otherFilters = withMethod('filter').filter((i) => !isLocal(i));
    this.#scorers = withMethod('score');
    this.#localScorers = this.#scorers.filter(isLocal);
  }

  /** How often a plugin was asked at which point; what is remembered of twins is not asked again. */
  *evaluations(): Generator<{ readonly plugin: string; readonly point: 'PreFilter' | 'Filter' | 'Score'; readonly count: number }> {
    for (const [i, { plugin: { name } }] of this.#options.plugins.entries()) {
      for (const [point, counts] of [['PreFilter', this.#evaluations.preFilter], ['Filter', this.#evaluations.filter], ['Score', this.#evaluations.score]] as const) {
        if (counts[i]! > 0) yield { plugin: name, point, count: counts[i]! };
      }
    }
  }

  run(pod: PodInfo): CycleResult {
    const { cluster, plugins, nominator } = this.#options;
    const all = cluster.nodes();
    const state: CycleState = [];
    let allowed: ReadonlySet<string> | undefined;
    const restrictedBy: string[] = [];
    const { parts } = this.#options;
    let began = parts?.now() ?? 0;
    const over = (point: 'PreFilter' | 'Filter' | 'Score', isSuccess: boolean): void => {
      if (!parts) return;
      const now = parts.now();
      parts.took(point, isSuccess, now - began);
      began = now;
    };
    for (const [i, { plugin }] of plugins.entries()) {
      if (plugin.preFilter) this.#evaluations.preFilter[i]!++;
      const result = plugin.preFilter ? plugin.preFilter(pod) : { state: undefined };
      if (result === 'skip') {
        state[i] = undefined;
      } else if ('rejected' in result) {
        over('PreFilter', false);
        return { fits: false, state, diagnosis: { nodeCount: all.length, rejections: new NodeRejections(), preFilter: result.rejected, rejectedBy: new Set([plugin.name]) } };
      } else {
        state[i] = result;
        if (!result.nodeNames) continue;
        const { nodeNames } = result;
        allowed = allowed ? new Set([...allowed].filter((name) => nodeNames.has(name))) : nodeNames;
        restrictedBy.push(plugin.name);
      }
    }

    over('PreFilter', true);
    const feasible: NodeInfo[] = [];
    const twins = this.twinsOf(pod);
    const others = this.#otherFilters.filter((i) => state[i]);
    // Room was made for this pod: it need not look further, if there is room by now.
    const nominated = cluster.node(nominator.nodeOf(pod.key) ?? '');
    const memorable = others.length === 0 && !allowed && !nominated;
    const standing = memorable ? this.#standing.recall(twins, pod.priority) : undefined;
    const rejections = standing?.rejections ?? new NodeRejections();
    const tryNode = (node: NodeInfo): void => {
      const verdict = this.#verdict(twins, state, pod, node);
      const rejected = verdict.rejected ?? (others.length > 0 ? this.#filterOnce(others, state, pod, node) : undefined) ?? (nominator.empty ? undefined : this.#besideWaiting(verdict, others.length === 0, state, pod, node));
      if (!rejected) feasible.push(node);
      if (standing) rejections.set(node.name, rejected);
      else if (rejected) rejections.add(node.name, rejected);
    };
    if (nominated && (!allowed || allowed.has(nominated.name))) tryNode(nominated);
    let evaluated = 1;
    if (standing) {
      for (const node of standing.suspects) tryNode(node);
      evaluated = standing.suspects.size;
    } else if (feasible.length === 0) {
      const candidates = allowed ? [...allowed].flatMap((name) => cluster.node(name) ?? []) : all;
      const enough = enoughNodes(candidates.length, this.#options.percentageOfNodesToScore);
      const start = allowed ? 0 : this.#start;
      for (evaluated = 0; evaluated < candidates.length && feasible.length < enough; evaluated++) {
        const node = candidates[(start + evaluated) % candidates.length]!;
        if (node !== nominated) tryNode(node);
      }
      if (!allowed && all.length > 0) this.#start = (start + evaluated) % all.length;
    }
    if (standing || (memorable && feasible.length === 0)) this.#standing.remember(twins, pod.priority, rejections, feasible);
    over('Filter', feasible.length > 0);
    if (feasible.length === 0) {
      const rejectedBy = new Set(restrictedBy);
      for (const { plugin } of rejections.counts().values()) rejectedBy.add(plugin);
      const absent = allowed && unresolvable(`node(s) didn't satisfy plugin(s) [${restrictedBy.sort().join(' ')}]`);
      return { fits: false, state, diagnosis: { nodeCount: all.length, rejections, rejectedBy, ...(absent && { absent }) } };
    }
    const scores = feasible.length === 1 ? [] : this.#score(twins, state, pod, feasible);
    if (feasible.length > 1) over('Score', true);
    const node = scores.length === 0 ? feasible[0]! : cluster.node(scores[0]!.node)!;
    return { fits: true, node, state, evaluated, feasible: feasible.length, rejections, scores };
  }

  /** Pods of which this cycle finds the same on any node. */
  twinsOf(pod: PodInfo): PodTwins {
    return twinsOf(pod, this.#options.profile);
  }

  /**
   * Whether the pod fits on the node now, and also when the pods have come that wait for room there and are no less important.
   * Upstream: RunFilterPluginsWithNominatedPods.
   */
  filter(state: CycleState, pod: PodInfo, node: NodeInfo): NodeRejection | undefined {
    return this.#filterAll(state, pod, node) ?? this.#filterWithWaiting(state, pod, node);
  }

  /** Whether nothing but node, pod and the pods that wait for room there decides if the pod fits: then what was found holds until one of them changes. */
  isLocal(state: CycleState): boolean {
    return this.#otherFilters.every((i) => !state[i]);
  }

  /** `filterWithWaiting`, from memory where nothing but the node and those who wait for it decides. */
  #besideWaiting(verdict: Verdict, memorable: boolean, state: CycleState, pod: PodInfo, node: NodeInfo): NodeRejection | undefined {
    const nominatorVersion = this.#options.nominator.versionOf(node.name);
    if (nominatorVersion === 0) return undefined;
    const { priority } = pod;
    // What is the pod's own nomination is nothing to twins that are not nominated here.
    const own = this.#options.nominator.nodeOf(pod.key) === node.name;
    const known = verdict.besideWaiting;
    if (memorable && !own && known && known.priority === priority && known.nominatorVersion === nominatorVersion) return known.rejected;
    const rejected = interned(this.#filterWithWaiting(state, pod, node));
    if (memorable && !own) verdict.besideWaiting = { priority, nominatorVersion, rejected };
    return rejected;
  }

  #filterWithWaiting(state: CycleState, pod: PodInfo, node: NodeInfo): NodeRejection | undefined {
    const waiting: PodInfo[] = [];
    for (const other of this.#options.nominator.on(node.name)) if (other.priority >= pod.priority && other.key !== pod.key && !node.pods.has(other.key)) waiting.push(other);
    if (waiting.length === 0) return undefined;
    const then = node.clone();
    const stateThen = this.cloneState(state);
    for (const other of waiting) this.addPod(stateThen, pod, other, then);
    return this.#filterAll(stateThen, pod, then);
  }

  #filterAll(state: CycleState, pod: PodInfo, node: NodeInfo): NodeRejection | undefined {
    return this.#filterOnce(this.#localFilters, state, pod, node) ?? this.#filterOnce(this.#otherFilters, state, pod, node);
  }

  /** What the local plugins say, from memory if nothing has changed. */
  #verdict(twins: PodTwins, state: CycleState, pod: PodInfo, node: NodeInfo): Verdict {
    let verdict = node.verdictOf(twins);
    if (!verdict) node.setVerdict(twins, (verdict = { rejected: interned(this.#filterOnce(this.#localFilters, state, pod, node)), scores: undefined, preemption: undefined, besideWaiting: undefined }));
    return verdict;
  }

  #filterOnce(filters: readonly number[], state: CycleState, pod: PodInfo, node: NodeInfo): NodeRejection | undefined {
    for (const i of filters) {
      const own = state[i];
      if (!own) continue;
      const { plugin } = this.#options.plugins[i]!;
      this.#evaluations.filter[i]!++;
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
  #score(twins: PodTwins, cycleState: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): NodeScore[] {
    const { plugins } = this.#options;
    for (const i of this.#scorers) this.#evaluations.score[i]!++;
    const states = this.#scorers.map((i) => plugins[i]!.plugin.preScore?.(pod, nodes));
    const scoreLocally = (node: NodeInfo): Verdict['scores'] => {
      const each = this.#localScorers.map((i) => {
        const state = states[this.#scorers.indexOf(i)];
        return state === 'skip' ? 0 : plugins[i]!.plugin.score!(state, pod, node);
      });
      // What needs no comparison with other nodes is added up at once.
      const sum = this.#localScorers.reduce((total, i, place) => total + (plugins[i]!.plugin.normalize || states[this.#scorers.indexOf(i)] === 'skip' ? 0 : checked(plugins[i]!, node, each[place]!) * plugins[i]!.weight), 0);
      return { each, sum };
    };
    const known: NonNullable<Verdict['scores']>[] = [];
    const totals: number[] = [];
    for (const node of nodes) {
      const verdict = this.#verdict(twins, cycleState, pod, node);
      const scores = (verdict.scores ??= scoreLocally(node))!;
      known.push(scores);
      totals.push(scores.sum);
    }
    const parts: { readonly name: string; readonly of: (n: number) => number }[] = [];
    for (const [s, i] of this.#scorers.entries()) {
      const { plugin, weight } = plugins[i]!;
      const state = states[s];
      if (state === 'skip') continue;
      const local = this.#localScorers.indexOf(i);
      if (local >= 0 && !plugin.normalize) {
        parts.push({ name: plugin.name, of: (n) => known[n]!.each[local]! * weight });
        continue;
      }
      const scores = local >= 0 ? known.map(({ each }) => each[local]!) : nodes.map((node) => plugin.score!(state, pod, node));
      plugin.normalize?.(state, scores, nodes);
      for (let n = 0; n < scores.length; n++) totals[n] = totals[n]! + (scores[n] = checked(plugins[i]!, nodes[n]!, scores[n]!) * weight);
      parts.push({ name: plugin.name, of: (n) => scores[n]! });
    }
    return bestOf(totals, this.#options.random).map((n) => ({ node: nodes[n]!.name, total: totals[n]!, byPlugin: Object.fromEntries(parts.map(({ name, of }) => [name, of(n)])) }));
  }
}

const rejections = new Map<string, NodeRejection>();
const REJECTIONS_KEPT = 1024;

/** One object for all equal ones, so that thousands of them are counted by looking at which object they are. */
function interned(rejected: NodeRejection | undefined): NodeRejection | undefined {
  if (!rejected) return undefined;
  const { plugin, rejection: { reasons, unresolvable: hopeless } } = rejected;
  const key = `${plugin} ${hopeless} ${reasons.join()}`;
  const known = rejections.get(key);
  if (known) return known;
  if (rejections.size >= REJECTIONS_KEPT) rejections.clear();
  rejections.set(key, rejected);
  return rejected;
}

function checked({ plugin }: WeightedPlugin, node: NodeInfo, score: number): number {
  if (!(score >= 0 && score <= MAX_SCORE)) throw new Error(`plugin ${plugin.name} scored ${node.name} with ${score}`);
  return score;
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
  let equal = 0;
  for (const total of totals) if (total === highest) equal++;
  let chosen = -1;
  for (let left = Math.floor(random.next() * equal); left >= 0; left--) chosen = totals.indexOf(highest, chosen + 1);
  return [chosen, ...best.filter((n) => n !== chosen)].slice(0, SCORES_KEPT);
}

/** How many fitting nodes are enough to choose from. Upstream: numFeasibleNodesToFind. */
export function enoughNodes(all: number, percentage: number): number {
  if (all < MIN_FEASIBLE_NODES) return all;
  const share = percentage || Math.max(MIN_FEASIBLE_PERCENTAGE, 50 - Math.trunc(all / 125));
  return Math.max(MIN_FEASIBLE_NODES, Math.trunc((all * share) / 100));
}
