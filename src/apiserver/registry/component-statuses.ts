import { methodNotAllowed, notFound } from '../../api/errors.ts';
import { componentStatuses } from '../../api/generated/resources.ts';
import type { KubeObject, ObjectKey, ObjectList, ResourceType } from '../../api/object.ts';
import type { ListOptions } from '../../client/client.ts';
import type { RequestContext } from '../request.ts';
import { compileSelection } from './selection.ts';
import type { WatchableStore } from './store.ts';

/** What `kubectl get componentstatuses` lists. Upstream: pkg/registry/core/componentstatus; deprecated there, and still asked for. */
const COMPONENTS = ['controller-manager', 'scheduler', 'etcd-0'];

/** Component statuses are not stored: whoever can ask runs in the process that they are about. */
export class ComponentStatuses implements WatchableStore {
  readonly resource: ResourceType<KubeObject> = componentStatuses;

  get(_context: RequestContext, { name }: ObjectKey): KubeObject {
    if (!COMPONENTS.includes(name)) throw notFound(this.resource, name);
    return healthy(name);
  }

  list(_context: RequestContext, { labelSelector, fieldSelector }: ListOptions): ObjectList<KubeObject> {
    const { matches } = compileSelection(this.resource, { resource: this.resource }, labelSelector, fieldSelector);
    return { apiVersion: 'v1', kind: 'ComponentStatusList', metadata: { resourceVersion: '' }, items: COMPONENTS.map(healthy).filter(matches) };
  }

  watch = this.#refuse('watch');
  openWatch = this.#refuse('watch');
  create = this.#refuse('create');
  update = this.#refuse('update');
  delete = this.#refuse('delete');
  deleteCollection = this.#refuse('deletecollection');

  endWatches(): void {}

  #refuse(verb: string): () => never {
    return () => {
      throw methodNotAllowed(this.resource, verb);
    };
  }
}

function healthy(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ComponentStatus', metadata: { name }, conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] } as unknown as KubeObject;
}
