import { UserError } from '../base/user-error.ts';
import type { SchedulerPlugin } from './framework.ts';
import type { PluginContext } from './plugins/plugin-context.ts';
import { createPlugins } from './plugins/registry.ts';
import type { PluginSet, SchedulerProfile } from './scheduler-configuration.ts';
import { SchedulingCycle, type SchedulingCycleOptions, type WeightedPlugin } from './scheduling-cycle.ts';

/** One way to schedule, which pods choose by its name. */
export interface Profile {
  readonly name: string;
  readonly plugins: readonly SchedulerPlugin[];
  readonly cycle: SchedulingCycle;
  /** Whether pods may push others away. */
  readonly preempts: boolean;
}

/** Parts of the scheduler that upstream counts among the plugins, and that can be switched off or on only where it says so. */
const BUILT_IN = ['PrioritySort', 'DefaultPreemption', 'DefaultBinder'];

/**
 * Makes the profiles. They share the plugins that they have no arguments of their own for: what one has promised (volumes) the others must know of.
 * Throws on names that no plugin has.
 */
export function createProfiles(profiles: readonly SchedulerProfile[], context: PluginContext, options: Omit<SchedulingCycleOptions, 'plugins' | 'parts'> & { readonly partsOf?: (profile: string) => SchedulingCycleOptions['parts'] }): ReadonlyMap<string, Profile> {
  const shared = createPlugins(context);
  const names = new Set([...shared.map(({ plugin }) => plugin.name), ...BUILT_IN]);
  return new Map(profiles.map((profile) => {
    const { schedulerName: name, multiPoint, filter, score, postFilter } = profile;
    for (const { disabled, enabled } of [multiPoint, filter, score, postFilter].filter((set) => set !== undefined)) {
      const unknown = [...disabled.filter((plugin) => plugin !== '*'), ...enabled.map((plugin) => plugin.name)].find((plugin) => !names.has(plugin));
      if (unknown) throw new UserError(`the profile ${name} names the plugin ${unknown}; there are ${[...names].sort().join(', ')}`);
    }
    const own = profile.arguments ? createPlugins(context, profile.arguments) : shared;
    const plugins = own.flatMap((weighted, i) => {
      const chosen = takesArguments(weighted.plugin.name) ? weighted : shared[i]!;
      return switched(chosen, profile) ?? [];
    });
    const preempts = isOn('DefaultPreemption', multiPoint) && isOn('DefaultPreemption', postFilter);
    const share = profile.percentageOfNodesToScore ?? options.percentageOfNodesToScore;
    return [name, { name, plugins: plugins.map(({ plugin }) => plugin), preempts, cycle: new SchedulingCycle({ ...options, percentageOfNodesToScore: share, plugins, profile: name, parts: options.partsOf?.(name) }) }];
  }));
}

const takesArguments = (name: string): boolean => ['NodeResourcesFit', 'InterPodAffinity', 'PodTopologySpread'].includes(name);

function isOn(name: string, set: PluginSet | undefined): boolean {
  if (!set) return true;
  return set.enabled.some((plugin) => plugin.name === name) || !(set.disabled.includes(name) || set.disabled.includes('*'));
}

/** The plugin as the profile wants it; undefined: not at all. */
function switched({ plugin, weight }: WeightedPlugin, { multiPoint, filter, score }: SchedulerProfile): WeightedPlugin | undefined {
  const { name } = plugin;
  const on = isOn(name, multiPoint);
  const at = (set: PluginSet | undefined): boolean => (on ? isOn(name, set) : (set?.enabled.some((one) => one.name === name) ?? false));
  const filters = at(filter);
  const scores = at(score);
  if (!on && !filters && !scores) return undefined;
  const weightOf = (set: PluginSet | undefined): number | undefined => set?.enabled.find((one) => one.name === name)?.weight;
  const changed = { plugin, weight: weightOf(score) ?? weightOf(multiPoint) ?? (weight || 1) };
  if (filters && scores) return changed;
  const { filter: _filter, preFilter: _preFilter, ...withoutFilter } = plugin;
  const { score: _score, preScore: _preScore, normalize: _normalize, ...withoutScore } = plugin;
  if (!filters && !scores) return undefined;
  return { ...changed, plugin: filters ? withoutScore : withoutFilter };
}
