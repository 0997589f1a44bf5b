import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectReference, Pod } from '../../api/generated/core-v1.ts';
import { runtimeClasses } from '../../api/generated/resources.ts';
import { isRuntimeError, type ContainerStatus, type Mount, type PodSandboxConfig, type UserNamespace } from '../../cri/runtime.ts';
import { ContainerStartError } from '../container/config-error.ts';
import { containerConfig } from '../container/container-config.ts';
import { hostsFile } from '../container/dns.ts';
import { containerEnvironment } from '../container/environment.ts';
import type { FieldContext } from '../container/field-ref.ts';
import { podCgroupPath, podCgroupResources } from '../container/resources.ts';
import { podLogDirectory, sandboxConfig } from '../container/sandbox-config.ts';
import { serviceEnvironment } from '../container/service-environment.ts';
import { mountImage } from '../volumes/image.ts';
import { terminationMessageMount, volumeDevices, volumeMounts } from '../volumes/container-mounts.ts';
import type { MountedVolume } from '../volumes/volume-type.ts';
import { lastWords } from './last-words.ts';
import { noted } from './noted.ts';
import { currentContainer, observeContainer, observeSandbox, type ObservedContainer, type ObservedSandbox, type PodObservation } from './observation.ts';
import type { PodContainer } from './pod-containers.ts';
import type { WorkerContext } from './worker-context.ts';

/** Names a container in events: `spec.containers{kubia}`. */
export function containerReference(pod: Pod, { container, role }: PodContainer): ObjectReference {
  const list = { init: 'initContainers', regular: 'containers', ephemeral: 'ephemeralContainers' }[role];
  const { name, namespace, uid, resourceVersion } = pod.metadata;
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid, resourceVersion, fieldPath: `spec.${list}{${container.name}}` };
}

export function fieldContext(pod: Pod, podIps: readonly string[], context: WorkerContext): FieldContext {
  return { pod, podIps: pod.spec.hostNetwork ? context.hostIps : podIps, hostIp: context.hostIps[0] ?? '', allocatable: context.capacity };
}

/**
 * Makes the pod's folders, cgroup and sandbox, and reads its address. Small files are written at once rather than by the thread pool:
 * on a busy machine every turn through it costs more than the write.
 */
export async function launchSandbox(pod: Pod, attempt: number, context: WorkerContext): Promise<ObservedSandbox> {
  const { runtime, cgroupTree, sandbox: settings } = context;
  const directory = context.podDirectory(pod.metadata.uid);
  if (context.volumeGround.containersReadFiles !== false) {
    mkdirSync(podLogDirectory(settings.podLogsDir, pod), { recursive: true, mode: 0o755 });
    mkdirSync(directory, { recursive: true, mode: 0o750 });
  }
  const handler = await runtimeHandler(pod, context);
  const config = sandboxConfig(pod, attempt, settings, userNamespace(pod, handler, context));
  const id = await noted(context, pod, 'sandbox', {}, () => runtime.runPodSandbox(config, handler));
  // The runtime has made the pod's cgroup by now; its containers need not wait.
  try {
    cgroupTree?.setPod(podCgroupPath(pod, settings.cgroupRoot), podCgroupResources(pod));
  } catch (error) {
    context.log.warn('cannot set the resources of a pod', { pod: pod.metadata.name, error });
  }
  const sandbox = observeSandbox(await runtime.podSandboxStatus(id));
  if (context.volumeGround.containersReadFiles !== false) writeHosts(pod, sandbox, context);
  return sandbox;
}

const hostsPath = (pod: Pod, context: WorkerContext): string => join(context.podDirectory(pod.metadata.uid), 'etc-hosts');

function writeHosts(pod: Pod, sandbox: ObservedSandbox, context: WorkerContext): void {
  const path = hostsPath(pod, context);
  // A runtime makes a folder of what it is to mount and does not find.
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) rmSync(path, { recursive: true });
  writeFileSync(path, hostsFile(pod, sandbox.ips, context.hostHosts, context.sandbox.dns.clusterDomain), { mode: 0o644 });
}

