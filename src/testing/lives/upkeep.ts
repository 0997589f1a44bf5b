import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/generated/core-v1.ts';
import type { ResourceClaim } from '../../api/generated/resource-v1.ts';
import {
  deployments, deviceClasses, endpoints, endpointSlices, horizontalPodAutoscalers, persistentVolumeClaims, persistentVolumes, pods, replicaSets, resourceClaims, resourceClaimTemplates, resourceQuotas, resourceSlices, services,
  statefulSets, storageClasses,
} from '../../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { isPodActive, isPodReady, isPodTerminal } from '../../api/pod/conditions.ts';
import { seededRandom } from '../../base/random.ts';
import { EveryRevision, type Write } from '../every-revision.ts';
import { startHardLife, type Hardship } from './hard-life.ts';

const namespace = 'default';
const MOST_PODS = 14;
const [LEAST, MOST] = [2, 5];
const names = ['n1', 'n2', 'n3'];
const DRIVER = 'gpu.example.com';
const appOf = ({ metadata }: KubeObject): string => metadata.labels?.['app'] ?? '';
const sorted = (list: readonly string[]): readonly string[] => list.toSorted();

/** What must hold after every write. */
function faultsOf(history: EveryRevision): string[] {
  const faults: string[] = [];
  const twice = (what: string, keys: readonly string[]): void => {
    for (const key of new Set(keys.filter((one, i) => keys.indexOf(one) < i))) faults.push(`${what} ${key} twice`);
  };
  const counted = history.all<Pod>(pods).filter((pod) => !isPodTerminal(pod));
  if (counted.length > MOST_PODS) faults.push(`${counted.length} pods, of which the quota allows ${MOST_PODS}`);
  const devices = history.all<ResourceClaim>(resourceClaims).flatMap(({ status }) => (status?.allocation?.devices?.results ?? []).map(({ pool, device }) => `${pool}/${device}`));
  twice('the device', devices);
  const volumes = history.all<PersistentVolumeClaim>(persistentVolumeClaims).flatMap(({ spec }) => spec.volumeName ?? []);
  twice('the volume', volumes);
  for (const { metadata, status, spec } of history.all<ResourceClaim>(resourceClaims)) {
    if (status?.reservedFor?.length && !status.allocation) faults.push(`${metadata.name} is used and has no devices`);
    if (!spec.devices?.requests?.length) faults.push(`${metadata.name} asks for nothing`);
  }
  return faults;
}

/**
 * What is kept beside the workloads: an autoscaler follows a load that changes, a quota is nearly used up, a stateful set has volumes that are made and go with its pods, pods have
 * devices of claims from a template, services have endpoints. Throws where the quota is overrun, a device or a volume is had twice, or, once all is calm, where the books do not
 * agree with what is there, or anything is written although nothing is to be done.
 */
