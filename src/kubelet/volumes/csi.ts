import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, realpath, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { isReason } from '../../api/errors.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/generated/core-v1.ts';
import { csiDrivers as driverObjects, secrets, volumeAttachments } from '../../api/generated/resources.ts';
import type { CSIDriver } from '../../api/generated/storage-v1.ts';
import type { CsiDriver } from '../csi/csi-drivers.ts';
import { expandOnNode, hasGrown } from './csi-expansion.ts';
import type { CsiGround, MountedVolume, VolumeContext, VolumeType } from './volume-type.ts';

/** What must be known to take a volume away again, kept beside it. Upstream: vol_data.json, the same fields. */
interface VolumeData {
  readonly driverName: string;
  readonly volumeHandle: string;
  readonly volumeLifecycleMode: 'Persistent' | 'Ephemeral';
  readonly attachmentID: string;
  readonly nodeName: string;
  readonly specVolID: string;
  /** What was published: a folder, or a device. */
  readonly target: 'mount' | 'dev';
  readonly staged: boolean;
}

type Strings = Readonly<Record<string, string>>;
const DATA = 'vol_data.json';
/** Volumes that may grow, or are to be published again, are looked at so often. Upstream: once a minute, with the pod. */
const LOOK_AGAIN_MS = 60_000;
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Where a volume that several pods share is staged. Upstream: csi makeDeviceMountPath. */
const stageOf = (ground: CsiGround, driver: string, handle: string): string => join(ground.rootDir, 'plugins/kubernetes.io/csi', driver, hash(handle));

/** A path as drivers see it, whose containers know the kubelet's folder by another name. */
const seenByDriver = (ground: CsiGround, path: string): string => join(ground.driversRoot, relative(ground.rootDir, path));

/** A volume of a driver, written into the pod itself. Persistent ones come by their claim: see `mountPersistent`. Upstream: pkg/volume/csi. */
export const csiVolume: VolumeType = {
  name: 'csi',
  matches: (volume) => volume.csi !== undefined,
  async setUp(context) {
    const { pod, volume, directory } = context;
    const source = volume.csi!;
    const handle = `csi-${hash(`${volume.name}${pod.metadata.namespace}${pod.metadata.name}${pod.metadata.uid}`)}`;
    const credentials = source.nodePublishSecretRef?.name ? await secretStrings(context, pod.metadata.namespace, source.nodePublishSecretRef.name) : {};
    return publish(context, directory, {
      driver: source.driver, handle, lifecycle: 'Ephemeral', fsType: source.fsType ?? '', attributes: source.volumeAttributes ?? {}, publishSecrets: credentials, stageSecrets: {},
      mountOptions: [], accessMode: 'ReadWriteOnce', readOnly: source.readOnly ?? false, block: false, specName: volume.name,
    });
  },
  async tearDown({ directory, ground: { csi, log } }) {
    if (!csi) return;
    const data = await readData(directory);
    if (!data) return;
    const target = join(directory, data.target);
    const driver = csi.drivers.get(data.driverName);
    await driver.socket.call('NodeUnpublishVolume', { volumeId: data.volumeHandle, targetPath: seenByDriver(csi, target) });
    await rm(join(directory, DATA), { force: true });
    // Never what may be in the volume: only the empty place where it was.
    await removePlace(target);
    if (data.staged && !(await isUsed(csi, data))) await unstage(csi, driver, data);
    csi.inUse.delete(directory);
    log.debug('a volume was unpublished', { driver: data.driverName, volume: data.volumeHandle });
  },
};

