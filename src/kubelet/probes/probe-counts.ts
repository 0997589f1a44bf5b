import type { Labels } from '../server/metrics-text.ts';

/** How many probes ended how, for `/metrics/probes`. Upstream: prober_manager.go, ProberResults. */
export class ProbeCounts {
  /** By the pod's uid, then by all labels. */
  readonly #counts = new Map<string, Map<string, { readonly labels: Labels; count: number }>>();

  add(labels: { readonly probe_type: string; readonly result: 'successful' | 'failed' | 'unknown'; readonly container: string; readonly pod: string; readonly namespace: string; readonly pod_uid: string }): void {
    const ofPod = this.#counts.get(labels.pod_uid) ?? new Map<string, { readonly labels: Labels; count: number }>();
    this.#counts.set(labels.pod_uid, ofPod);
    const key = `${labels.container} ${labels.probe_type} ${labels.result}`;
    const known = ofPod.get(key);
    if (known) known.count++;
    else ofPod.set(key, { labels, count: 1 });
  }

  /** The pod is gone. */
  forget(uid: string): void {
    this.#counts.delete(uid);
  }

  *rows(): Generator<readonly [Labels, number]> {
    for (const ofPod of this.#counts.values()) for (const { labels, count } of ofPod.values()) yield [labels, count];
  }
}
