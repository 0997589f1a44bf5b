import { notFound } from '../../api/errors.ts';
import type { Node, Pod } from '../../api/generated/core-v1.ts';
import type { NodeMetrics, PodMetrics } from '../../api/generated/metrics-v1beta1.ts';
import { nodes, pods } from '../../api/generated/resources.ts';
import type { KindDefinition, TableColumn } from '../../api/kind.ts';
import { nameColumn } from '../../api/kinds/table-columns.ts';
import type { KubeObject, ObjectKey, ObjectList } from '../../api/object.ts';
import type { BuiltInResource } from '../../api/resources.ts';
import type { Log } from '../../base/log.ts';
import type { ListOptions } from '../../client/client.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import type { ResourceReader } from '../registry/api-registry.ts';
import { compileSelection } from '../registry/selection.ts';
import type { KubeletSummaries, KubeletSummary } from './kubelet-summary.ts';

/** How long the kubelet measures for one figure. */
const WINDOW = '10s';

const entry = (resource: string, kind: string, namespaced: boolean): BuiltInResource => ({
  group: 'metrics.k8s.io', version: 'v1beta1', resource, kind, namespaced, singular: '', verbs: ['get', 'list'], type: `io.k8s.metrics.pkg.apis.metrics.v1beta1.${kind}`,
});

/** What `kubectl top` and the autoscaler read; elsewhere an add-on (metrics-server) serves it. */
export const nodeMetricsResource = entry('nodes', 'NodeMetrics', false);
export const podMetricsResource = entry('pods', 'PodMetrics', true);

const quantities = (cpuNano: number, memoryBytes: number): Record<string, string> => ({ cpu: cpuNano === 0 ? '0' : `${cpuNano}n`, memory: `${Math.ceil(memoryBytes / 1024)}Ki` });

const column = <T>(name: string, value: (object: T) => string): TableColumn<T> => ({ name, type: 'string', description: '', value });

export const nodeMetricsDefinition: KindDefinition = {
  resource: nodeMetricsResource,
  columns: [nameColumn, column<NodeMetrics>('cpu', ({ usage }) => usage['cpu']!), column<NodeMetrics>('memory', ({ usage }) => usage['memory']!), column<NodeMetrics>('window', ({ window }) => window)] as unknown as NonNullable<KindDefinition['columns']>,
};
export const podMetricsDefinition: KindDefinition = {
  resource: podMetricsResource,
  columns: [
    nameColumn, column<PodMetrics>('cpu', ({ containers }) => `${containers.reduce((sum, { usage }) => sum + Number.parseInt(usage['cpu']!, 10), 0)}n`),
    column<PodMetrics>('memory', ({ containers }) => `${containers.reduce((sum, { usage }) => sum + Number.parseInt(usage['memory']!, 10), 0)}Ki`), column<PodMetrics>('window', ({ window }) => window),
  ] as unknown as NonNullable<KindDefinition['columns']>,
};

export interface ResourceMetricsOptions {
  readonly objects: StoredObjects;
  readonly summaries: Pick<KubeletSummaries, 'of'>;
  readonly log: Log;
}

/** What the nodes use. A node whose kubelet cannot be asked is left out, as one that is not there. */
export class NodeMetricsReader implements ResourceReader {
  readonly #options: ResourceMetricsOptions;

  constructor(options: ResourceMetricsOptions) {
    this.#options = options;
  }

  async get({ name }: ObjectKey): Promise<KubeObject> {
    const node = this.#options.objects.get(nodes, { name });
    const metrics = node && (await this.#measure(node));
    if (!metrics) throw notFound(nodeMetricsResource, name);
    return metrics;
  }

  async list({ labelSelector, fieldSelector }: ListOptions): Promise<ObjectList<KubeObject>> {
    const { matches } = compileSelection(nodeMetricsResource, nodeMetricsDefinition, labelSelector, fieldSelector);
    const wanted = this.#options.objects.list(nodes).filter(matches);
    const items = await Promise.all(wanted.map((node) => this.#measure(node)));
    return { apiVersion: 'metrics.k8s.io/v1beta1', kind: 'NodeMetricsList', metadata: { resourceVersion: '' }, items: items.filter((item) => item !== undefined) };
  }

  async #measure({ metadata: { name, labels, creationTimestamp } }: Node): Promise<KubeObject | undefined> {
    const summary = await summaryOf(this.#options, name);
    if (!summary?.node.cpu || !summary.node.memory) return undefined;
    return {
      apiVersion: 'metrics.k8s.io/v1beta1', kind: 'NodeMetrics', metadata: { name, ...(labels && { labels }), creationTimestamp }, timestamp: summary.node.cpu.time, window: WINDOW,
      usage: quantities(summary.node.cpu.usageNanoCores ?? 0, summary.node.memory.workingSetBytes ?? 0),
    } as unknown as KubeObject;
  }
}

/** What the containers of running pods use. */
export class PodMetricsReader implements ResourceReader {
  readonly #options: ResourceMetricsOptions;

  constructor(options: ResourceMetricsOptions) {
    this.#options = options;
  }

  async get({ namespace = '', name }: ObjectKey): Promise<KubeObject> {
    const pod = this.#options.objects.get(pods, { namespace, name });
    const [metrics] = pod ? await this.#measure([pod]) : [];
    if (!metrics) throw notFound(podMetricsResource, `${namespace}/${name}`);
    return metrics;
  }

  async list({ namespace, labelSelector, fieldSelector }: ListOptions): Promise<ObjectList<KubeObject>> {
    const { matches } = compileSelection(podMetricsResource, podMetricsDefinition, labelSelector, fieldSelector);
    const items = await this.#measure(this.#options.objects.list(pods, namespace).filter(matches));
    return { apiVersion: 'metrics.k8s.io/v1beta1', kind: 'PodMetricsList', metadata: { resourceVersion: '' }, items };
  }

  async #measure(wanted: readonly Pod[]): Promise<readonly KubeObject[]> {
    const running = wanted.filter(({ spec, status }) => spec.nodeName && status?.phase === 'Running');
    const summaries = new Map(await Promise.all([...new Set(running.map(({ spec }) => spec.nodeName!))].map(async (name) => [name, await summaryOf(this.#options, name)] as const)));
    return running.flatMap(({ metadata, spec }) => {
      const measured = summaries.get(spec.nodeName!)?.pods.find(({ podRef }) => podRef.name === metadata.name && podRef.namespace === metadata.namespace);
      const containers = measured?.containers.filter(({ cpu, memory }) => cpu && memory) ?? [];
      if (containers.length === 0) return [];
      const { name, namespace, labels, creationTimestamp } = metadata;
      return [{
        apiVersion: 'metrics.k8s.io/v1beta1', kind: 'PodMetrics', metadata: { name, namespace, ...(labels && { labels }), creationTimestamp }, timestamp: containers[0]!.cpu!.time, window: WINDOW,
        containers: containers.map((container) => ({ name: container.name, usage: quantities(container.cpu!.usageNanoCores ?? 0, container.memory!.workingSetBytes ?? 0) })),
      } as unknown as KubeObject];
    });
  }
}

async function summaryOf({ summaries, log }: ResourceMetricsOptions, nodeName: string): Promise<KubeletSummary | undefined> {
  try {
    return await summaries.of(nodeName);
  } catch (error) {
    log.debug('no metrics', { node: nodeName, error }); // a node that is down or still starting
    return undefined;
  }
}