/** A bound volume of a driver, for one pod: attached where it must be, staged once a node, published for the pod. */
export async function mountPersistent(context: VolumeContext, claim: PersistentVolumeClaim, volume: PersistentVolume, readOnly: boolean): Promise<MountedVolume> {
  const { metadata, spec } = volume;
  const source = spec.csi!;
  const secretOf = async (reference: { readonly name?: string; readonly namespace?: string } | undefined): Promise<Strings> =>
    (reference?.name ? secretStrings(context, reference.namespace ?? '', reference.name) : {});
  const wanted: Publication = {
    driver: source.driver, handle: source.volumeHandle, lifecycle: 'Persistent', fsType: source.fsType ?? '', attributes: source.volumeAttributes ?? {},
    publishSecrets: await secretOf(source.nodePublishSecretRef), stageSecrets: await secretOf(source.nodeStageSecretRef), mountOptions: spec.mountOptions ?? [],
    accessMode: spec.accessModes?.[0] ?? 'ReadWriteOnce', readOnly: readOnly || (source.readOnly ?? false), block: spec.volumeMode === 'Block', specName: metadata.name,
  };
  const directory = join(dirname(dirname(context.directory)), 'kubernetes.io~csi', metadata.name);
  const mounted = await publish(context, directory, wanted);
  const ground = context.ground.csi!;
  const driver = ground.drivers.get(wanted.driver);
  if (!driver.capabilities.has('EXPAND_VOLUME') || wanted.readOnly) return mounted;
  if (hasGrown(claim, volume)) {
    await expandOnNode(context, (name, request) => driver.socket.call(name, request), claim, volume, {
      volumeId: wanted.handle, volumePath: seenByDriver(ground, join(directory, targetOf(wanted))), stagingTargetPath: stagingPathOf(ground, driver, wanted),
      volumeCapability: capabilityOf(wanted, driver, context.pod.spec.securityContext?.fsGroup), secrets: await secretOf(source.nodeExpandSecretRef),
    });
  }
  return { ...mounted, refreshAtMs: context.clock.now() + LOOK_AGAIN_MS };
}

interface Publication {
  readonly driver: string;
  readonly handle: string;
  readonly lifecycle: VolumeData['volumeLifecycleMode'];
  readonly fsType: string;
  readonly attributes: Strings;
  readonly publishSecrets: Strings;
  readonly stageSecrets: Strings;
  readonly mountOptions: readonly string[];
  readonly accessMode: string;
  readonly readOnly: boolean;
  readonly block: boolean;
  readonly specName: string;
}

async function publish(context: VolumeContext, directory: string, wanted: Publication): Promise<MountedVolume> {
  const { pod, client, clock, ground: { csi, mounter } } = context;
  if (!csi || !mounter) throw new Error('no volume plugin matched: this node runs no storage drivers');
  const target = join(directory, targetOf(wanted));
  const object = await client.get(driverObjects, { name: wanted.driver }).catch(absent);
  const modes = object?.spec.volumeLifecycleModes ?? ['Persistent'];
  if (!modes.includes(wanted.lifecycle)) throw new Error(`kubernetes.io/csi: mounter.SetupAt failed to check volume lifecycle mode: volume mode "${wanted.lifecycle}" not supported by driver ${wanted.driver} (${object ? `only supports ${JSON.stringify(modes)}` : 'no CSIDriver object'})`);
  if (needsAttachment(wanted, object)) csi.inUse.add(directory, wanted.driver, wanted.handle);
  const isFresh = !(await isPublished(target, mounter.isMounted));
  const again = object?.spec.requiresRepublish ?? false;
  if (isFresh) await stageAndPublish(context, directory, target, wanted, object);
  else if (again) await publishOnce(context, target, wanted, object);
  if (wanted.block) return { path: await realpath(target), readOnly: wanted.readOnly, isDevice: true };
  const policy = object?.spec.fsGroupPolicy ?? 'ReadWriteOnceWithFSType';
  const byDriver = csi.drivers.get(wanted.driver).capabilities.has('VOLUME_MOUNT_GROUP');
  const owned = !byDriver && (policy === 'File' || (policy === 'ReadWriteOnceWithFSType' && wanted.fsType !== '' && wanted.accessMode === 'ReadWriteOnce' && wanted.lifecycle === 'Persistent'));
  return { path: target, readOnly: wanted.readOnly, owned: owned && pod.spec.securityContext?.fsGroup !== undefined, isOld: !isFresh, ...(again && { refreshAtMs: clock.now() + LOOK_AGAIN_MS }) };
}

function driverOf(ground: CsiGround, name: string): CsiDriver {
  try {
    return ground.drivers.get(name);
  } catch (error) {
    throw new Error(`kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: ${(error as Error).message}`, { cause: error });
  }
}

