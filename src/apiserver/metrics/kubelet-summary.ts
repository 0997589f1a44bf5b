import { request } from 'node:https';
import { StatusError, serviceUnavailable } from '../../api/errors.ts';
import type { Clock } from '../../base/clock.ts';
import { hostPort, type KubeletConnections } from '../subresources/kubelet-connections.ts';

interface Usage {
  readonly cpu?: { readonly time: string; readonly usageNanoCores?: number };
  readonly memory?: { readonly time: string; readonly workingSetBytes?: number };
}

/** What of a kubelet's `/stats/summary` is read here. Upstream: kubelet pkg/apis/stats/v1alpha1. */
export interface KubeletSummary {
  readonly node: Usage;
  readonly pods: readonly { readonly podRef: { readonly name: string; readonly namespace: string }; readonly containers: readonly (Usage & { readonly name: string })[] }[];
}

/** Answers that are younger are not asked for again: one look at many pods asks each kubelet once. */
const FRESH_MS = 2000;
const TIMEOUT_MS = 5000;

/** What the kubelets measure, asked for when somebody wants to know. */
export class KubeletSummaries {
  readonly #kubelets: KubeletConnections;
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly at: number; readonly summary: Promise<KubeletSummary> }>();

  constructor(kubelets: KubeletConnections, clock: Clock) {
    this.#kubelets = kubelets;
    this.#clock = clock;
  }

  /** Rejects with 503 where the kubelet cannot be reached. */
  async of(nodeName: string): Promise<KubeletSummary> {
    const now = this.#clock.monotonic();
    const known = this.#known.get(nodeName);
    if (known && now - known.at < FRESH_MS) return await known.summary;
    const summary = this.#ask(nodeName);
    this.#known.set(nodeName, { at: now, summary });
    try {
      return await summary;
    } catch (error) {
      this.#known.delete(nodeName);
      throw error;
    }
  }

  async #ask(nodeName: string): Promise<KubeletSummary> {
    const { host, port } = this.#kubelets.locate(nodeName);
    const fail = (cause: string): StatusError => serviceUnavailable(`unable to fetch metrics from node ${nodeName}: ${cause}`);
    return await new Promise((resolve, reject) => {
      const asked = request(`https://${hostPort(host, port)}/stats/summary`, { agent: this.#kubelets.agent, timeout: TIMEOUT_MS }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', (error) => reject(fail(error.message)));
        answer.on('end', () => {
          if (answer.statusCode !== 200) return reject(fail(`request failed, status: ${answer.statusCode}`));
          try {
            resolve(JSON.parse(Buffer.concat(chunks).toString()) as KubeletSummary);
          } catch (error) {
            reject(fail(String(error)));
          }
        });
      });
      asked.on('timeout', () => asked.destroy(new Error('time-out')));
      asked.on('error', (error) => reject(fail(error.message)));
      asked.end();
    });
  }
}