/** Throws, in upstream's words, where the runtime knows none. */
function userNamespace(pod: Pod, handler: string, { features, userNamespaces }: WorkerContext): UserNamespace | undefined {
  if (pod.spec.hostUsers === false && !features().userNamespaces.has(handler)) throw new Error(`can't set \`spec.hostUsers: false\`, ${handler === '' ? 'runtime' : `RuntimeClass handler "${handler}"`} does not support user namespaces`);
  return userNamespaces.of(pod);
}

/** What the pod's runtime class calls for; empty: the runtime's default. */
async function runtimeHandler(pod: Pod, { client }: WorkerContext): Promise<string> {
  const name = pod.spec.runtimeClassName;
  return name ? (await client.get(runtimeClasses, { name })).handler : '';
}

export interface ContainerLaunch {
  readonly pod: Pod;
  readonly item: PodContainer;
  readonly sandbox: ObservedSandbox;
  readonly observation: PodObservation;
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  /** Known from containers that are gone from the runtime. */
  readonly leastRestartCount?: number;
  readonly signal: AbortSignal;
  /** A pull begins: it may take long. */
  readonly pulling: () => void;
  /** The container was made and could not be started. */
  readonly failed: (container: ObservedContainer) => void;
}

/** The number of starts before this one. */
export function nextRestartCount(pod: Pod, name: string, current: ObservedContainer | undefined): number {
  if (current) return current.state === 'created' ? current.restartCount : current.restartCount + 1;
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const before = [...containerStatuses, ...initContainerStatuses].find((status) => status.name === name);
  return before?.containerID ? before.restartCount + 1 : before?.restartCount ?? 0;
}

/**
 * Makes the image ready, creates the container and starts it. Rejects with a ContainerStartError whose reason goes into the
 * container's waiting state. Upstream: kuberuntime startContainer.
 */
export async function launchContainer(launch: ContainerLaunch, context: WorkerContext): Promise<ObservedContainer> {
  const { pod, item, sandbox, observation, signal } = launch;
  const { container } = item;
  const { runtime, recorder } = context;
  const about = containerReference(pod, item);
  const fail = (reason: string, error: unknown): never => {
    if (signal.aborted) throw error;
    const { message } = error as Error;
    recorder.event(about, 'Warning', 'Failed', `Error: ${message}`);
    throw error instanceof ContainerStartError ? error : new ContainerStartError(reason, message);
  };
  const config = sandboxConfig(pod, sandbox.attempt, context.sandbox, context.userNamespaces.of(pod));
  let image;
  try {
    await showImageVolumes(launch, config, context);
    image = await context.puller.ensure({ pod, container, sandboxConfig: config, event: (...args) => recorder.event(about, ...args), signal, pulling: launch.pulling });
  } catch (error) {
    // The puller has told what happened; upstream adds which waiting state came of it.
    if (error instanceof ContainerStartError) recorder.event(about, 'Warning', 'Failed', `Error: ${error.reason}`);
    throw error;
  }
  signal.throwIfAborted();
  const current = currentContainer(observation, container.name);
  const restartCount = Math.max(nextRestartCount(pod, container.name, current), launch.leastRestartCount ?? 0);
  let id: string;
  try {
    const services = serviceEnvironment(context.services(pod.metadata.namespace, pod.spec.enableServiceLinks !== false));
    const environment = await containerEnvironment(container, fieldContext(pod, sandbox.ips, context), services, context.objects, launch.volumes);
    const mounts = await containerMounts(launch, environment, restartCount, context);
    const targetName = 'targetContainerName' in container ? container.targetContainerName : undefined;
    const target = targetName ? currentContainer(observation, targetName) : undefined;
    const request = containerConfig({ pod, container, restartCount, image, environment, mounts, devices: volumeDevices(container, launch.volumes), cdiDevices: context.devices?.cdiDevices(pod, container) ?? [], memoryCapacity: context.capacity.memoryBytes, cgroupVersion: context.cgroups.version, userNamespace: context.userNamespaces.of(pod), ...(target && { targetId: target.id }) });
    mkdirSync(join(podLogDirectory(context.sandbox.podLogsDir, pod), container.name), { recursive: true });
    if (current?.state === 'created') await runtime.removeContainer(current.id);
    signal.throwIfAborted();
    id = await noted(context, pod, 'create', { container: container.name }, () => runtime.createContainer(sandbox.id, request, config));
  } catch (error) {
    return fail(isRuntimeError(error) ? 'CreateContainerError' : 'CreateContainerConfigError', error);
  }
  recorder.event(about, 'Normal', 'Created', 'Container created');
  try {
    await noted(context, pod, 'start', { container: container.name }, () => runtime.startContainer(id));
  } catch (error) {
    // It is there and has ended: the next one must be another, under another name.
    launch.failed(await readContainer(await runtime.containerStatus(id), sandbox.id, pod, context));
    return fail('RunContainerError', error);
  }
  recorder.event(about, 'Normal', 'Started', 'Container started');
  return readContainer(await runtime.containerStatus(id), sandbox.id, pod, context);
}

