import type { Container, ContainerStatus, Pod, ResourceHealth, ResourceStatus } from '../../api/generated/core-v1.ts';
import type { ResourceClaim } from '../../api/generated/resource-v1.ts';
import { resourceClaims } from '../../api/generated/resources.ts';
import type { Client } from '../../client/client.ts';
import { quantityValue } from '../../api/quantity.ts';
import type { ClaimRecord, ClaimRecords } from './claim-records.ts';
import type { DraDriver, DraDrivers, DriverClaim, PreparedDevice } from './dra-drivers.ts';

export interface PodDevicesOptions {
  readonly client: Client;
  readonly drivers: Pick<DraDrivers, 'get' | 'health'>;
  readonly records: ClaimRecords;
}

/** A claim of a pod's, by its name in the API. */
interface Use {
  readonly claimName: string;
  /** It was made for this pod. */
  readonly isOwn: boolean;
}

/**
 * The devices of pods' resource claims: prepared by their drivers before a pod's sandbox is made, handed to its containers, unprepared when the last
 * pod that used them has ended. Upstream: kubelet/cm/dra/manager.go.
 */
export class PodDevices {
  readonly #options: PodDevicesOptions;
  /** Claims that were prepared since this kubelet began: others are prepared again, as drivers may have been restarted with the machine. */
  readonly #prepared = new Set<string>();
  /** By claim, what must be over before the next may begin: pods that share a claim must not prepare and unprepare it side by side. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(options: PodDevicesOptions) {
    this.#options = options;
  }

  /** Makes all devices of the pod's claims ready. Idempotent. Rejects in upstream's words. */
  async prepare(pod: Pod): Promise<void> {
    const uses = usesOf(pod);
    if (uses.length === 0) return;
    try {
      await this.#inTurn(pod.metadata.namespace, uses.map(({ claimName }) => claimName), () => this.#prepare(pod, uses));
    } catch (error) {
      throw new Error(`prepare dynamic resources: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Gives back what nobody else uses of what the pod used. Idempotent. Rejects where a driver cannot take it back now. */
  async unprepare(pod: Pod): Promise<void> {
    const { uid, namespace } = pod.metadata;
    const names = this.#options.records.list().filter((record) => record.namespace === namespace && record.pods.includes(uid)).map(({ name }) => name);
    try {
      await this.#unprepare(uid, namespace, names);
    } catch (error) {
      throw new Error(`unprepare dynamic resources: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Gives back what pods used that are no longer here: they went while the kubelet was away. Rejects with the first fault, after all were tried. */
  async removeUnwanted(isWanted: (uid: string) => boolean): Promise<void> {
    const faults: unknown[] = [];
    for (const { namespace, name, pods } of this.#options.records.list()) {
      for (const uid of pods.filter((pod) => !isWanted(pod))) await this.#unprepare(uid, namespace, [name]).catch((error: unknown) => faults.push(error));
    }
    if (faults.length > 0) throw faults[0];
  }

  /** Names of the CDI devices of a container, for the runtime. Throws where a claim is not prepared. */
  cdiDevices(pod: Pod, container: Pick<Container, 'name' | 'resources'>): readonly string[] {
    const names = requestsOf(pod, container).flatMap(({ claimName, request }) => {
      const record = this.#options.records.get(pod.metadata.namespace, claimName);
      if (!record) throw new Error(`internal error: unable to get claim info for ResourceClaim ${claimName} in namespace ${pod.metadata.namespace}`);
      return Object.values(record.drivers).flat().filter((device) => isOf(device, request)).flatMap(({ cdiDeviceIds }) => cdiDeviceIds);
    });
    return [...new Set(names)];
  }

  /** The claims that a container uses, with what was prepared of them. */
  claimsOf(pod: Pod, container: Pick<Container, 'name' | 'resources'>): readonly ClaimRecord[] {
    const names = new Set(requestsOf(pod, container).map(({ claimName }) => claimName));
    return [...names].flatMap((name) => this.#options.records.get(pod.metadata.namespace, name) ?? []);
  }

  /** How the devices are that each container got. Upstream: UpdateAllocatedResourcesStatus. */
  withHealth(pod: Pod, statuses: readonly ContainerStatus[]): readonly ContainerStatus[] {
    if (!pod.spec.resourceClaims?.length) return statuses;
    return statuses.map((status) => {
      const claims = pod.spec.containers.find(({ name }) => name === status.name)?.resources?.claims ?? [];
      const allocatedResourcesStatus = claims.flatMap(({ name, request }): ResourceStatus[] => {
        const claimName = claimNameOf(pod, name);
        const record = claimName === undefined ? undefined : this.#options.records.get(pod.metadata.namespace, claimName);
        const resources = Object.entries(record?.drivers ?? {}).flatMap(([driver, devices]) => devices.filter((device) => isOf(device, request)).map((device) => this.#healthOf(driver, device)));
        const distinct = resources.filter(({ resourceID }, i) => resources.findIndex((other) => other.resourceID === resourceID) === i);
        return distinct.length > 0 ? [{ name: request ? `claim:${name}/${request}` : `claim:${name}`, resources: distinct }] : [];
      });
      return allocatedResourcesStatus.length > 0 ? { ...status, allocatedResourcesStatus } : status;
    });
  }

  /** Uids of the pods that use a device (`POOL/DEVICE`) of these. */
  usersOf(driver: string, devices: readonly string[]): ReadonlySet<string> {
    const wanted = new Set(devices);
    return new Set(this.#options.records.list().flatMap(({ pods, drivers }) => (drivers[driver]?.some(({ poolName, deviceName }) => wanted.has(`${poolName}/${deviceName}`)) ? pods : [])));
  }

  #healthOf(driver: string, { poolName, deviceName, cdiDeviceIds }: PreparedDevice): ResourceHealth {
    const { health, message } = this.#options.drivers.health.get(driver, poolName, deviceName);
    return { resourceID: cdiDeviceIds[0] ?? `${driver}/${poolName}/${deviceName}`, health, ...(message !== '' && { message }) };
  }

  async #prepare(pod: Pod, uses: readonly Use[]): Promise<void> {
    const { client, drivers, records } = this.#options;
    const { namespace, uid } = pod.metadata;
    // First all that can be wrong, so that a pod whose driver never was here has nothing to give back.
    const found: { readonly record: ClaimRecord; readonly drivers: readonly DraDriver[] }[] = [];
    for (const { claimName, isOwn } of uses) {
      const claim = await client.get(resourceClaims, { namespace, name: claimName }).catch((error: unknown) => {
        throw new Error(`fetch ResourceClaim ${claimName}: ${(error as Error).message}`, { cause: error });
      });
      refuse(pod, claim, isOwn);
      const fresh = recordOf(claim);
      found.push({ record: records.get(namespace, claimName) ?? fresh, drivers: Object.keys(fresh.drivers).map((name) => drivers.get(name)) });
      const { uid: before } = found.at(-1)!.record;
      if (before !== claim.metadata.uid) throw new Error(`old ResourceClaim with same name ${claimName} and different UID ${before} still exists (previous pod force-deleted?!)`);
    }
    const noted = found.map(({ record }): ClaimRecord => (record.pods.includes(uid) ? record : { ...record, pods: [...record.pods, uid] }));
    records.set(noted);
    const open = noted.filter((record) => !this.#prepared.has(record.uid));
    if (open.length === 0) return;

    const devices = new Map<string, Record<string, readonly PreparedDevice[]>>(open.map((record) => [record.uid, { ...record.drivers }]));
    for (const driver of new Map(found.flatMap((one) => one.drivers.map((each) => [each.name, each]))).values()) {
      const claims = open.filter((record) => record.drivers[driver.name]).map(driverClaim);
      if (claims.length === 0) continue;
      const answers = await driver.prepare(claims).catch((error: unknown) => {
        throw new Error(`NodePrepareResources: ${(error as Error).message}`, { cause: error });
      });
      for (const [claimUid, answer] of checked('NodePrepareResources', claims, answers)) devices.get(claimUid)![driver.name] = answer.devices;
    }
    records.set(open.map((record) => ({ ...record, drivers: devices.get(record.uid)! })));
    for (const record of open) this.#prepared.add(record.uid);
  }

  async #unprepare(uid: string, namespace: string, names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await this.#inTurn(namespace, names, async () => {
      const { drivers, records } = this.#options;
      const own = names.flatMap((name) => records.get(namespace, name) ?? []).filter(({ pods }) => pods.includes(uid));
      if (own.length === 0) return;
      const last = own.filter(({ pods }) => pods.length === 1);
      for (const name of new Set(last.flatMap((record) => Object.keys(record.drivers)))) {
        const claims = last.filter((record) => record.drivers[name]).map(driverClaim);
        const answers = await drivers.get(name).unprepare(claims).catch((error: unknown) => {
          throw new Error(`NodeUnprepareResources: ${(error as Error).message}`, { cause: error });
        });
        checked('NodeUnprepareResources', claims, answers);
      }
      for (const record of last) this.#prepared.delete(record.uid);
      records.set(own.filter((record) => !last.includes(record)).map((record) => ({ ...record, pods: record.pods.filter((other) => other !== uid) })));
      records.delete(last);
    });
  }

  /** All claims are waited for at once, so that nobody waits for one while holding another. */
  async #inTurn(namespace: string, names: readonly string[], work: () => Promise<void>): Promise<void> {
    const keys = [...new Set(names)].map((name) => `${namespace}/${name}`);
    const before = keys.map((key) => this.#turns.get(key));
    const over = Promise.withResolvers<void>();
    for (const key of keys) this.#turns.set(key, over.promise);
    await Promise.all(before);
    try {
      await work();
    } finally {
      over.resolve();
      for (const key of keys) if (this.#turns.get(key) === over.promise) this.#turns.delete(key);
    }
  }
}

const driverClaim = ({ namespace, uid, name }: ClaimRecord): DriverClaim => ({ namespace, uid, name });

/** Which of a claim's devices a container gets that names a request, or none; `request/subrequest` counts as its request. */
const isOf = ({ requestNames }: PreparedDevice, request: string | undefined): boolean => !request || requestNames.length === 0 || requestNames.includes(request.split('/')[0]!);

/** The name of a pod's claim; undefined: it needs none. Throws where it has not been made yet. */
function claimNameOf(pod: Pod, podClaim: string): string | undefined {
  const { resourceClaimName } = pod.spec.resourceClaims?.find(({ name }) => name === podClaim) ?? {};
  return resourceClaimName ?? pod.status?.resourceClaimStatuses?.find(({ name }) => name === podClaim)?.resourceClaimName;
}

function usesOf({ spec, status, metadata }: Pod): readonly Use[] {
  const own = (spec.resourceClaims ?? []).flatMap(({ name, resourceClaimName }): Use[] => {
    if (resourceClaimName !== undefined) return [{ claimName: resourceClaimName, isOwn: false }];
    const made = status?.resourceClaimStatuses?.find((one) => one.name === name);
    if (!made) throw new Error(`prepare dynamic resources: pod "${metadata.namespace}/${metadata.name}": ResourceClaim not created yet`);
    return made.resourceClaimName === undefined ? [] : [{ claimName: made.resourceClaimName, isOwn: true }];
  });
  const extended = status?.extendedResourceClaimStatus?.resourceClaimName;
  return extended === undefined ? own : [...own, { claimName: extended, isOwn: false }];
}

/** What of which claims a container asks for. */
function requestsOf(pod: Pod, { name, resources }: Pick<Container, 'name' | 'resources'>): readonly { readonly claimName: string; readonly request?: string }[] {
  const asked = (resources?.claims ?? []).flatMap(({ name: podClaim, request }) => {
    const claimName = claimNameOf(pod, podClaim);
    return claimName === undefined ? [] : [{ claimName, ...(request && { request }) }];
  });
  const extended = pod.status?.extendedResourceClaimStatus;
  const mapped = (extended?.requestMappings ?? []).filter((one) => one.containerName === name && quantityValue(resources?.requests?.[one.resourceName]) > 0)
    .map(({ requestName }) => ({ claimName: extended!.resourceClaimName, request: requestName }));
  return [...asked, ...mapped];
}

/** Throws where the pod may not use the claim. Upstream: resourceclaim.IsForPod, IsReservedForPod. */
function refuse({ metadata: { namespace, name, uid } }: Pod, { metadata, status }: ResourceClaim, isOwn: boolean): void {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  if (isOwn && owner?.uid !== uid) throw new Error(`ResourceClaim ${metadata.namespace}/${metadata.name} was not created for Pod ${namespace}/${name} (Pod is not owner)`);
  if (!status?.reservedFor?.some((user) => user.uid === uid)) throw new Error(`pod ${name} (${uid}) is not allowed to use ResourceClaim ${metadata.name} (${metadata.uid})`);
}

function recordOf({ metadata: { namespace, name, uid }, status }: ResourceClaim): ClaimRecord {
  if (!status?.allocation) throw new Error(`ResourceClaim ${name}: not allocated`);
  return { namespace, name, uid, pods: [], drivers: Object.fromEntries((status.allocation.devices?.results ?? []).map(({ driver }) => [driver, []])) };
}

/** The answers for each of the claims. Throws where a claim failed, was left out, or was not asked for. */
function checked<A extends { readonly error: string }>(method: string, claims: readonly DriverClaim[], answers: Readonly<Record<string, A>>): readonly (readonly [string, A])[] {
  const entries = Object.entries(answers);
  for (const [uid, { error }] of entries) {
    const claim = claims.find((one) => one.uid === uid);
    if (!claim) throw new Error(`${method} returned result for unknown claim UID ${uid}`);
    if (error) throw new Error(`${method} failed for ResourceClaim ${claim.name}: ${error}`);
  }
  if (entries.length < claims.length) throw new Error(`${method} skipped ${claims.length - entries.length} ResourceClaims`);
  return entries;
}
