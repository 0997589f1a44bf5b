import { isReason } from '../../api/errors.ts';
import type { FlowSchema, FlowSchemaCondition, PriorityLevelConfigurationSpec } from '../../api/generated/flowcontrol-v1.ts';
import { flowSchemas, priorityLevelConfigurations } from '../../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { rfc3339, type Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import type { ApiRegistry } from '../registry/api-registry.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { storeOf } from '../registry/default-objects.ts';
import type { ResourceVerbs } from '../registry/resource-verbs.ts';
import type { RequestContext } from '../request.ts';
import { AUTO_UPDATE, MANDATORY, suggestedLevels, suggestedSchemas, type Suggested } from './bootstrap-configuration.ts';

export interface ConfigurationKeeperOptions {
  readonly registry: ApiRegistry;
  readonly verbs: ResourceVerbs;
  readonly objects: StoredObjects;
  /** The server's own context. */
  readonly context: RequestContext;
  readonly clock: Clock;
  readonly log: Log;
}

/** Who keeps the objects, and who writes their conditions. */
const PRODUCER = 'api-priority-and-fairness-config-producer-v1';
const CONSUMER = 'api-priority-and-fairness-config-consumer-v1';

/** Changes that come together are looked at once; somebody who fights for another state is answered this seldom. */
const GATHER_MS = 1000;

type Stored = KubeObject & { readonly spec: unknown };

/**
 * Keeps the mandatory and suggested objects of priority and fairness as they should be, and tells in each schema's condition `Dangling` whether its level is there.
 * Upstream: pkg/registry/flowcontrol/ensurer, apiserver pkg/util/flowcontrol.configController.
 */
export class ConfigurationKeeper implements Disposable {
  readonly #options: ConfigurationKeeperOptions;
  readonly #stack = new DisposableStack();
  #timer: Disposable | undefined;

  constructor(options: ConfigurationKeeperOptions) {
    this.#options = options;
  }

  /** Looks now, and from then on whenever something changes. */
  async start(): Promise<void> {
    await this.reconcile();
    const { objects } = this.#options;
    let replayed = false;
    const changed = (): void => {
      if (replayed) this.#later();
    };
    for (const resource of [priorityLevelConfigurations, flowSchemas] as readonly ResourceType<KubeObject>[]) this.#stack.use(objects.follow(resource, { put: changed, delete: changed }));
    replayed = true;
  }

  #later(): void {
    const { clock, context, log } = this.#options;
    this.#timer ??= clock.timer(GATHER_MS, () => {
      this.#timer = undefined;
      this.reconcile().catch((error: unknown) => {
        if (!context.signal.aborted) log.error('objects of priority and fairness not written', { error });
      });
    });
  }

  /** Run twice, nothing changes. */
  async reconcile(): Promise<void> {
    await Promise.all([this.#keep(priorityLevelConfigurations, suggestedLevels), this.#keep(flowSchemas, suggestedSchemas)]);
    await Promise.all(this.#options.objects.list(flowSchemas).map((schema) => this.#writeCondition(schema)));
  }

  async #keep<T extends Stored>(resource: ResourceType<T>, suggested: readonly Suggested<unknown>[]): Promise<void> {
    const { registry, objects, context } = this.#options;
    const store = storeOf(registry, resource as unknown as ResourceType<KubeObject>);
    await Promise.all(suggested.map(async ({ name, spec }) => {
      const current = objects.get(resource, { name });
      if (!current) {
        const made = { metadata: { name, annotations: { [AUTO_UPDATE]: 'true' } }, spec } as unknown as KubeObject;
        return void (await ignoring('AlreadyExists', store.create(context, '', made, { fieldManager: PRODUCER })));
      }
      const revised = revise(current, spec, MANDATORY.includes(name));
      if (revised) await ignoring('NotFound', store.update(context, { name }, (now) => revise(now as Stored, spec, MANDATORY.includes(name)) ?? now!, { fieldManager: PRODUCER }));
    }));
    const surplus = objects.list(resource).filter(({ metadata }) => isTrue(metadata.annotations?.[AUTO_UPDATE]) && !suggested.some(({ name }) => name === metadata.name));
    await Promise.all(surplus.map(({ metadata: { name, uid } }) => ignoring('NotFound', store.delete(context, { name }, { preconditions: { uid } }))));
  }

  async #writeCondition(schema: FlowSchema): Promise<void> {
    const { objects, verbs, context, clock } = this.#options;
    const level = schema.spec.priorityLevelConfiguration.name;
    const wanted = danglingCondition(level, objects.get(priorityLevelConfigurations, { name: level }) !== undefined);
    const present = schema.status?.conditions?.find(({ type }) => type === 'Dangling');
    if (present && present.status === wanted.status && present.reason === wanted.reason && present.message === wanted.message) return;
    const { name } = schema.metadata;
    const body = { apiVersion: schema.apiVersion, kind: schema.kind, metadata: { name }, status: { conditions: [{ ...wanted, lastTransitionTime: rfc3339(clock.now()) }] } };
    await ignoring('NotFound', verbs.patch(context, flowSchemas, { name }, { type: 'application/apply-patch+yaml', body, force: true }, { subresource: 'status', fieldManager: CONSUMER }));
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#stack.dispose();
  }
}

/** Upstream: presyncFlowSchemaStatus. */
export function danglingCondition(level: string, found: boolean): Omit<FlowSchemaCondition, 'lastTransitionTime'> {
  const reference = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`;
  return found
    ? { type: 'Dangling', status: 'False', reason: 'Found', message: `${reference} and it exists` }
    : { type: 'Dangling', status: 'True', reason: 'NotFound', message: `${reference} but there is no such object` };
}

/**
 * The object as it should be; undefined where it is. One whose annotation is missing follows what is suggested while its spec was never changed.
 * Upstream: ensurer.ReviseIfNeeded.
 */
export function revise<T extends Stored>(current: T, spec: unknown, mandatory: boolean): T | undefined {
  const annotation = current.metadata.annotations?.[AUTO_UPDATE];
  const follows = mandatory || (isBoolean(annotation) ? isTrue(annotation) : (current.metadata.generation ?? 1) === 1);
  const annotate = !isBoolean(annotation) || isTrue(annotation) !== follows;
  const change = follows && !sameSpec(spec, current);
  if (!annotate && !change) return undefined;
  return {
    ...current, ...(change && { spec }),
    ...(annotate && { metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, [AUTO_UPDATE]: String(follows) } } }),
  };
}

/** The shares of the exempt level are everybody's to choose. */
function sameSpec(wanted: unknown, { metadata, spec }: Stored): boolean {
  const { type, exempt } = spec as PriorityLevelConfigurationSpec;
  if (metadata.name === 'exempt' && exempt) return type === 'Exempt';
  return deepEqual(wanted, spec);
}

/** Go's notion of a boolean's text. */
const isTrue = (text: string | undefined): boolean => text !== undefined && ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text);
const isBoolean = (text: string | undefined): boolean => isTrue(text) || (text !== undefined && ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text));

/** Somebody else was faster: what follows of it is looked at again. */
async function ignoring(reason: 'AlreadyExists' | 'NotFound', work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isReason(error, reason, 'Conflict')) throw error;
  }
}
