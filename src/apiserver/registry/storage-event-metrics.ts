import type { KubeObject } from '../../api/object.ts';
import type { Cell, MetricRegistry } from '../../base/metrics.ts';
import type { StorageEngine } from '../../storage/engine.ts';

const PREFIX = '/registry/';

/** Counts what storage tells of changes, by resource. Upstream: apiserver pkg/storage/etcd3/metrics. */
export function countStorageEvents(metrics: MetricRegistry, engine: StorageEngine<KubeObject>): Disposable {
  const family = metrics.counter('apiserver_storage_events_received_total', 'Number of changes that storage told of, by resource.', ['group', 'resource']);
  const cells = new Map<string, Cell>();
  return engine.watch(PREFIX, engine.revision, (events) => {
    for (const event of events) {
      const key = event.type === 'put' ? event.entry.key : event.key;
      const end = key.indexOf('/', key.indexOf('/', PREFIX.length) + 1);
      const kind = key.slice(PREFIX.length, end);
      let cell = cells.get(kind);
      if (!cell) {
        const [group, resource] = kind.split('/') as [string, string];
        cells.set(kind, (cell = family.of(group === 'core' ? '' : group, resource)));
      }
      cell.value++;
    }
  });
}
