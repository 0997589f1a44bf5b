import type { Pod, Probe } from '../../api/generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { CriRuntime } from '../../cri/runtime.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import type { ProbeNetwork } from './probe-network.ts';
import { runProbe, type ProbeTarget } from './run-probe.ts';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

const TITLES = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' } as const;

export interface ProberOptions {
  readonly runtime: CriRuntime;
  readonly network: ProbeNetwork;
  readonly clock: Clock;
  /** Something that `ContainerProber` answers has changed. */
  readonly changed: () => void;
  /** A probe has ended. */
  readonly count: (container: AnyContainer, kind: string, result: 'successful' | 'failed' | 'unknown') => void;
  readonly event: (container: AnyContainer, type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

export interface ProbedContainer extends ProbeTarget {
  readonly startedMs: number;
  /** What was known of this very container before the kubelet restarted. */
  readonly before?: { readonly started: boolean; readonly ready: boolean };
}

/** What the probes of a running container say. */
export interface ContainerProbes extends Disposable {
  readonly started: boolean;
  readonly ready: boolean;
  readonly livenessFailed: boolean;
  readonly startupFailed: boolean;
  /** Ends probes of these kinds, or all: a container that is being stopped is not to be killed for them. */
  stop(kinds?: readonly ProbeKind[]): void;
}

/** Of every running container that has no probes. */
export const unprobed: ContainerProbes = {
  started: true, ready: true, livenessFailed: false, startupFailed: false,
  stop() { /* Nothing runs. */ },
  [Symbol.dispose]() { /* Nothing runs. */ },
};

/** The probes of one running container. Upstream: kubelet/prober. */
export class ContainerProber implements ContainerProbes {
  started: boolean;
  ready: boolean;
  livenessFailed = false;
  startupFailed = false;
  readonly #options: ProberOptions;
  readonly #target: ProbedContainer;
  readonly #timers = new Map<ProbeKind, Disposable>();
  #stopped = false;

  constructor(target: ProbedContainer, options: ProberOptions) {
    this.#target = target;
    this.#options = options;
    const { startupProbe, readinessProbe } = target.container;
    this.started = target.before?.started ?? !startupProbe;
    this.ready = readinessProbe ? target.before?.ready ?? false : this.started;
    if (startupProbe && !this.started) this.#schedule('startup', startupProbe);
    else this.#startOthers();
  }

  stop(kinds: readonly ProbeKind[] = ['startup', 'liveness', 'readiness']): void {
    if (kinds.length === 3) this.#stopped = true;
    for (const kind of kinds) {
      this.#timers.get(kind)?.[Symbol.dispose]();
      this.#timers.delete(kind);
    }
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #startOthers(): void {
    const { livenessProbe, readinessProbe } = this.#target.container;
    if (livenessProbe) this.#schedule('liveness', livenessProbe);
    if (readinessProbe) this.#schedule('readiness', readinessProbe);
    else this.ready = this.started;
  }

  #schedule(kind: ProbeKind, probe: Probe): void {
    const run = { successes: 0, failures: 0 };
    const { clock } = this.#options;
    const again = (waitMs: number): void => {
      if (this.#stopped) return;
      const timer = clock.timer(waitMs, () => void this.#try(kind, probe, run).then((goOn) => {
        if (goOn && this.#timers.get(kind) === timer) again((probe.periodSeconds || 10) * 1000);
      }));
      this.#timers.set(kind, timer);
    };
    again(Math.max(0, this.#target.startedMs + (probe.initialDelaySeconds ?? 0) * 1000 - clock.now()));
  }

  /** One try; answers whether there is to be another. */
  async #try(kind: ProbeKind, probe: Probe, run: { successes: number; failures: number }): Promise<boolean> {
    const { runtime, network, event, count } = this.#options;
    const result = await runProbe(probe, this.#target, runtime, network);
    if (this.#stopped || !this.#timers.has(kind)) return false;
    count(this.#target.container, TITLES[kind], result.errored ? 'unknown' : result.success ? 'successful' : 'failed');
    if (result.errored) {
      event(this.#target.container, 'Warning', 'Unhealthy', `${TITLES[kind]} probe errored and resulted in unknown state: ${result.output}`);
      return true;
    }
    if (result.success) {
      run.successes++;
      run.failures = 0;
      if (result.warning) event(this.#target.container, 'Warning', 'ProbeWarning', `${TITLES[kind]} probe warning: ${result.output}`);
    } else {
      run.failures++;
      run.successes = 0;
      event(this.#target.container, 'Warning', 'Unhealthy', `${TITLES[kind]} probe failed: ${result.output}`);
    }
    const passed = result.success && run.successes >= (probe.successThreshold || 1);
    const failed = !result.success && run.failures >= (probe.failureThreshold || 3);
    if (!passed && !failed) return true;
    return this.#note(kind, passed);
  }

  #note(kind: ProbeKind, passed: boolean): boolean {
    const { changed } = this.#options;
    if (kind === 'readiness') {
      if (this.ready !== passed) {
        this.ready = passed;
        changed();
      }
      return true;
    }
    if (kind === 'liveness') {
      if (passed) return true;
      this.livenessFailed = true;
      changed();
      return false;
    }
    if (passed) {
      this.started = true;
      this.#startOthers();
    } else this.startupFailed = true;
    changed();
    return false;
  }
}

/** The grace period of a kill for a failed probe, in seconds: the probe's own, or the pod's. */
export function probeGrace(pod: Pod, container: AnyContainer, kind: 'liveness' | 'startup'): number {
  const probe = kind === 'liveness' ? container.livenessProbe : container.startupProbe;
  return probe?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}