export async function liveThroughUpkeep(seed: number, hardship: Hardship): Promise<void> {
  const random = seededRandom(seed);
  const any = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
  const key = (name: string) => ({ namespace, name });
  const fail = (what: string): never => {
    throw new Error(`seed ${seed}, ${hardship}: ${what}`);
  };
  let load = 300;
  const podUsage = async () => {
    const ready = (await admin.list(pods, { namespace, labelSelector: 'app=web' })).items.filter((pod) => isPodActive(pod) && isPodReady(pod));
    return ready.map((pod) => ({ pod: pod.metadata.name, atMs: world.clock.now(), windowMs: 15_000, containers: new Map([['main', { cpu: `${Math.round(load / ready.length)}m` }]]) }));
  };
  await using world = await startHardLife(seed, hardship, {
    only: [
      'deployment-controller', 'replicaset-controller', 'statefulset-controller', 'garbage-collector-controller', 'pod-garbage-collector-controller', 'horizontal-pod-autoscaler', 'resourcequota-controller', 'resource-claim-controller',
      'endpoint-slice-controller', 'endpoint-controller', 'persistentvolume-controller', 'persistentvolumeclaim-protection-controller', 'persistentvolume-protection-controller', 'local-path-provisioner',
    ],
    scheduler: true,
    pods: { nodes: names },
    options: { metrics: { podUsage } },
  });
  const { admin } = world;
  using history = await EveryRevision.follow(world, [pods, resourceClaims, persistentVolumeClaims] as unknown as ResourceType<KubeObject>[], namespace);
  const pass = async (seconds: number): Promise<void> => {
    for (let left = seconds; left > 0; left -= 0.5) {
      await world.pass(0.5);
      let broken: string | undefined;
      history.replay(({ revision, type, object }: Write) => {
        const [fault] = broken === undefined ? faultsOf(history) : [];
        if (fault !== undefined) broken = `revision ${revision}, ${type} ${object.kind} ${object.metadata.name}: ${fault}`;
      });
      if (broken !== undefined) fail(broken);
    }
  };

  const container = { name: 'main', image: 'it', resources: { requests: { cpu: '100m' } } };
  const template = (app: string, more: object = {}, extra: object = {}) => ({ metadata: { labels: { app } }, spec: { containers: [{ ...container, ...extra }], ...more } });
  const select = (app: string) => ({ matchLabels: { app } });
  await admin.create(resourceQuotas, { metadata: key('all'), spec: { hard: { pods: String(MOST_PODS), 'count/resourceclaims.resource.k8s.io': '20', persistentvolumeclaims: '20' } } });
  await admin.create(storageClasses, { metadata: { name: 'local' }, provisioner: 'wherry.dev/local-path', reclaimPolicy: 'Delete', volumeBindingMode: any(['WaitForFirstConsumer', 'Immediate']) });
  await admin.create(deviceClasses, { metadata: { name: 'gpu' }, spec: {} });
  for (const name of names) {
    await admin.create(resourceSlices, { metadata: { name }, spec: { driver: DRIVER, nodeName: name, pool: { name, generation: 1, resourceSliceCount: 1 }, devices: ['g0', 'g1'].map((device) => ({ name: device })) } });
  }
  await admin.create(resourceClaimTemplates, { metadata: key('gpu'), spec: { spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu' } }] } } } });
  await world.pass(1);
  await admin.create(deployments, { metadata: key('web'), spec: { replicas: 2, selector: select('web'), template: template('web') } });
  await admin.create(horizontalPodAutoscalers, {
    metadata: key('web'),
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, minReplicas: LEAST, maxReplicas: MOST, behavior: { scaleDown: { stabilizationWindowSeconds: 15 } },
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'AverageValue', averageValue: '100m' } } }],
    },
  });
  await admin.create(deployments, { metadata: key('gpu'), spec: { replicas: 2, selector: select('gpu'), template: template('gpu', { resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'gpu' }] }, { resources: { claims: [{ name: 'gpu' }] } }) } });
  await admin.create(statefulSets, {
    metadata: key('db'),
    spec: {
      serviceName: 'db', replicas: 2, selector: select('db'), template: template('db'), persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Delete' },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'local', resources: { requests: { storage: '1Gi' } } } } as never],
    },
  });
  for (const app of ['web', 'db', 'gpu']) await admin.create(services, { metadata: key(app), spec: { selector: { app }, ports: [{ port: 80 }] } });
  const wanted = { gpu: 2, db: 2 };
  const scale = (resource: ResourceType<KubeObject>, name: string, replicas: number) => admin.patch(resource, key(name), { type: 'application/merge-patch+json', body: { spec: { replicas } } });
  await pass(5);

  for (let step = 0; step < 14; step++) {
    switch (any(['load', 'load', 'gpu', 'gpu', 'db', 'db', 'kill', 'kill', ...(hardship === 'calm' ? [] : ['restart', 'die', 'die'])])) {
      case 'load':
        load = Math.floor(random.next() * 700);
        break;
      case 'gpu':
        // More than there are devices for, now and then.
        wanted.gpu = Math.floor(random.next() * 8);
        await scale(deployments as never, 'gpu', wanted.gpu);
        break;
      case 'db':
        wanted.db = Math.floor(random.next() * 4);
        await scale(statefulSets as never, 'db', wanted.db);
        break;
      case 'kill': {
        const victim = any((await admin.list(pods, { namespace })).items);
        if (victim) await admin.delete(pods, key(victim.metadata.name));
        break;
      }
      case 'restart':
        await world.restart();
        break;
      case 'die':
        await world.kill(Math.floor(random.next() * 5));
    }
    await pass(random.next() * 12);
  }

  world.calm();
  load = 100 * (LEAST + Math.floor(random.next() * (MOST - LEAST + 1)));
  wanted.gpu = Math.min(wanted.gpu, 6);
  await scale(deployments as never, 'gpu', wanted.gpu);
  let missing: string | undefined;
  for (let left = 60; left > 0; left--) {
    await pass(10);
    missing = await amiss(world, load / 100, wanted);
    if (missing === undefined) break;
  }
  if (missing !== undefined) fail(`it does not come to rest: ${missing}`);
  await pass(30);
  world.written();
  await pass(60);
  const written = world.written();
  if (written.length > 0) fail(`written at rest: ${[...new Set(written)].join(', ')}`);
}

