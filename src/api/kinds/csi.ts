/** Drivers, nodes and capacities of the container storage interface. Upstream: pkg/registry/storage/csidriver, csinode, csistoragecapacity. */
import type { KindDefinition } from '../kind.ts';
import type { CSIDriver, CSIDriverSpec, CSINode, CSINodeDriver, CSIStorageCapacity } from '../generated/storage-v1.ts';
import { csiDrivers, csiNodes, csiStorageCapacities } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { quantitySign } from '../quantity.ts';
import { dnsSubdomain, driverName, immutable, labelSelector, nonNegative, oneOfIfAny, qualifiedName, type FieldErrors } from '../validation/fields.ts';
import { isSame } from '../validation/same.ts';
import { withCountedSpec } from './counted-spec.ts';
import { fillAbsent, mapMember, without } from './fill.ts';
import { ageColumn, boolean, integer, nameColumn, text } from './table-columns.ts';

export const csiDriver: KindDefinition<CSIDriver> = {
  returnsDeleted: true,
  resource: csiDrivers,
  defaults: (object) => mapMember(object, 'spec', (spec) => {
    const next = fillAbsent(spec, {
      attachRequired: true, podInfoOnMount: false, storageCapacity: false, fsGroupPolicy: 'ReadWriteOnceWithFSType', requiresRepublish: false, seLinuxMount: false,
    });
    return next.volumeLifecycleModes?.length ? next : { ...next, volumeLifecycleModes: ['Persistent'] };
  }),
  ...withCountedSpec<CSIDriver>(),
  prepareForCreate: (object) => object,
  validate: (object) => [...driverErrors('spec', object.spec ?? {})],
  validateUpdate: (next, previous) => [
    ...immutable('spec.attachedRequired', next.spec.attachRequired, previous.spec.attachRequired),
    ...immutable('spec.volumeLifecycleModes', next.spec.volumeLifecycleModes, previous.spec.volumeLifecycleModes),
  ],
  warnings: ({ spec }, previous) => (spec?.tokenRequests?.length && spec.serviceAccountTokenInSecrets === undefined && !isSame(spec.tokenRequests, previous?.spec.tokenRequests)
    ? ['spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes']
    : []),
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    boolean('AttachRequired', 'Whether volumes are attached before they are mounted.', ({ spec }) => spec.attachRequired ?? true),
    boolean('PodInfoOnMount', 'Whether the driver is told about the pod.', ({ spec }) => spec.podInfoOnMount ?? false),
    boolean('StorageCapacity', 'Whether the scheduler asks for free capacity.', ({ spec }) => spec.storageCapacity ?? false),
    text('TokenRequests', 'For which audiences the driver gets tokens of pods.', ({ spec }) => (spec.tokenRequests ? spec.tokenRequests.map((request) => request.audience).join(',') : '<unset>')),
    boolean('RequiresRepublish', 'Whether volumes are mounted again from time to time.', ({ spec }) => spec.requiresRepublish ?? false),
    text('Modes', 'The kinds of volumes.', ({ spec }) => (spec.volumeLifecycleModes ?? []).join(',') || '<none>'),
    ageColumn,
  ],
};

function* driverErrors(path: string, spec: CSIDriverSpec): FieldErrors {
  yield* oneOfIfAny(`${path}.fsGroupPolicy`, spec.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType']);
  const audiences = new Set<string>();
  for (const [i, { audience, expirationSeconds }] of (spec.tokenRequests ?? []).entries()) {
    const at = `${path}.tokenRequests[${i}]`;
    if (audiences.has(audience)) yield fieldError.duplicate(`${at}.audience`, audience);
    audiences.add(audience);
    if (expirationSeconds === undefined) continue;
    if (expirationSeconds < 600) yield fieldError.invalid(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes');
    if (expirationSeconds > 2 ** 32) yield fieldError.invalid(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration larger than 2^32 seconds');
  }
  for (const mode of spec.volumeLifecycleModes ?? []) yield* oneOfIfAny(`${path}.volumeLifecycleModes`, mode, ['Persistent', 'Ephemeral']);
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < 10) yield fieldError.invalid(`${path}.nodeAllocatableUpdatePeriodSeconds`, period, 'must be greater than or equal to 10 seconds');
}

export const csiNode: KindDefinition<CSINode> = {
  returnsDeleted: true,
  resource: csiNodes,
  validate: (object) => [...nodeErrors('spec.drivers', object.spec?.drivers ?? [])],
  validateUpdate: (next, previous) => [...nodeUpdateErrors('spec.drivers', next.spec?.drivers ?? [], previous.spec?.drivers ?? [])],
  unconditionalUpdate: false,
  columns: [nameColumn, integer('Drivers', 'How many drivers there are on the node.', (object) => object.spec?.drivers?.length ?? 0), ageColumn],
};

function* nodeErrors(path: string, drivers: readonly CSINodeDriver[]): FieldErrors {
  const names = new Set<string>();
  for (const [i, driver] of drivers.entries()) {
    const at = `${path}[${i}]`;
    if (!driver.name) yield fieldError.required(`${at}.name`);
    else yield* driverName(`${at}.name`, driver.name);
    if (!driver.nodeID) yield fieldError.required(`${at}.nodeID`);
    else if (driver.nodeID.length > 256) yield fieldError.invalid(`${at}.nodeID`, driver.nodeID, 'must be 256 characters or less');
    yield* nonNegative(`${at}.allocatable.count`, driver.allocatable?.count);
    if (names.has(driver.name)) yield fieldError.duplicate(`${at}.name`, driver.name);
    names.add(driver.name);
    for (const [j, key] of (driver.topologyKeys ?? []).entries()) {
      if (!key) yield fieldError.required(at, key);
      if (driver.topologyKeys!.indexOf(key) < j) yield fieldError.duplicate(at, key);
      yield* qualifiedName(at, key);
    }
  }
}

function* nodeUpdateErrors(path: string, next: readonly CSINodeDriver[], previous: readonly CSINodeDriver[]): FieldErrors {
  for (const old of previous) {
    const driver = next.find((one) => one.name === old.name);
    if (driver && !isSame(without(driver, 'allocatable'), without(old, 'allocatable'))) yield fieldError.invalid(path, driver, 'field is immutable');
  }
}

export const csiStorageCapacity: KindDefinition<CSIStorageCapacity> = {
  resource: csiStorageCapacities,
  validate: (object) => [...capacityErrors(object)],
  validateUpdate: (next, previous) => (['nodeTopology', 'storageClassName'] as const).flatMap((field) => [...immutable(field, next[field], previous[field])]),
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    text('StorageClassName', 'The class that the capacity is of.', (object) => object.storageClassName),
    text('Capacity', 'How much is free.', (object) => object.capacity ?? '<unset>'),
  ],
};

function* capacityErrors({ nodeTopology, storageClassName, capacity }: CSIStorageCapacity): FieldErrors {
  yield* labelSelector('nodeTopology', nodeTopology);
  yield* dnsSubdomain('storageClassName', storageClassName);
  if (capacity !== undefined && quantitySign(capacity) < 0) yield fieldError.invalid('capacity', capacity, 'must be greater than or equal to 0');
}
