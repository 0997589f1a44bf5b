// What is not well, and why, in words.
import { computed } from '@preact/signals';
import type { EventRow, Tone } from '../src/dashboard/rows/row.ts';
import { pathOf } from './api.ts';
import { t } from './language.ts';
import { statusWords } from './plain-words.ts';
import { groupBy, podsByWorkload, slicesByService, tables, workloadOfPod, workloads, workloadTableOf } from './store.ts';

export interface Trouble {
  readonly id: string;
  readonly tone: Tone;
  readonly what: string;
  readonly ns?: string;
  /** What that means, for who does not know the cluster's words. */
  readonly means?: string;
  readonly why: string;
  readonly path: string;
}

const eventsByObject = computed(() => groupBy(tables.events.all(), ({ about }) => about.uid));

/** Events about an object, the newest first. */
export function eventsOf(uid: string): readonly EventRow[] {
  return [...(eventsByObject.value.get(uid) ?? [])].sort((a, b) => b.last - a.last || Number(b.rv) - Number(a.rv));
}

function meansOf(status: string | undefined): { readonly means?: string } {
  const words = status === undefined ? undefined : statusWords(status);
  return words ? { means: t(words) } : {};
}

export const troubles = computed((): readonly Trouble[] => {
  const found: Trouble[] = [];
  for (const node of tables.nodes.all()) {
    if (node.tone !== 'bad') continue;
    found.push({
      id: `node/${node.id}`,
      tone: 'bad',
      what: t('Node {name}: {status}', { name: node.name, status: node.status.toLowerCase() }),
      why: node.why ?? '',
      path: pathOf('nodes', node),
    });
  }
  // A workload stands for its pods; what is wrong with them is mostly one thing.
  const told = new Set<string>();
  for (const workload of workloads.value) {
    const key = `${workload.kind}/${workload.ns}/${workload.name}`;
    const bad = (podsByWorkload.value.get(key) ?? []).filter(({ tone }) => tone === 'bad');
    if (bad.length === 0 && workload.tone !== 'bad') continue;
    told.add(key);
    const states = [...groupBy(bad, ({ status }) => status)]
      .map(([status, pods]) => t('{n} × {status}', { n: pods.length, status }))
      .join(', ');
    found.push({
      id: key,
      tone: 'bad',
      ...(workload.ns && { ns: workload.ns }),
      what: t('{kind} {name}: {states}', { kind: workload.kind, name: workload.name, states: states || workload.status.toLowerCase() }),
      ...meansOf(bad[0]?.status),
      why: bad.find(({ why }) => why)?.why ?? workload.why ?? '',
      path: pathOf(workloadTableOf[workload.kind], workload),
    });
  }
  for (const pod of tables.pods.all()) {
    if (pod.tone !== 'bad' || told.has(workloadOfPod(pod) ?? '')) continue;
    found.push({
      id: `pod/${pod.id}`,
      tone: 'bad',
      ...(pod.ns && { ns: pod.ns }),
      what: t('{kind} {name}: {states}', { kind: 'Pod', name: pod.name, states: pod.status }),
      ...meansOf(pod.status),
      why: pod.why ?? '',
      path: pathOf('pods', pod),
    });
  }
  for (const claim of tables.persistentvolumeclaims.all()) {
    if (claim.tone === 'ok') continue;
    const event = eventsOf(claim.uid)[0];
    found.push({
      id: `claim/${claim.id}`,
      tone: claim.tone,
      ...(claim.ns && { ns: claim.ns }),
      what: t('Volume claim {name}: {status}', { name: claim.name, status: claim.status.toLowerCase() }),
      why: event?.message ?? t('No volume is bound to it yet.'),
      path: pathOf('persistentvolumeclaims', claim),
    });
  }
  for (const service of tables.services.all()) {
    const at = { ...(service.ns && { ns: service.ns }), path: pathOf('services', service) };
    if (service.pending) {
      const event = eventsOf(service.uid)[0];
      found.push({
        id: `pending/${service.id}`,
        tone: 'busy',
        ...at,
        what: t('Service {name} waits for an external address', { name: service.name }),
        why: event?.message ?? t('Nobody in this cluster has given it an external address yet.'),
      });
    }
    if (Object.keys(service.selector).length === 0) continue;
    const slices = slicesByService.value.get(service.id) ?? [];
    if (slices.some(({ ready }) => ready.length > 0)) continue;
    const waiting = slices.reduce((sum, { notReady }) => sum + notReady.length, 0);
    found.push({
      id: `service/${service.id}`,
      tone: 'busy',
      ...at,
      what: t('Service {name} has nobody to answer', { name: service.name }),
      why:
        waiting > 0
          ? t('{n} pods behind it, none ready.', { n: waiting })
          : t('No pod has the labels {labels}.', {
              labels: Object.entries(service.selector)
                .map(([key, value]) => `${key}=${value}`)
                .join(', '),
            }),
    });
  }
  return found;
});
