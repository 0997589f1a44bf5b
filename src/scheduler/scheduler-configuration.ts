import { parse } from 'yaml';
import { parseDuration } from '../api/schema/time-text.ts';
import { UserError } from '../base/user-error.ts';

/** A point at which plugins are on or off: those switched off (or all, `*`), then those switched on, with their weight where they score. */
export interface PluginSet {
  readonly disabled: readonly string[];
  readonly enabled: readonly { readonly name: string; readonly weight?: number }[];
}

/** How much a resource counts when nodes are scored by it. */
export interface ResourceWeight {
  readonly name: string;
  readonly weight: number;
}

export interface ScoringStrategy {
  readonly type: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio';
  readonly resources: readonly ResourceWeight[];
  /** Scores (0 to 10) at shares in use (percent), with straight lines between them. */
  readonly shape: readonly { readonly utilization: number; readonly score: number }[];
}

/** What can be said of single plugins. */
export interface PluginArguments {
  readonly fit?: { readonly ignoredResources: readonly string[]; readonly ignoredResourceGroups: readonly string[]; readonly strategy: ScoringStrategy };
  readonly hardPodAffinityWeight?: number;
  /** Instead of the system's own: how pods are spread that say nothing of it. */
  readonly defaultConstraints?: readonly { readonly maxSkew: number; readonly topologyKey: string; readonly whenUnsatisfiable: string }[];
  /** How long it may take to find devices on one node (0: as long as it takes), and until they are ready. */
  readonly devices?: { readonly filterTimeoutMs?: number; readonly bindingTimeoutMs?: number };
}

/** Pods choose one by `spec.schedulerName`. */
export interface SchedulerProfile {
  readonly schedulerName: string;
  readonly percentageOfNodesToScore?: number;
  /** Switches for all points at once. */
  readonly multiPoint?: PluginSet;
  readonly filter?: PluginSet;
  readonly score?: PluginSet;
  readonly postFilter?: PluginSet;
  readonly arguments?: PluginArguments;
}

