import type { Pod } from '../../api/generated/core-v1.ts';
import { currentContainer, type ObservedContainer, type ObservedSandbox, type PodObservation } from './observation.ts';
import { containerHash, findContainer, isSidecar, podContainers, restartsAfter, restartTrigger, type PodContainer } from './pod-containers.ts';

export type KillReason = 'restartAll' | 'resize' | 'livenessProbe' | 'startupProbe' | 'definitionChanged' | 'unknownState' | 'initFailed';

export interface KillAction {
  readonly container: ObservedContainer;
  readonly reason: KillReason;
  /** For the Killing event, without the ending that says what comes after. */
  readonly message: string;
}

export interface PodActions {
  /** A sandbox is to be made, with this attempt number; whatever runs in an older one must go first. */
  readonly createSandbox?: { readonly attempt: number; readonly stop: readonly ObservedSandbox[] };
  readonly kill: readonly KillAction[];
  /** To be started now, in this order. */
  readonly start: readonly PodContainer[];
  /** To be started, but not before this time (milliseconds since 1970). */
  readonly delayed: readonly { readonly container: PodContainer; readonly untilMs: number }[];
  /** To be removed, in this order, so that all of the pod begins anew; empty most of the time. */
  readonly reset?: readonly ObservedContainer[];
  /** Nothing is to run any more: all containers have ended for good, or initialization failed for good. */
  readonly finished: boolean;
}

export interface PodActionsInput {
  readonly pod: Pod;
  readonly observation: PodObservation;
  readonly nowMs: number;
  /** Earliest time a container may be started again (back-off after crashes, failed starts). */
  notBeforeMs(name: string): number;
  /** Of the running container with this id. */
  probe(id: string): { readonly started: boolean; readonly livenessFailed: boolean; readonly startupFailed: boolean };
  /** Whether the running container must be restarted to get its new resources. */
  resizeRestart?(id: string): boolean;
}

/** The sandbox in use, if it still fits. Upstream: runtimeutil.PodSandboxChanged. */
export function usableSandbox(pod: Pod, { sandboxes }: PodObservation): ObservedSandbox | undefined {
  const [latest] = sandboxes;
  if (!latest?.ready || sandboxes.filter((s) => s.ready).length > 1) return undefined;
  if (latest.hostNetwork !== (pod.spec.hostNetwork ?? false)) return undefined;
  return latest.hostNetwork || latest.ips.length > 0 ? latest : undefined;
}

/**
 * What is to be done now so that the pod becomes what its spec says, from what the runtime has. Pure; asked again after every change.
 * Not for pods that are being terminated. Upstream: kuberuntime computePodActions, computeInitContainerActions.
 *
 *     init a (done), init b (absent), app (absent)   →   start [b]
 *     init a, b done, app exited 1, restart Always   →   start [app], or delayed while it backs off
 */
export function computePodActions(input: PodActionsInput): PodActions {
  const { pod, observation } = input;
  const sandbox = usableSandbox(pod, observation);
  if (!sandbox) return actionsWithoutSandbox(input);

  const trigger = restartTrigger(pod, observation.containers);
  if (trigger) return restartAll(input, trigger);
  const plan = new Plan(input, sandbox);
  const initialized = planInit(plan);
  if (plan.failed) {
    const running = observation.containers.filter((c) => c.state === 'running');
    return { kill: running.map((container) => ({ container, reason: 'initFailed', message: `Init container failed, stopping ${container.name}` })), start: [], delayed: [], finished: true };
  }
  for (const item of podContainers(pod)) {
    if (item.role === 'ephemeral' && !currentContainer(observation, item.container.name)) plan.start(item);
    if (item.role === 'regular' && initialized) planRegular(plan, item);
  }
  const { kills, starts, delays } = plan;
  return { kill: kills, start: starts, delayed: delays, finished: initialized && kills.length === 0 && isFinished(pod, observation) };
}

/** All that runs is ended, then all that was is removed, who caused it last: until it is gone it tells that this is under way. Upstream: getContainersToReset. */
function restartAll({ pod, observation, nowMs, notBeforeMs }: PodActionsInput, trigger: ObservedContainer): PodActions {
  const nothing: PodActions = { kill: [], start: [], delayed: [], finished: false };
  const own = observation.containers.filter(({ name }) => findContainer(pod, name)?.role !== 'ephemeral');
  const running = own.filter(({ state }) => state === 'running' || state === 'unknown');
  if (running.length > 0) {
    return { ...nothing, kill: running.map((container) => ({ container, reason: 'restartAll', message: `Container ${container.name} is stopped because all containers of the pod restart` })) };
  }
  const untilMs = notBeforeMs(trigger.name);
  if (untilMs > nowMs) return { ...nothing, delayed: [{ container: findContainer(pod, trigger.name)!, untilMs }] };
  const isCause = ({ name }: ObservedContainer): boolean => name === trigger.name;
  return { ...nothing, reset: [...own.filter((c) => !isCause(c)), ...own.filter(isCause).reverse()] };
}

class Plan {
  readonly input: PodActionsInput;
  readonly kills: KillAction[] = [];
  readonly starts: PodContainer[] = [];
  readonly delays: { container: PodContainer; untilMs: number }[] = [];
  failed = false;

  readonly sandbox: ObservedSandbox;