/** What of the books does not agree with what is there; undefined: nothing. */
async function amiss({ admin }: Pick<Awaited<ReturnType<typeof startHardLife>>, 'admin'>, web: number, wanted: { readonly gpu: number; readonly db: number }): Promise<string | undefined> {
  const list = async <T extends KubeObject>(resource: ResourceType<T>): Promise<readonly T[]> => (await admin.list(resource, resource.namespaced ? { namespace } : {})).items;
  const all = await list<Pod>(pods);
  const differ = (what: string, have: unknown, want: unknown): string | undefined => (JSON.stringify(have) === JSON.stringify(want) ? undefined : `${what}: ${JSON.stringify(have)} instead of ${JSON.stringify(want)}`);
  const ready = (app: string): readonly Pod[] => all.filter((pod) => appOf(pod) === app && isPodActive(pod) && isPodReady(pod));
  for (const [app, count] of Object.entries({ web, ...wanted })) {
    const fault = differ(`ready pods of ${app}`, ready(app).length, count) ?? differ(`pods of ${app}`, all.filter((pod) => appOf(pod) === app).length, count);
    if (fault !== undefined) return fault;
    const addresses = sorted(ready(app).map(({ status }) => status!.podIP!));
    const slices = (await list(endpointSlices)).filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === app);
    const served = slices.flatMap((slice) => slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready).flatMap((endpoint) => endpoint.addresses);
    const object = (await list(endpoints)).find(({ metadata }) => metadata.name === app);
    const wrong = differ(`addresses in slices of ${app}`, sorted(served), addresses) ?? differ(`endpoints of ${app}`, sorted((object?.subsets ?? []).flatMap((subset) => subset.addresses ?? []).map(({ ip }) => ip)), addresses);
    if (wrong !== undefined) return wrong;
  }
  const claims = await list<ResourceClaim>(resourceClaims);
  const storage = await list<PersistentVolumeClaim>(persistentVolumeClaims);
  const volumes = await list<PersistentVolume>(persistentVolumes);
  const [quota] = await list(resourceQuotas);
  const sets = (await list(replicaSets)).length;
  return differ('users of device claims', sorted(claims.map(({ status }) => status?.reservedFor?.[0]?.name ?? 'none')), sorted(ready('gpu').map(({ metadata }) => metadata.name)))
    ?? differ('claims of storage', sorted(storage.map(({ metadata, status }) => `${metadata.name} ${status?.phase}`)), Array.from({ length: wanted.db }, (_, i) => `data-db-${i} Bound`))
    ?? differ('volumes', sorted(volumes.map(({ spec, status }) => `${spec.claimRef?.name} ${status?.phase}`)), Array.from({ length: wanted.db }, (_, i) => `data-db-${i} Bound`))
    ?? differ('use of the quota', sorted(Object.entries(quota?.status?.used ?? {}).map((use) => use.join(' '))), [`count/resourceclaims.resource.k8s.io ${claims.length}`, `persistentvolumeclaims ${storage.length}`, `pods ${all.filter((pod) => !isPodTerminal(pod)).length}`])
    ?? differ('replica sets', sets, 2);
}
