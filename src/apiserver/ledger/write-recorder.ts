import { currentCause } from '../../base/cause.ts';
import type { Clock } from '../../base/clock.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import type { WriteEntry } from '../../ledger/entry.ts';
import { changesOf } from '../../ledger/facts.ts';
import type { Ledger, NewWrite } from '../../ledger/ledger.ts';
import { managerOf } from '../apply/managed-fields.ts';
import type { RequestContext } from '../request.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface RecordedWrite {
  readonly resource: ResourceType<unknown>;
  readonly verb: WriteEntry['verb'];
  readonly subresource?: string | undefined;
  readonly fieldManager?: string | undefined;
  /** The state before. */
  readonly previous?: KubeObject;
  /** The state that the write made, or the last one. */
  readonly object: KubeObject;
  readonly revision: number;
  /** When the work on the write began, monotonic. */
  readonly began: number;
}

/** Written all the time, and the cause of nothing else: they would push everything else out. */
const LEFT_OUT = new Set(['events', 'leases']);

/** What they hold is found out, nobody's wish, though they have a generation. */
const FINDINGS = new Set(['endpointslices', 'endpoints']);

/** Notes every acknowledged write in the ledger, with the cause that the request or the component in process brought along. */
export class WriteRecorder {
  readonly #ledger: Ledger;
  readonly #clock: Pick<Clock, 'monotonic'>;

  constructor(ledger: Ledger, clock: Pick<Clock, 'monotonic'>) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  /** For `RecordedWrite.began`. */
  begin(): number {
    return this.#clock.monotonic();
  }

  record(context: RequestContext, { resource, verb, subresource, fieldManager, previous, object, revision, began }: RecordedWrite): void {
    if (LEFT_OUT.has(resource.resource)) return;
    const changes = verb === 'delete' ? {} : changesOf(previous, object);
    // A node's sign of life.
    if (resource.resource === 'nodes' && subresource === 'status' && isEmpty(changes)) return;
    const { metadata } = object;
    const { namespace, name, uid } = metadata;
    const { group, resource: plural, kind } = resource;
    const cause = currentCause();
    // Spelled out, for this is done on every write.
    const write: Mutable<NewWrite> = {
      verb, revision, about: namespace === undefined ? { group, resource: plural, kind, name, uid } : { group, resource: plural, kind, namespace, name, uid },
      user: context.user.name, by: cause.by ?? (fieldManager || managerOf(context.userAgent)), causes: cause.writes,
      wanted: verb !== 'update' || (previous?.metadata.generation !== metadata.generation && !FINDINGS.has(plural)), changes, tookMs: Math.round((this.#clock.monotonic() - began) * 1000) / 1000,
    };
    if (subresource) write.subresource = subresource;
    if (previous) write.previous = Number(previous.metadata.resourceVersion);
    const owner = verb === 'create' ? metadata.ownerReferences?.find(({ controller }) => controller)?.uid : undefined;
    if (owner) write.owner = owner;
    this.#ledger.write(write);
  }
}

function isEmpty(changes: object): boolean {
  for (const _ in changes) return false;
  return true;
}
