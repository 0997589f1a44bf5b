import { isReason } from '../../api/errors.ts';
import type { CustomResourceDefinition } from '../../api/generated/apiextensions-v1.ts';
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
import type { ConversionMetrics } from './conversion-metrics.ts';
import { definitionStatus, isTrue, withCondition, type Condition } from './definition-conditions.ts';
import { RegisteredDefinition } from './registered-definition.ts';
import type { RuleMetrics } from './rule-metrics.ts';

export interface CustomResourceRegistrarOptions {
  readonly registry: ApiRegistry;
  readonly objects: StoredObjects;
  readonly environment: StoreEnvironment;
  /** Reaches conversion webhooks. */
  readonly webhookClient: WebhookClient;
  readonly metrics: ConversionMetrics;
  readonly ruleMetrics: RuleMetrics;
  /** The server's own context, in which instances are deleted and statuses written. */
  readonly context: RequestContext;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long after a failure the instances of a definition are tried again, first and at most. */
const RETRY_MS = [1_000, 60_000] as const;

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
      put: (definition) => {
        this.#take(definition);
        this.#reconsider(definition);
      },
      delete: (definition) => {
        this.#drop(definition.metadata.name);
        this.#reconsider(definition);
      },
    }));
  }

  #take(definition: CustomResourceDefinition): void {
    const { registry, environment, webhookClient, metrics, ruleMetrics } = this.#options;
    const { name, deletionTimestamp } = definition.metadata;
    const status = this.#statusOf(definition);
    const known = this.#registered.get(name);
    // What is served goes by the names that were accepted.
    const effective = { ...definition, spec: { ...definition.spec, names: status.acceptedNames! } };
    if (!isTrue(status.conditions, 'Established')) {
      this.#drop(name);
    } else if (!known?.matches(effective)) {
      const next = new RegisteredDefinition(effective, environment, webhookClient, metrics, ruleMetrics);
      known?.leave(registry, next);
      next.enter(registry);
      this.#registered.set(name, next);
    }
    if (!deepEqual(status, definition.status)) this.#background(name, () => this.#writeStatus(name, (current) => this.#statusOf(current)));
    if (deletionTimestamp && definition.metadata.finalizers?.includes(CLEANUP_FINALIZER)) this.#empty(definition);
  }

  /** Those that could not have all their names may have them now that this one has changed or is gone. */
  #reconsider({ metadata: { name }, spec: { group } }: CustomResourceDefinition): void {
    for (const other of this.#options.objects.list(customResourceDefinitions)) {
      if (other.spec.group === group && other.metadata.name !== name && other.status?.conditions?.some(({ type, status }) => type === 'NamesAccepted' && status === 'False')) this.#take(other);
    }
  }

  #drop(name: string): void {
    this.#registered.get(name)?.leave(this.#options.registry);
    this.#registered.delete(name);
  }

  #statusOf(definition: CustomResourceDefinition): NonNullable<CustomResourceDefinition['status']> {
    const { objects, clock } = this.#options;
    const others = objects.list(customResourceDefinitions).filter((other) => other.metadata.name !== definition.metadata.name);
    return definitionStatus(definition, others, rfc3339(clock.now()));
  }

  async #writeStatus(name: string, change: (current: CustomResourceDefinition) => NonNullable<CustomResourceDefinition['status']>): Promise<void> {
    const { registry, context } = this.#options;
    await registry.storeOf(customResourceDefinitions)!.update(context, { name }, (current) => ({ ...current!, status: change(current!) }) as CustomResourceDefinition, { subresource: 'status' });
  }

  #writeTerminating(name: string, status: Condition['status'], reason: string, message: string): Promise<void> {
    const at = rfc3339(this.#options.clock.now());
    return this.#writeStatus(name, (current) => ({ ...current.status, conditions: withCondition(current.status?.conditions ?? [], { type: 'Terminating', status, reason, message }, at) }));
  }

  /**
   * Deletes all instances, waits until they are gone, then lets the definition go. What cannot be deleted, for its version cannot be converted, is
   * told in the status and tried again later. Upstream: apiextensions-apiserver pkg/controller/finalizer.
   */
  #empty(definition: CustomResourceDefinition, retryMs: number = RETRY_MS[0]): void {
    const { name } = definition.metadata;
    if (this.#emptying.has(name)) return;
    this.#emptying.add(name);
    this.#background(name, async () => {
      const { registry, context, clock, log } = this.#options;
      try {
        await this.#deleteInstances(definition);
        await registry.storeOf(customResourceDefinitions)!.update(context, { name }, (current) => {
          const finalizers = current!.metadata.finalizers?.filter((finalizer) => finalizer !== CLEANUP_FINALIZER) ?? [];
          return { ...current!, metadata: { ...current!.metadata, finalizers } };
        });
      } catch (error) {
        if (context.signal.aborted || isReason(error, 'NotFound')) throw error;
        log.warn('instances not deleted', { name, error });
        await this.#writeTerminating(name, 'True', 'InstanceDeletionFailed', `could not list instances: ${(error as Error).message}`);
        // Until then no change of the definition, such as that of its status, begins anew.
        await new Promise<void>((resolve) => this.#stack.use(clock.timer(retryMs, resolve)));
        this.#emptying.delete(name);
        this.#empty(definition, Math.min(retryMs * 2, RETRY_MS[1]));
        return;
      }
      this.#emptying.delete(name);
    });
  }

  async #deleteInstances(definition: CustomResourceDefinition): Promise<void> {
    const { context, environment: { engine } } = this.#options;
    const { metadata: { name }, spec: { group, names } } = definition;
    const registered = this.#registered.get(name);
    if (!registered) return await this.#writeTerminating(name, 'False', 'NeverEstablished', 'resource was never established');
    if (registered.overlaps) return await this.#writeTerminating(name, 'False', 'OverlappingBuiltInResource', 'instances overlap with built-in resources in storage');
    await this.#writeTerminating(name, 'True', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress');
    await registered.store.deleteCollection(context, {});
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
    await this.#writeTerminating(name, 'False', 'InstanceDeletionCompleted', 'removed all instances');
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