/** Pulls and mounts the images that the container wants as volumes; those that are mounted already stay as they are. Upstream: getImageVolumes. */
async function showImageVolumes({ pod, item: { container }, volumes, signal, pulling }: ContainerLaunch, config: PodSandboxConfig, context: WorkerContext): Promise<void> {
  const wanted = new Set(container.volumeMounts?.map(({ name }) => name));
  for (const { name, image: source } of pod.spec.volumes ?? []) {
    const directory = volumes.get(name)?.path;
    if (!source || !wanted.has(name) || directory === undefined || await context.volumeGround.mounter?.isMounted(directory)) continue;
    const asked = { ...(source.reference !== undefined && { image: source.reference }), ...(source.pullPolicy !== undefined && { imagePullPolicy: source.pullPolicy }) };
    const image = await context.puller.ensure({ pod, container: asked, sandboxConfig: config, event: (...args) => context.recorder.event(pod, ...args), signal, pulling });
    try {
      await mountImage(directory, image, context.volumeGround);
    } catch (error) {
      throw new ContainerStartError('ImageVolumeMountFailed', `failed to mount image volume "${name}": ${(error as Error).message}`);
    }
  }
}

async function containerMounts(launch: ContainerLaunch, environment: Readonly<Record<string, string>>, restartCount: number, context: WorkerContext): Promise<readonly Mount[]> {
  const { pod, item: { container }, volumes } = launch;
  const directory = context.podDirectory(pod.metadata.uid);
  const mounts = [...await volumeMounts(container, volumes, environment, context.features().recursiveReadOnly)];
  if (context.volumeGround.containersReadFiles === false) return mounts;
  if (!mounts.some((mount) => mount.containerPath === '/etc/hosts')) {
    // The kubelet that made the sandbox may have been killed before it wrote the file.
    if (!statSync(hostsPath(pod, context), { throwIfNoEntry: false })?.isFile()) writeHosts(pod, launch.sandbox, context);
    mounts.push({ containerPath: '/etc/hosts', hostPath: hostsPath(pod, context), readonly: container.securityContext?.readOnlyRootFilesystem ?? false });
  }
  const termination = terminationMessageMount(container, directory, restartCount);
  return termination ? [...mounts, termination] : mounts;
}

const LONGEST_MESSAGE = 4096;

/** A container's status with its last words. Upstream: kuberuntime getTerminationMessage. */
export async function readContainer(status: ContainerStatus, sandboxId: string, pod: Pod, context: Pick<WorkerContext, 'podDirectory'>): Promise<ObservedContainer> {
  const observed = observeContainer(status, sandboxId);
  if (observed.state !== 'exited') return observed;
  const file = join(context.podDirectory(pod.metadata.uid), 'containers', observed.name, `termination-${observed.restartCount}`);
  const written = (await readIfThere(file)).slice(0, LONGEST_MESSAGE);
  const policy = status.annotations['io.kubernetes.container.terminationMessagePolicy'];
  const message = written || (policy === 'FallbackToLogsOnError' && observed.exitCode !== 0 ? lastWords(await readIfThere(observed.logPath)) : '');
  return observeContainer(status, sandboxId, message || observed.message);
}

async function readIfThere(path: string): Promise<string> {
  if (!path) return '';
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
