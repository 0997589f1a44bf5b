/** The one-line state of a pod that people read: `Running`, `Init:0/2`, `CrashLoopBackOff`, `2 (5m ago)`. Upstream: printers.printPod. */
import type { ContainerStateTerminated, Pod } from '../generated/core-v1.ts';
import { ageOf } from '../human-duration.ts';
import { isConditionTrue, isPodReady, isPodTerminal, isSidecar } from './conditions.ts';

export interface PodSummary {
  readonly status: string;
  readonly readyContainers: number;
  readonly totalContainers: number;
  readonly restarts: number;
  /** RFC 3339, of the last restart, where there was one. */
  readonly lastRestart?: string;
}

export function summarizePod(pod: Pod): PodSummary {
  const sidecars = new Set((pod.spec.initContainers ?? []).filter(isSidecar).map((container) => container.name));
  const totalContainers = pod.spec.containers.length + sidecars.size;
  const init = summarizeInit(pod, sidecars);
  const gated = pod.status?.conditions?.some((condition) => condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated');
  const base = gated ? 'SchedulingGated' : pod.status?.reason || pod.status?.phase || '';

  let summary = { status: init.status ?? base, readyContainers: init.ready, restarts: init.restarts, lastRestart: init.lastRestart };
  if (init.status === undefined || isConditionTrue(pod, 'Initialized')) {
    const main = summarizeMain(pod, init.status ?? base);
    summary = {
      status: main.status, readyContainers: init.ready + main.ready, restarts: init.sidecarRestarts + main.restarts, lastRestart: later(init.lastSidecarRestart, main.lastRestart),
    };
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (pod.status?.reason === 'NodeLost') summary.status = 'Unknown';
    else if (!isPodTerminal(pod)) summary.status = 'Terminating';
  }
  const { lastRestart, ...rest } = summary;
  return { ...rest, totalContainers, ...(lastRestart !== undefined && { lastRestart }) };
}

/** `2 (5m ago)`, or `0`. */
export function restartsText(summary: PodSummary, nowMs: number): string {
  return summary.restarts !== 0 && summary.lastRestart ? `${summary.restarts} (${ageOf(summary.lastRestart, nowMs)} ago)` : String(summary.restarts);
}

const later = (a: string | undefined, b: string | undefined): string | undefined => (a === undefined ? b : b === undefined || a >= b ? a : b);

function ending(terminated: ContainerStateTerminated): string {
  return terminated.reason || (terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`);
}

interface InitSummary {
  /** `Init:1/2` or the fault of the first init container that is not done; undefined when all are. */
  status: string | undefined;
  ready: number;
  restarts: number;
  sidecarRestarts: number;
  lastRestart?: string | undefined;
  lastSidecarRestart?: string | undefined;
}

function summarizeInit(pod: Pod, sidecars: ReadonlySet<string>): InitSummary {
  const sum: InitSummary = { status: undefined, ready: 0, restarts: 0, sidecarRestarts: 0 };
  for (const [i, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const { terminated, waiting } = container.state ?? {};
    const ended = container.lastState?.terminated?.finishedAt;
    sum.restarts += container.restartCount;
    sum.lastRestart = later(sum.lastRestart, ended);
    const sidecar = sidecars.has(container.name);
    if (sidecar) {
      sum.sidecarRestarts += container.restartCount;
      sum.lastSidecarRestart = later(sum.lastSidecarRestart, ended);
    }
    if (terminated?.exitCode === 0) continue;
    if (sidecar && container.started) {
      if (container.ready) sum.ready++;
      continue;
    }
    if (terminated) sum.status = `Init:${ending(terminated)}`;
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') sum.status = `Init:${waiting.reason}`;
    else sum.status = `Init:${i}/${pod.spec.initContainers?.length ?? 0}`;
    break;
  }
  return sum;
}

function summarizeMain(pod: Pod, base: string): { status: string; ready: number; restarts: number; lastRestart?: string | undefined } {
  let status = base;
  let failure: string | undefined;
  let running = false;
  let ready = 0;
  let restarts = 0;
  let lastRestart: string | undefined;
  for (const container of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    const { terminated, waiting } = container.state ?? {};
    restarts += container.restartCount;
    lastRestart = later(lastRestart, container.lastState?.terminated?.finishedAt);
    if (waiting?.reason) {
      status = waiting.reason;
    } else if (terminated) {
      status = ending(terminated);
      if (terminated.exitCode !== 0) failure = status;
    } else if (container.ready && container.state?.running) {
      running = true;
      ready++;
    }
  }
  // One container still running counts more than another's end.
  if (status === 'Completed') {
    if (running && isPodReady(pod)) status = 'Running';
    else if (failure !== undefined) status = failure;
    else if (running) status = 'NotReady';
  }
  return { status, ready, restarts, lastRestart };
}
