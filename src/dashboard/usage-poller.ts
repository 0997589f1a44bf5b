import { StatusError } from '../api/errors.ts';
import { quantityToNumber } from '../api/quantity.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { HttpClient } from '../client/http-client.ts';
import type { Usage } from './rows/row.ts';

/** What kubelets measure is some ten seconds old anyway. */
const EVERY_MS = 10_000;
/** A cluster without metrics.k8s.io may get it. */
const ABSENT_MS = 60_000;

interface MetricsList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly namespace?: string };
    readonly usage?: Readonly<Record<string, string>>;
    readonly containers?: readonly { readonly usage: Readonly<Record<string, string>> }[];
  }[];
}

/** Asks metrics.k8s.io now and then until the signal aborts; metrics have no watch. Tells null where nobody measures. */
export async function pollUsage({
  http,
  clock,
  log,
  signal,
  tell,
}: {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  tell(usage: Usage | null): void;
}): Promise<void> {
  while (!signal.aborted) {
    let pause = EVERY_MS;
    try {
      const [nodes, pods] = await Promise.all(
        ['nodes', 'pods'].map(
          async (what) =>
            JSON.parse((await http.raw('GET', `/apis/metrics.k8s.io/v1beta1/${what}`, { signal })).body.toString()) as MetricsList,
        ),
      );
      tell({ nodes: usageOf(nodes!), pods: usageOf(pods!) });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof StatusError) {
        tell(null);
        if (error.code === 404) pause = ABSENT_MS;
      }
      log.debug('no measured use', { error });
    }
    try {
      await clock.sleep(pause, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

export function usageOf({ items }: MetricsList): Record<string, readonly [cpu: number, memory: number]> {
  return Object.fromEntries(
    items.map(({ metadata: { name, namespace }, usage, containers = [] }) => {
      const parts = usage ? [usage] : containers.map((container) => container.usage);
      const sum = (what: string): number => parts.reduce((total, part) => total + quantityToNumber(part[what]), 0);
      return [namespace ? `${namespace}/${name}` : name, [sum('cpu'), sum('memory')]];
    }),
  );
}
