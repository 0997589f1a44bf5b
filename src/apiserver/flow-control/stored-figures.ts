import type { KubeObject } from '../../api/object.ts';
import type { StorageEngine } from '../../storage/engine.ts';
import type { ApiRegistry } from '../registry/api-registry.ts';
import { objectBytes } from '../registry/object-bytes.ts';
import { storagePrefix } from '../registry/served-resource.ts';
import type { ResourceFigures } from './work-estimate.ts';

/** So many objects stand for all of a resource. */
const SAMPLE = 3;

/** How many objects a list will read, and how large a few of them are: from memory. */
export function storedFigures(engine: StorageEngine<KubeObject>, registry: ApiRegistry): Pick<ResourceFigures, 'objects'> {
  return {
    objects({ group, version, resource, namespace }) {
      const registered = registry.find(group, version, resource);
      if (!registered?.store) return undefined;
      const prefix = `${storagePrefix(registered.served.resource)}${namespace ? `${namespace}/` : ''}`;
      const { entries } = engine.range(prefix, { limit: SAMPLE });
      if (entries.length === 0) return { count: 0, averageBytes: 0 };
      const bytes = entries.reduce((sum, { value }) => sum + objectBytes(value).length, 0);
      return { count: engine.count(prefix), averageBytes: bytes / entries.length };
    },
  };
}
