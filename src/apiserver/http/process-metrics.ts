import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../../api/object.ts';
import type { Clock } from '../../base/clock.ts';
import type { MetricRegistry } from '../../base/metrics.ts';
import type { StorageEngine } from '../../storage/engine.ts';
import type { ApiRegistry } from '../registry/api-registry.ts';
import { storagePrefix } from '../registry/served-resource.ts';
import { featureGates } from './feature-gates.ts';
import { versionInfo } from './version.ts';

/** What the process and its storage tell of themselves when somebody asks. Names as upstream's and Prometheus' client libraries'. */
export function registerProcessMetrics(metrics: MetricRegistry, engine: StorageEngine<KubeObject>, registry: ApiRegistry, clock: Clock, dataDir?: string): void {
  const one = (name: string, help: string, type: 'counter' | 'gauge', value: () => number): void => metrics.derived(name, help, type, [], () => [[[], value()]]);
  const startedAt = (clock.now() - process.uptime() * 1000) / 1000;
  one('process_resident_memory_bytes', 'Resident memory in bytes.', 'gauge', () => process.memoryUsage.rss());
  one('process_cpu_seconds_total', 'Processor time in seconds, in user and system mode.', 'counter', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  one('process_start_time_seconds', 'When the process started, in seconds since 1970.', 'gauge', () => startedAt);
  if (process.platform === 'linux') one('process_open_fds', 'Number of open files and sockets.', 'gauge', () => readdirSync('/proc/self/fd').length);
  const { major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform } = versionInfo;
  const build = { build_date: buildDate, compiler, git_commit: gitCommit, git_tree_state: gitTreeState, git_version: gitVersion, go_version: goVersion, major, minor, platform };
  metrics.derived('kubernetes_build_info', 'What this is, as /version tells it.', 'gauge', Object.keys(build), () => [[Object.values(build), 1]]);
  one('apiserver_storage_revision', 'Newest published revision.', 'gauge', () => engine.revision);
  metrics.derived('apiserver_storage_size_bytes', 'Size of the files that hold the stored objects.', 'gauge', ['storage_cluster_id'], () => {
    if (dataDir === undefined) return [];
    const files = readdirSync(dataDir, { withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith('.mdb'));
    return [[['lmdb'], files.reduce((sum, { name }) => sum + statSync(join(dataDir, name)).size, 0)]];
  });
  metrics.derived('kubernetes_feature_enabled', 'Feature gates of this version: 1 where upstream has the feature on by default.', 'gauge', ['name', 'stage'], () => featureGates.map(({ name, stage, isOn }) => [[name, stage], isOn ? 1 : 0]));
  // All validation is written by hand here: there is no second one that could differ.
  metrics.counter('apiserver_validation_declarative_validation_mismatch_total', 'Number of times that declared and written validation differed.').of();
  metrics.counter('apiserver_validation_declarative_validation_panic_total', 'Number of times that declared validation broke down.').of();
  const counts = function* (): Generator<readonly [string, string, number]> {
    const seen = new Set<string>();
    for (const { served, store } of registry.all()) {
      const { group, resource } = served.resource;
      if (!store || seen.has(`${group}/${resource}`)) continue;
      seen.add(`${group}/${resource}`);
      yield [group, resource, engine.count(storagePrefix(served.resource))];
    }
  };
  metrics.derived('apiserver_resource_objects', 'Number of stored objects of each resource.', 'gauge', ['group', 'resource'], function* () {
    for (const [group, resource, count] of counts()) yield [[group, resource], count];
  });
  metrics.derived('apiserver_storage_objects', 'Number of stored objects of each resource, by its full name.', 'gauge', ['resource'], function* () {
    for (const [group, resource, count] of counts()) yield [[group ? `${resource}.${group}` : resource], count];
  });
}
