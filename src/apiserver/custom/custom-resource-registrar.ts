import { isReason } from '../../api/errors.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionCondition, CustomResourceDefinitionNames } from '../../api/generated/apiextensions-v1.ts';
import { customResourceDefinitions } from '../../api/generated/resources.ts';
import { CLEANUP_FINALIZER } from '../../api/kinds/custom-resource-definition.ts';
import { rfc3339, type Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { WebhookClient } from '../admission/webhook-client.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import type { ApiRegistry } from '../registry/api-registry.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import type { StoreEnvironment } from '../registry/resource-store.ts';
import { storagePrefix } from '../registry/served-resource.ts';
import type { RequestContext } from '../request.ts';
import { nameConflicts } from './name-conflicts.ts';
import { RegisteredDefinition } from './registered-definition.ts';

export interface CustomResourceRegistrarOptions {
  readonly registry: ApiRegistry;
  readonly objects: StoredObjects;
  readonly environment: StoreEnvironment;
  /** Reaches conversion webhooks. */
  readonly webhookClient: WebhookClient;
  /** The server's own context, in which instances are deleted and statuses written. */
  readonly context: RequestContext;
  readonly clock: Clock;
  readonly log: Log;
}

type Condition = CustomResourceDefinitionCondition;

/**
 * Keeps the registry in step with the stored CustomResourceDefinitions: what is defined is served in the same turn, what is deleted is
 * emptied first. Upstream: apiextensions-apiserver pkg/controller/{status,establish,finalizer} and the handler's cache.
 */
export class CustomResourceRegistrar implements Disposable {
  readonly #options: CustomResourceRegistrarOptions;
  readonly #registered = new Map<string, RegisteredDefinition>();
  readonly #emptying = new Set<string>();
  readonly #stack = new DisposableStack();

  constructor(options: CustomResourceRegistrarOptions) {
    this.#options = options;
    this.#stack.use(options.objects.follow(customResourceDefinitions, {
      put: (definition) => this.#take(definition),
      delete: (definition) => this.#drop(definition.metadata.name),
    }));
  }

  #take(definition: CustomResourceDefinition): void {
    const { registry, environment, objects, webhookClient } = this.#options;
    const { name, deletionTimestamp } = definition.metadata;
    const others = objects.list(customResourceDefinitions).filter((other) => other.metadata.name !== name);
    const conflict = nameConflicts(definition, others);
    const status = this.#statusOf(definition, conflict);
    const established = status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') ?? false;
    const known = this.#registered.get(name);
    if (established && !known?.matches(definition)) {
      const next = new RegisteredDefinition(definition, environment, webhookClient);
      known?.leave(registry, next);
      next.enter(registry);
      this.#registered.set(name, next);
    } else if (!established) {
      this.#drop(name);
    }
    if (!deepEqual(status, definition.status)) this.#background(name, () => this.#writeStatus(definition));
    if (deletionTimestamp && definition.metadata.finalizers?.includes(CLEANUP_FINALIZER)) this.#empty(definition);
  }

  #drop(name: string): void {
    this.#registered.get(name)?.leave(this.#options.registry);
    this.#registered.delete(name);
  }

  /** Names accepted and established, or why not. */
  #statusOf({ spec, status }: CustomResourceDefinition, conflict: string | undefined): CustomResourceDefinition['status'] {
    const at = rfc3339(this.#options.clock.now());
    const accepted: Omit<Condition, 'lastTransitionTime'> = conflict === undefined
      ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
      : { type: 'NamesAccepted', status: 'False', reason: 'NamesConflict', message: conflict };
    let conditions = withCondition(status?.conditions ?? [], accepted, at);
    const wasEstablished = conditions.some(({ type, status: is }) => type === 'Established' && is === 'True');
    if (!wasEstablished) {
      conditions = withCondition(conditions, conflict === undefined
        ? { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
        : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }, at);
    }
    const acceptedNames = (conflict === undefined ? spec.names : status?.acceptedNames ?? { plural: '', kind: '' }) as CustomResourceDefinitionNames;
    return { ...status, conditions, acceptedNames, storedVersions: status?.storedVersions ?? [] };
  }

  async #writeStatus({ metadata: { name } }: CustomResourceDefinition): Promise<void> {
    const { registry, context, objects } = this.#options;
    await registry.storeOf(customResourceDefinitions)!.update(context, { name }, (current) => {
      const definition = current!;
      const others = objects.list(customResourceDefinitions).filter((other) => other.metadata.name !== name);
      return { ...definition, status: this.#statusOf(definition, nameConflicts(definition, others)) } as CustomResourceDefinition;
    }, { subresource: 'status' });
  }

  /** Deletes all instances, waits until they are gone, then lets the definition go. */
  #empty(definition: CustomResourceDefinition): void {
    const { name } = definition.metadata;
    if (this.#emptying.has(name)) return;
    this.#emptying.add(name);
    this.#background(name, async () => {
      const { registry, context, environment: { engine } } = this.#options;
      try {
        const { group, names, versions } = definition.spec;
        const storage = versions.find((version) => version.storage)!.name;
        const store = registry.store(group, storage, names.plural) ?? this.#registered.get(name)?.store;
        await store?.deleteCollection(context, {});
        const prefix = storagePrefix({ group, resource: names.plural });
        await new Promise<void>((resolve, reject) => {
          const gone = (): boolean => engine.count(prefix) === 0;
          if (gone()) return resolve();
          const watch = engine.watch(prefix, engine.revision, () => {
            if (!gone()) return;
            watch[Symbol.dispose]();
            resolve();
          });
          this.#stack.use(watch);
          context.signal.addEventListener('abort', () => reject(new Error('the API server stops')), { once: true });
        });
        await registry.storeOf(customResourceDefinitions)!.update(context, { name }, (current) => {
          const finalizers = current!.metadata.finalizers?.filter((finalizer) => finalizer !== CLEANUP_FINALIZER) ?? [];
          return { ...current!, metadata: { ...current!.metadata, finalizers } };
        });
      } finally {
        this.#emptying.delete(name);
      }
    });
  }

  /** Work that follows from a definition and may fail: it is taken up again when the definition changes, or the server starts. */
  #background(name: string, work: () => Promise<void>): void {
    const { context, log } = this.#options;
    work().catch((error: unknown) => {
      if (!context.signal.aborted && !isReason(error, 'NotFound')) log.error('custom resource definition', { name, error });
    });
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}

function withCondition(conditions: readonly Condition[], condition: Omit<Condition, 'lastTransitionTime'>, at: string): readonly Condition[] {
  const present = conditions.find(({ type }) => type === condition.type);
  if (present && present.status === condition.status && present.reason === condition.reason && present.message === condition.message) return conditions;
  const next = { ...condition, lastTransitionTime: present && present.status === condition.status ? present.lastTransitionTime : at } as Condition;
  return present ? conditions.map((other) => (other === present ? next : other)) : [...conditions, next];
}