  constructor(input: PodActionsInput, sandbox: ObservedSandbox) {
    this.input = input;
    this.sandbox = sandbox;
  }

  /** What ran in an earlier sandbox does not count as initialization of this one. */
  inSandbox(name: string): ObservedContainer | undefined {
    const current = currentContainer(this.input.observation, name);
    return current?.sandboxId === this.sandbox.id ? current : undefined;
  }

  start(item: PodContainer): void {
    const untilMs = this.input.notBeforeMs(item.container.name);
    if (untilMs > this.input.nowMs) this.delays.push({ container: item, untilMs });
    else this.starts.push(item);
  }

  kill(container: ObservedContainer, reason: KillReason, message: string): void {
    this.kills.push({ container, reason, message });
  }
}

/** Whether a running container must be ended, and why. */
function killCause(plan: Plan, item: PodContainer, current: ObservedContainer): { reason: KillReason; message: string } | undefined {
  const name = item.container.name;
  const what = item.role === 'init' ? 'Init container' : 'Container';
  const probe = plan.input.probe(current.id);
  if (current.hash && current.hash !== containerHash(item.container)) return { reason: 'definitionChanged', message: `${what} ${name} definition changed` };
  if (probe.startupFailed) return { reason: 'startupProbe', message: `${what} ${name} failed startup probe` };
  if (probe.livenessFailed) return { reason: 'livenessProbe', message: `${what} ${name} failed liveness probe` };
  if (plan.input.resizeRestart?.(current.id)) return { reason: 'resize', message: `${what} ${name} resize requires restart` };
  return undefined;
}

/** Plans the init containers; answers whether all that must come before the others is done. */
function planInit(plan: Plan): boolean {
  const { pod, observation } = plan.input;
  const items = podContainers(pod).filter((item) => item.role === 'init');
  // Once a regular container has been made, initialization is over: only sidecars are looked after.
  const over = (pod.spec.containers ?? []).some((c) => plan.inSandbox(c.name));
  for (const item of items) {
    const current = plan.inSandbox(item.container.name);
    if (isSidecar(item)) {
      if (current?.state === 'running') {
        const cause = killCause(plan, item, current);
        if (cause) plan.kill(current, cause.reason, cause.message);
        if (!over && !plan.input.probe(current.id).started) return false;
        continue;
      }
      // A sidecar goes on as long as there is something to go on beside.
      if (over && isFinished(pod, observation)) continue;
      plan.start(item);
      const hasRun = current !== undefined && current.startedMs > 0;
      if (!over && !hasRun) return false;
      continue;
    }
    if (over) continue;
    if (!current || current.state === 'created') {
      plan.start(item);
      return false;
    }
    if (current.state === 'running') {
      if (current.hash && current.hash !== containerHash(item.container)) plan.kill(current, 'definitionChanged', `Init container ${item.container.name} definition changed`);
      return false;
    }
    if (current.state === 'exited' && current.exitCode === 0) continue;
    if (current.state === 'exited' && !restartsAfter(pod, item, current.exitCode)) {
      plan.failed = true;
      return false;
    }
    plan.start(item);
    return false;
  }
  return true;
}

function planRegular(plan: Plan, item: PodContainer): void {
  const { pod, observation } = plan.input;
  const current = currentContainer(observation, item.container.name);
  if (!current || current.state === 'created') {
    plan.start(item);
  } else if (current.state === 'unknown') {
    plan.kill(current, 'unknownState', `Container is in "unknown" state, try killing it before restart`);
  } else if (current.state === 'exited') {
    if (restartsAfter(pod, item, current.exitCode)) plan.start(item);
  } else {
    const cause = killCause(plan, item, current);
    if (cause) plan.kill(current, cause.reason, cause.message);
  }
}

/** Whether every regular container has ended for good. */
function isFinished(pod: Pod, observation: PodObservation): boolean {
  return pod.spec.containers.every((container) => {
    const current = currentContainer(observation, container.name);
    return current?.state === 'exited' && !restartsAfter(pod, { container, role: 'regular' }, current.exitCode);
  });
}

function actionsWithoutSandbox(input: PodActionsInput): PodActions {
  const { pod, observation } = input;
  const nothing: PodActions = { kill: [], start: [], delayed: [], finished: false };
  const [latest] = observation.sandboxes;
  if (latest && observation.containers.length > 0) {
    // The sandbox died under its containers: containers that ran in it have ended with it.
    if (isFinished(pod, observation)) return { ...nothing, finished: true };
    const initFailed = podContainers(pod).some((item) => {
      const current = currentContainer(observation, item.container.name);
      return item.role === 'init' && !isSidecar(item) && current?.state === 'exited' && current.exitCode !== 0 && !restartsAfter(pod, item, current.exitCode);
    });
    if (initFailed) return { ...nothing, finished: true };
    const willRun = podContainers(pod).some((item) => {
      const current = currentContainer(observation, item.container.name);
      return item.role !== 'ephemeral' && (!current || current.state !== 'exited' || restartsAfter(pod, item, current.exitCode));
    });
    if (!willRun) return { ...nothing, finished: true };
  }
  const untilMs = input.notBeforeMs('');
  if (untilMs > input.nowMs) return { ...nothing, delayed: [{ container: podContainers(pod)[0]!, untilMs }] };
  return { ...nothing, createSandbox: { attempt: latest ? latest.attempt + 1 : 0, stop: observation.sandboxes } };
}
