import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { ConnectedRuntime } from '../cri/connect.ts';
import { isRuntimeError } from '../cri/runtime.ts';
import { RuntimeLeftovers, type NodeGround } from '../machine/index.ts';

const WATCHFUL_MS = 12_000;
const WATCHFUL_LOOKS = 50;
const QUIET_MS = 5 * 60_000;

/** Collects, as long as it is not disposed, what containerd forgot: often for the ten minutes after it came back, now and then otherwise. */
export interface LeftoverCollector extends AsyncDisposable {
  /** containerd is there again, or for the first time. */
  runtimeIsBack(): void;
}

/** Sandboxes that were half made are known to containerd until the kubelet removes them; only then their shims are nobody's. So one look is not enough. */
export function collectLeftovers(ground: NodeGround, runtime: ConnectedRuntime, { clock, log }: { readonly clock: Clock; readonly log: Log }): LeftoverCollector {
  const leftovers = new RuntimeLeftovers(ground, { clock, log });
  const ended = new AbortController();
  let looks = WATCHFUL_LOOKS;
  let wait = new AbortController();
  async function run(): Promise<void> {
    while (!ended.signal.aborted) {
      const doubts = await leftovers.collect(() => runtime.inventory(), () => runtime.oldestSandboxRequestMs()).catch((error: unknown) => {
        // It is away: whoever starts it again says so.
        if (!isRuntimeError(error)) log.warn('cannot look for what containerd has forgotten', { error });
        return 0;
      });
      if (looks > 0) looks--;
      await clock.sleep(looks > 0 || doubts > 0 ? WATCHFUL_MS : QUIET_MS, AbortSignal.any([wait.signal, ended.signal])).catch(() => undefined);
      if (wait.signal.aborted) wait = new AbortController();
    }
  }
  const running = run();
  return {
    runtimeIsBack() {
      looks = WATCHFUL_LOOKS;
      wait.abort();
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      await running;
    },
  };
}