async function stageAndPublish(context: VolumeContext, directory: string, target: string, wanted: Publication, object: CSIDriver | undefined): Promise<void> {
  const ground = context.ground.csi!;
  const driver = driverOf(ground, wanted.driver);
  const publishContext = await publishContextOf(context, wanted, object);
  const data: VolumeData = {
    driverName: wanted.driver, volumeHandle: wanted.handle, volumeLifecycleMode: wanted.lifecycle, attachmentID: attachmentOf(ground, wanted), nodeName: ground.nodeName, specVolID: wanted.specName,
    target: targetOf(wanted), staged: isStaged(driver, wanted),
  };
  await mkdir(directory, { recursive: true, mode: 0o750 });
  await writeFile(join(directory, DATA), JSON.stringify(data));
  if (data.staged) {
    await mkdir(join(stageOf(ground, wanted.driver, wanted.handle), 'globalmount'), { recursive: true, mode: 0o750 });
    await driver.socket.call('NodeStageVolume', {
      volumeId: wanted.handle, publishContext, stagingTargetPath: stagingPathOf(ground, driver, wanted), volumeCapability: capabilityOf(wanted, driver, context.pod.spec.securityContext?.fsGroup),
      secrets: wanted.stageSecrets, volumeContext: wanted.attributes,
    });
  }
  await publishOnce(context, target, wanted, object);
}

/** Also again, where the driver wants that: with what the pod may show it now. */
async function publishOnce(context: VolumeContext, target: string, wanted: Publication, object: CSIDriver | undefined): Promise<void> {
  const { pod } = context;
  const ground = context.ground.csi!;
  const driver = driverOf(ground, wanted.driver);
  const about = object?.spec.podInfoOnMount ? podAttributes(pod, wanted.lifecycle) : {};
  const tokens = await tokenAttributes(context, object);
  const asSecrets = object?.spec.serviceAccountTokenInSecrets ?? false;
  await driver.socket.call('NodePublishVolume', {
    volumeId: wanted.handle, publishContext: await publishContextOf(context, wanted, object), stagingTargetPath: stagingPathOf(ground, driver, wanted), targetPath: seenByDriver(ground, target),
    volumeCapability: capabilityOf(wanted, driver, pod.spec.securityContext?.fsGroup), readonly: wanted.readOnly, secrets: { ...wanted.publishSecrets, ...(asSecrets && tokens) },
    volumeContext: { ...wanted.attributes, ...about, ...(!asSecrets && tokens) },
  });
}

const targetOf = ({ block }: Publication): VolumeData['target'] => (block ? 'dev' : 'mount');
const needsAttachment = ({ lifecycle }: Publication, object: CSIDriver | undefined): boolean => lifecycle === 'Persistent' && (object?.spec.attachRequired ?? true);
const isStaged = ({ capabilities }: CsiDriver, { lifecycle }: Publication): boolean => lifecycle === 'Persistent' && capabilities.has('STAGE_UNSTAGE_VOLUME');
const stagingPathOf = (ground: CsiGround, driver: CsiDriver, wanted: Publication): string => (isStaged(driver, wanted) ? seenByDriver(ground, join(stageOf(ground, wanted.driver, wanted.handle), 'globalmount')) : '');
const attachmentOf = ({ nodeName }: CsiGround, { handle, driver }: Publication): string => `csi-${hash(`${handle}${driver}${nodeName}`)}`;

async function publishContextOf(context: VolumeContext, wanted: Publication, object: CSIDriver | undefined): Promise<Strings> {
  return needsAttachment(wanted, object) ? attachment(context, attachmentOf(context.ground.csi!, wanted), wanted.specName) : {};
}

/** The tokens of the pod's account that the driver asks for. Upstream: csi_mounter.go podServiceAccountTokenAttrs. */
async function tokenAttributes({ tokens, pod }: VolumeContext, object: CSIDriver | undefined): Promise<Strings> {
  const requests = object?.spec.tokenRequests ?? [];
  if (requests.length === 0) return {};
  const issued = await Promise.all(requests.map(async ({ audience, expirationSeconds = 3600 }) => {
    const { token, expirationTimestamp } = await tokens.token(pod, audience, expirationSeconds);
    return [audience, { token, expirationTimestamp }] as const;
  }));
  return { 'csi.storage.k8s.io/serviceAccount.tokens': JSON.stringify(Object.fromEntries(issued)) };
}

