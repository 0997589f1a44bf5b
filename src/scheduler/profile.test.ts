import { expect, test } from 'vitest';
import { seededRandom } from '../base/random.ts';
import { podInfoOf } from './pod-info.ts';
import { createProfiles } from './profile.ts';
import { readSchedulerConfiguration } from './scheduler-configuration.ts';
import { describeCluster, nodeObject, podObject } from './scheduling-fixture.ts';

const head = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';
const packing = `${head}
leaderElection: { leaderElect: false }
percentageOfNodesToScore: 50
podMaxBackoffSeconds: 3
profiles:
  - schedulerName: default-scheduler
  - schedulerName: packing
    percentageOfNodesToScore: 100
    plugins:
      multiPoint: { disabled: [{ name: ImageLocality }] }
      score:
        disabled: [{ name: "*" }]
        enabled: [{ name: NodeResourcesFit, weight: 5 }]
      filter: { disabled: [{ name: TaintToleration }] }
      postFilter: { disabled: [{ name: DefaultPreemption }] }
    pluginConfig:
      - name: NodeResourcesFit
        args: { scoringStrategy: { type: MostAllocated, resources: [{ name: cpu, weight: 1 }] } }
  - schedulerName: ratio
    plugins: { score: { disabled: [{ name: "*" }], enabled: [{ name: NodeResourcesFit }] } }
    pluginConfig:
      - name: NodeResourcesFit
        args: { scoringStrategy: { type: RequestedToCapacityRatio, requestedToCapacityRatio: { shape: [{ utilization: 0, score: 0 }, { utilization: 50, score: 10 }, { utilization: 100, score: 0 }] } } }
`;

test('profiles differ in their plugins, weights and arguments', () => {
  const config = readSchedulerConfiguration(packing, 'scheduler.yaml');
  expect(config).toMatchObject({ percentageOfNodesToScore: 50, podMaxBackoffMs: 3000 });
  const { context, cluster, nominator } = describeCluster({
    nodes: ['empty', 'half', 'full'].map((name) => nodeObject(name, { spec: { taints: name === 'full' ? [{ key: 'k', effect: 'NoSchedule' }] : [] }, allocatable: { memory: '4Gi' } })),
    pods: { half: [podObject('h', { requests: { cpu: '1800m', memory: '1800Mi' } })], full: [podObject('f', { requests: { cpu: '3', memory: '3Gi' } })] },
  });
  const profiles = createProfiles(config.profiles!, context, { cluster, nominator, random: seededRandom(1), percentageOfNodesToScore: 0 });
  const placed = (profile: string): unknown => {
    const result = profiles.get(profile)!.cycle.run(podInfoOf(podObject('p', { requests: { cpu: '200m', memory: '200Mi' } })));
    return result.fits ? [result.node.name, Object.keys(result.scores[0]!.byPlugin), result.scores[0]!.total] : undefined;
  };
  expect(placed('default-scheduler')).toEqual(['empty', expect.arrayContaining(['NodeResourcesFit', 'TaintToleration']), expect.any(Number)]);
  // Taints are nothing to it, the fullest node is best, and that counts five times: 5 × 80.
  expect(placed('packing')).toEqual(['full', ['NodeResourcesFit'], 400]);
  expect(placed('ratio')).toEqual(['half', ['NodeResourcesFit'], expect.any(Number)]);
  expect([...profiles.values()].map(({ preempts }) => preempts)).toEqual([true, false, true]);
});

test.each([
  ['kind: Pod', 'holds no KubeSchedulerConfiguration'],
  [`${head}profiles: [{ schedulerName: a }, { schedulerName: a }]`, 'two profiles have the schedulerName a'],
  [`${head}extenders: []`, 'extenders is not known here'],
  [`${head}profiles: [{ plugins: { preFilter: {} } }]`, 'profiles[0].plugins.preFilter cannot be set alone'],
  [`${head}profiles: [{ pluginConfig: [{ name: NodeAffinity, args: {} }] }]`, 'has arguments for NodeAffinity'],
  [`${head}profiles: [{ plugins: { score: { enabled: [{ name: X, weight: high }] } } }]`, 'profiles[0].plugins.score.enabled[0].weight must be a number'],
])('%j is refused', (text, message) => expect(() => readSchedulerConfiguration(text, 'scheduler.yaml')).toThrow(message));

test('a plugin that there is not is refused', () => {
  const { context, cluster, nominator } = describeCluster({ nodes: [] });
  const { profiles } = readSchedulerConfiguration(`${head}profiles: [{ plugins: { multiPoint: { enabled: [{ name: Magic }] } } }]`, 'f');
  expect(() => createProfiles(profiles!, context, { cluster, nominator, random: seededRandom(1), percentageOfNodesToScore: 0 })).toThrow('names the plugin Magic');
});