export interface SchedulerConfig {
  /** Default: one, `default-scheduler`. */
  readonly profiles?: readonly SchedulerProfile[];
  /** Of all nodes, how many percent of fitting ones are enough to choose from; 0, the default: fewer the more nodes there are. */
  readonly percentageOfNodesToScore?: number;
  readonly podInitialBackoffMs?: number;
  readonly podMaxBackoffMs?: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Parts of the document that say how a process runs, which here is no process of its own. */
const OF_NO_ACCOUNT = ['apiVersion', 'kind', 'parallelism', 'leaderElection', 'clientConnection', 'enableProfiling', 'enableContentionProfiling', 'delayCacheUntilActive'];
/** Points that follow from another here: a plugin that filters prepares for it. */
const FOLLOWING = ['preEnqueue', 'queueSort', 'preFilter', 'preScore', 'reserve', 'permit', 'preBind', 'bind', 'postBind'];

/**
 * Reads a KubeSchedulerConfiguration (`kubescheduler.config.k8s.io/v1`). Throws UserError, with where it is, for what is wrong or not to be had:
 * extenders, arguments of plugins other than NodeResourcesFit, InterPodAffinity, PodTopologySpread and DynamicResources, and switches of single points other than
 * filter, postFilter and score.
 */
export function readSchedulerConfiguration(text: string, source: string): SchedulerConfig {
  const document: unknown = parse(text);
  const root = fields(document, source, 'the document');
  if (root['kind'] !== 'KubeSchedulerConfiguration' || root['apiVersion'] !== 'kubescheduler.config.k8s.io/v1') {
    throw new UserError(`${source} holds no KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1`);
  }
  known(root, source, '', [...OF_NO_ACCOUNT, 'percentageOfNodesToScore', 'podInitialBackoffSeconds', 'podMaxBackoffSeconds', 'profiles']);
  const share = number(root, 'percentageOfNodesToScore', source, '');
  const [initial, most] = [number(root, 'podInitialBackoffSeconds', source, ''), number(root, 'podMaxBackoffSeconds', source, '')];
  const profiles = list(root, 'profiles', source, '').map((profile, i) => profileOf(profile, source, `profiles[${i}]`));
  const names = profiles.map(({ schedulerName }) => schedulerName);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new UserError(`${source}: two profiles have the schedulerName ${twice}`);
  return {
    ...(profiles.length > 0 && { profiles }), ...(share !== undefined && { percentageOfNodesToScore: share }),
    ...(initial !== undefined && { podInitialBackoffMs: initial * 1000 }), ...(most !== undefined && { podMaxBackoffMs: most * 1000 }),
  };
}

function profileOf(value: unknown, source: string, path: string): SchedulerProfile {
  const profile = fields(value, source, path);
  known(profile, source, path, ['schedulerName', 'percentageOfNodesToScore', 'plugins', 'pluginConfig']);
  const { schedulerName = 'default-scheduler' } = profile;
  if (typeof schedulerName !== 'string' || schedulerName === '') throw new UserError(`${source}: ${path}.schedulerName must be text`);
  const plugins = profile['plugins'] === undefined ? {} : fields(profile['plugins'], source, `${path}.plugins`);
  const single = FOLLOWING.find((point) => plugins[point] !== undefined);
  if (single) throw new UserError(`${source}: ${path}.plugins.${single} cannot be set alone`, 'multiPoint, filter, postFilter and score can');
  known(plugins, source, `${path}.plugins`, ['multiPoint', 'filter', 'postFilter', 'score']);
  const set = (point: 'multiPoint' | 'filter' | 'postFilter' | 'score'): Partial<Record<typeof point, PluginSet>> => (plugins[point] === undefined ? {} : { [point]: pluginSet(plugins[point], source, `${path}.plugins.${point}`) });
  const share = number(profile, 'percentageOfNodesToScore', source, path);
  const own = argumentsOf(list(profile, 'pluginConfig', source, path), source, `${path}.pluginConfig`);
  return { schedulerName, ...(share !== undefined && { percentageOfNodesToScore: share }), ...set('multiPoint'), ...set('filter'), ...set('postFilter'), ...set('score'), ...(own && { arguments: own }) };
}

function pluginSet(value: unknown, source: string, path: string): PluginSet {
  const set = fields(value, source, path);
  known(set, source, path, ['enabled', 'disabled']);
  const nameOf = (plugin: Fields, at: string): string => {
    if (typeof plugin['name'] !== 'string') throw new UserError(`${source}: ${at}.name is required`);
    return plugin['name'];
  };
  return {
    disabled: list(set, 'disabled', source, path).map((item, i) => nameOf(fields(item, source, `${path}.disabled[${i}]`), `${path}.disabled[${i}]`)),
    enabled: list(set, 'enabled', source, path).map((item, i) => {
      const at = `${path}.enabled[${i}]`;
      const plugin = fields(item, source, at);
      const weight = number(plugin, 'weight', source, at);
      return { name: nameOf(plugin, at), ...(weight && { weight }) };
    }),
  };
}

function argumentsOf(items: readonly unknown[], source: string, path: string): PluginArguments | undefined {
  let all: PluginArguments | undefined;
  for (const [i, item] of items.entries()) {
    const at = `${path}[${i}]`;
    const { name, args: given = {} } = fields(item, source, at);
    const args = fields(given, source, `${at}.args`);
    switch (name) {
      case 'NodeResourcesFit': {
        known(args, source, `${at}.args`, ['apiVersion', 'kind', 'ignoredResources', 'ignoredResourceGroups', 'scoringStrategy']);
        all = { ...all, fit: { ignoredResources: texts(args, 'ignoredResources', source, at), ignoredResourceGroups: texts(args, 'ignoredResourceGroups', source, at), strategy: strategyOf(args['scoringStrategy'], source, `${at}.args.scoringStrategy`) } };
        break;
      }
      case 'InterPodAffinity': {
        known(args, source, `${at}.args`, ['apiVersion', 'kind', 'hardPodAffinityWeight']);
        const hardPodAffinityWeight = number(args, 'hardPodAffinityWeight', source, `${at}.args`);
        if (hardPodAffinityWeight !== undefined) all = { ...all, hardPodAffinityWeight };
        break;
      }
      case 'PodTopologySpread': {
        known(args, source, `${at}.args`, ['apiVersion', 'kind', 'defaultConstraints', 'defaultingType']);
        if (args['defaultingType'] === 'List' || args['defaultConstraints'] !== undefined) {
          all = { ...all, defaultConstraints: list(args, 'defaultConstraints', source, `${at}.args`).map((value, c) => constraintOf(value, source, `${at}.args.defaultConstraints[${c}]`)) };
        }
        break;
      }
      case 'DynamicResources': {
        known(args, source, `${at}.args`, ['apiVersion', 'kind', 'filterTimeout', 'bindingTimeout']);
        const [filterTimeoutMs, bindingTimeoutMs] = [milliseconds(args, 'filterTimeout', source, `${at}.args`), milliseconds(args, 'bindingTimeout', source, `${at}.args`)];
        all = { ...all, devices: { ...(filterTimeoutMs !== undefined && { filterTimeoutMs }), ...(bindingTimeoutMs !== undefined && { bindingTimeoutMs }) } };
        break;
      }
      default:
        throw new UserError(`${source}: ${at} has arguments for ${String(name)}, which takes none here`, 'NodeResourcesFit, InterPodAffinity, PodTopologySpread and DynamicResources do');
    }
  }
  return all;
}

const EVEN: readonly ResourceWeight[] = [{ name: 'cpu', weight: 1 }, { name: 'memory', weight: 1 }];

function strategyOf(value: unknown, source: string, path: string): ScoringStrategy {
  if (value === undefined) return { type: 'LeastAllocated', resources: EVEN, shape: [] };
  const strategy = fields(value, source, path);
  known(strategy, source, path, ['type', 'resources', 'requestedToCapacityRatio']);
  const { type = 'LeastAllocated' } = strategy;
  if (type !== 'LeastAllocated' && type !== 'MostAllocated' && type !== 'RequestedToCapacityRatio') throw new UserError(`${source}: ${path}.type must be LeastAllocated, MostAllocated or RequestedToCapacityRatio`);
  const resources = list(strategy, 'resources', source, path).map((item, i): ResourceWeight => {
    const at = `${path}.resources[${i}]`;
    const resource = fields(item, source, at);
    if (typeof resource['name'] !== 'string') throw new UserError(`${source}: ${at}.name is required`);
    return { name: resource['name'], weight: number(resource, 'weight', source, at) || 1 };
  });
  const ratio = strategy['requestedToCapacityRatio'] === undefined ? {} : fields(strategy['requestedToCapacityRatio'], source, `${path}.requestedToCapacityRatio`);
  const shape = list(ratio, 'shape', source, `${path}.requestedToCapacityRatio`).map((item, i) => {
    const at = `${path}.requestedToCapacityRatio.shape[${i}]`;
    const point = fields(item, source, at);
    return { utilization: number(point, 'utilization', source, at) ?? 0, score: number(point, 'score', source, at) ?? 0 };
  });
  if (type === 'RequestedToCapacityRatio' && shape.length === 0) throw new UserError(`${source}: ${path}.requestedToCapacityRatio.shape: at least one point must be specified`);
  return { type, resources: resources.length > 0 ? resources : EVEN, shape };
}

function constraintOf(value: unknown, source: string, path: string): { readonly maxSkew: number; readonly topologyKey: string; readonly whenUnsatisfiable: string } {
  const { topologyKey, whenUnsatisfiable, ...rest } = fields(value, source, path);
  const maxSkew = number(rest, 'maxSkew', source, path);
  if (typeof topologyKey !== 'string' || !maxSkew || (whenUnsatisfiable !== 'ScheduleAnyway' && whenUnsatisfiable !== 'DoNotSchedule')) throw new UserError(`${source}: ${path} needs maxSkew, topologyKey and whenUnsatisfiable`);
  return { maxSkew, topologyKey, whenUnsatisfiable };
}

function fields(value: unknown, source: string, path: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UserError(`${source}: ${path} must be an object`);
  return value as Fields;
}

function known(object: Fields, source: string, path: string, names: readonly string[]): void {
  const unknown = Object.keys(object).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UserError(`${source}: ${path && `${path}.`}${unknown} is not known here; there are ${names.join(', ')}`);
}

function list(object: Fields, name: string, source: string, path: string): readonly unknown[] {
  const value = object[name] ?? [];
  if (!Array.isArray(value)) throw new UserError(`${source}: ${path && `${path}.`}${name} must be a list`);
  return value as readonly unknown[];
}

function texts(object: Fields, name: string, source: string, path: string): readonly string[] {
  return list(object, name, source, path).map((value) => {
    if (typeof value !== 'string') throw new UserError(`${source}: ${path}.${name} must be a list of texts`);
    return value;
  });
}

function milliseconds(object: Fields, name: string, source: string, path: string): number | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  const isDuration = typeof value === 'string' && /^(0|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+)$/.test(value);
  if (!isDuration) throw new UserError(`${source}: ${path}.${name} must be a duration like 10s`);
  return parseDuration(value) / 1e6;
}

function number(object: Fields, name: string, source: string, path: string): number | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || value < 0) throw new UserError(`${source}: ${path && `${path}.`}${name} must be a number, not under 0`);
  return value;
}