/** What its attacher told when it attached the volume to this node. Upstream: csi_attacher.go. */
async function attachment({ client }: VolumeContext, name: string, volume: string): Promise<Strings> {
  const found = await client.get(volumeAttachments, { name }).catch(absent);
  if (found?.status?.attachError?.message) throw new Error(`AttachVolume.Attach failed for volume "${volume}" : ${found.status.attachError.message}`);
  if (!found?.status?.attached) throw new Error(`volume "${volume}" is not attached yet: volume attachment ${name} ${found ? 'is not done' : 'does not exist'}`);
  return found.status.attachmentMetadata ?? {};
}

function capabilityOf({ block, fsType, mountOptions, accessMode }: Publication, { capabilities }: CsiDriver, fsGroup: number | undefined): object {
  const many = capabilities.has('SINGLE_NODE_MULTI_WRITER');
  const mode = {
    ReadWriteOnce: many ? 'SINGLE_NODE_MULTI_WRITER' : 'SINGLE_NODE_WRITER', ReadOnlyMany: 'MULTI_NODE_READER_ONLY', ReadWriteMany: 'MULTI_NODE_MULTI_WRITER',
    ReadWriteOncePod: many ? 'SINGLE_NODE_SINGLE_WRITER' : 'SINGLE_NODE_WRITER',
  }[accessMode] ?? 'UNKNOWN_MODE';
  const mount = { fsType, mountFlags: mountOptions, volumeMountGroup: fsGroup !== undefined && capabilities.has('VOLUME_MOUNT_GROUP') ? String(fsGroup) : '' };
  return { ...(block ? { block: {} } : { mount }), accessMode: { mode } };
}

function podAttributes({ metadata, spec }: Pod, lifecycle: VolumeData['volumeLifecycleMode']): Strings {
  return {
    'csi.storage.k8s.io/pod.name': metadata.name, 'csi.storage.k8s.io/pod.namespace': metadata.namespace, 'csi.storage.k8s.io/pod.uid': metadata.uid,
    'csi.storage.k8s.io/serviceAccount.name': spec.serviceAccountName ?? '', 'csi.storage.k8s.io/ephemeral': String(lifecycle === 'Ephemeral'),
  };
}

async function secretStrings({ client }: VolumeContext, namespace: string, name: string): Promise<Strings> {
  const { data = {} } = await client.get(secrets, { namespace, name });
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

async function isPublished(target: string, isMounted: (path: string) => Promise<boolean>): Promise<boolean> {
  const found = await stat(target).catch(missing);
  return found !== undefined && (found.isBlockDevice() || await isMounted(target));
}

/** Whether another pod of this node still has the volume. */
async function isUsed({ rootDir }: CsiGround, { driverName, volumeHandle }: VolumeData): Promise<boolean> {
  const pods = join(rootDir, 'pods');
  for (const uid of await readdir(pods)) {
    const volumes = join(pods, uid, 'volumes/kubernetes.io~csi');
    for (const name of (await readdir(volumes).catch(missing)) ?? []) {
      const other = await readData(join(volumes, name));
      if (other?.driverName === driverName && other.volumeHandle === volumeHandle) return true;
    }
  }
  return false;
}

async function unstage(ground: CsiGround, driver: CsiDriver, { driverName, volumeHandle }: VolumeData): Promise<void> {
  const stage = stageOf(ground, driverName, volumeHandle);
  await driver.socket.call('NodeUnstageVolume', { volumeId: volumeHandle, stagingTargetPath: seenByDriver(ground, join(stage, 'globalmount')) });
  await removePlace(join(stage, 'globalmount'));
  await rmdir(stage).catch(missing);
}

async function readData(directory: string): Promise<VolumeData | undefined> {
  const text = await readFile(join(directory, DATA), 'utf8').catch(missing);
  return text === undefined ? undefined : JSON.parse(text) as VolumeData;
}

/** An empty folder, or the file that a device was mounted on. */
async function removePlace(path: string): Promise<void> {
  const found = await stat(path).catch(missing);
  if (found?.isDirectory()) await rmdir(path);
  else await rm(path, { force: true });
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function absent(error: unknown): undefined {
  if (!isReason(error, 'NotFound')) throw error;
}
