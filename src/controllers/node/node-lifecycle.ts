import type { Lease } from '../../api/generated/coordination-v1.ts';
import type { Node, Pod } from '../../api/generated/core-v1.ts';
import { leases as leaseResource, nodes as nodeResource, pods as podResource } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { isPodReady } from '../../api/pod/conditions.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { EvictionPace } from './eviction-pace.ts';
import { readyStatus, silentConditions } from './node-health.ts';
import { drivesAway, withConditionTaints } from './taints.ts';

const DEFAULT_GRACE_MS = 50_000;
/** A node that has never said a word is given longer. */
const STARTUP_GRACE_MS = 60_000;
const LEASE_NAMESPACE = 'kube-node-lease';

/** The newest signs of life seen, and when they were seen by our own clock: a node's clock may be wrong. */
interface Heartbeat {
  readonly renewed: string | undefined;
  readonly reported: string | undefined;
  readonly seenMs: number;
}

/**
 * Notices nodes that fall silent, says so in their conditions and in those of their pods, and taints nodes by their
 * conditions. No polling: each node is looked at when it changes and when its time would be up.
 * Upstream: pkg/controller/nodelifecycle.
 */
export const nodeLifecycleController: Controller = {
  name: 'node-controller',
  start(context) {
    const { client, clock, informers, recorder, options } = context;
    const graceMs = options.nodeMonitorGraceMs ?? DEFAULT_GRACE_MS;
    const nodes = informers.informer(nodeResource);
    const leases = informers.informer(leaseResource, { namespace: LEASE_NAMESPACE });
    const pods = informers.informer(podResource);
    indexByNode(pods);
    const heartbeats = new Map<string, Heartbeat>();
    const registered = new Set<string>();

    async function reconcile(name: string): Promise<ReconcileResult> {
      let node = nodes.get(name);
      if (!node) return forget(name);
      if (!registered.has(name)) {
        registered.add(name);
        recorder.event(node, 'Normal', 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`);
      }
      const untilSilent = observe(node) + (readyStatus(node) === undefined ? STARTUP_GRACE_MS : graceMs) - clock.now();
      if (untilSilent <= 0) node = await markSilent(node);
      const turn = await taint(node);
      if (readyStatus(node) === 'Unknown') await markPodsUnready(node);
      const waits = [untilSilent, turn ?? 0].filter((wait) => wait > 0);
      if (waits.length > 0) return { requeueAfterMs: Math.min(...waits) };
    }

    const evictions = context.metrics.counter('node_collector_evictions_total', 'Number of times that a node was to lose its pods, by zone.', ['zone']);
    const byZone = (name: string, help: string, of: (size: number, unwell: number) => number): void =>
      context.metrics.derived(`node_collector_${name}`, help, 'gauge', ['zone'], () =>
        [...Map.groupBy(nodes.list(), zoneKey)].map(([zone, members]) => [[zone], of(members.length, members.filter((node) => readyStatus(node) !== 'True').length)]));
    byZone('zone_size', 'Number of nodes, by zone.', (size) => size);
    byZone('zone_health', 'How many of a hundred nodes are ready, by zone.', (size, unwell) => (100 * (size - unwell)) / size);
    byZone('unhealthy_nodes_in_zone', 'Number of nodes that are not ready, by zone.', (_, unwell) => unwell);

    /** Answers when the node last gave a sign of life. */
    function observe(node: Node): number {
      const { name } = node.metadata;
      const reported = node.status?.conditions?.find((condition) => condition.type === 'Ready')?.lastHeartbeatTime;
      const renewed = leases.get(`${LEASE_NAMESPACE}/${name}`)?.spec?.renewTime;
      const last = heartbeats.get(name);
      if (last && last.renewed === renewed && last.reported === reported) return last.seenMs;
      const seenMs = clock.now();
      heartbeats.set(name, { renewed, reported, seenMs });
      return seenMs;
    }

    async function markSilent(node: Node): Promise<Node> {
      const conditions = silentConditions(node, clock.now());
      if (conditions === node.status?.conditions) return node;
      const marked = await client.updateStatus(nodeResource, { ...node, status: { ...node.status, conditions } });
      if (readyStatus(node) === 'True') recorder.event(node, 'Normal', 'NodeNotReady', `Node ${node.metadata.name} status is now: NodeNotReady`);
      return marked;
    }

    /** Answers how long until it is this node's turn to lose its pods, if it must wait for that. */
    async function taint(node: Node): Promise<number | undefined> {
      const { name } = node.metadata;
      const driven = drivesAway(node);
      const wait = driven ? 0 : pace.waitMs(name, clock.now());
      const taints = withConditionTaints(node, !pace.cutOff && wait === 0, clock.now());
      if (taints) {
        const updated = await client.update(nodeResource, { ...node, spec: { ...node.spec, taints } });
        if (!driven && drivesAway(updated)) {
          pace.took(name, clock.now());
          evictions.of(zoneKey(node)).add();
        }
      }
      const status = readyStatus(node);
      return status === 'False' || status === 'Unknown' ? wait : undefined;
    }

    /** A silent node's pods get no more traffic, wherever they may be. */
    async function markPodsUnready(node: Node): Promise<void> {
      for (const pod of podsOnNode(pods, node.metadata.name)) {
        if (!isPodReady(pod)) continue;
        const conditions = pod.status?.conditions?.map((condition) => (condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime: rfc3339(clock.now()) } : condition));
        try {
          await client.updateStatus(podResource, { ...pod, status: { ...pod.status, conditions } });
          recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
        } catch (error) {
          if (!isReason(error, 'NotFound')) throw error;
        }
      }
    }

    function forget(name: string): void {
      heartbeats.delete(name);
      if (!registered.delete(name)) return;
      recorder.event({ kind: 'Node', name, uid: name, apiVersion: 'v1' }, 'Normal', 'RemovingNode', `Node ${name} event: Removing Node ${name} from Controller`);
    }

    const loop = startLoop(context, { name: 'node-controller', needs: [nodes, leases, pods], workers: 4, reconcile });
    loop.follow(nodes, itself);
    loop.follow(leases, (lease: Lease) => [lease.metadata.name]);
    // Whether one node's pods may be driven away depends on how the others are.
    const pace = new EvictionPace((names) => {
      for (const name of names) loop.enqueue(name);
    });
    loop.own(nodes.subscribe({ add: (node) => pace.set(node), update: (_, node) => pace.set(node), delete: (node) => pace.delete(node.metadata.name) }));
    return loop;
  },
};

/** `REGION:\0:ZONE`; empty where a node has neither. Upstream: component-helpers node/topology GetZoneKey. */
function zoneKey({ metadata: { labels = {} } }: Node): string {
  const of = (name: string): string => labels[`failure-domain.beta.kubernetes.io/${name}`] ?? labels[`topology.kubernetes.io/${name}`] ?? '';
  const [region, zone] = [of('region'), of('zone')];
  return region || zone ? `${region}:\0:${zone}` : '';
}

export function indexByNode(pods: { addIndex(index: string, keys: (pod: Pod) => readonly string[]): void }): void {
  pods.addIndex('node', (pod) => (pod.spec.nodeName ? [pod.spec.nodeName] : []));
}

export function podsOnNode(pods: { byIndex(index: string, value: string): readonly Pod[] }, node: string): readonly Pod[] {
  return pods.byIndex('node', node);
}
