import { expect, test } from 'vitest';
import { cronJobs, daemonSets, deployments, jobs, namespaces, persistentVolumeClaims, podDisruptionBudgets, replicationControllers, resourceQuotas, services, statefulSets, storageClasses } from '../api/generated/resources.ts';
import { startControllersUnderTest } from '../testing/controllers-under-test.ts';
import { LOCAL_PATH } from './volume/local-path-provisioner.ts';

const namespace = 'shop';
const of = (app: string, more: object = {}) => ({ metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image: 'it', resources: { requests: { cpu: '10m' } } }], ...more } });
const select = (app: string) => ({ matchLabels: { app } });

test('with all controllers and some of everything, nothing is written once all is as it should be', { timeout: 60_000 }, async () => {
  const written: string[] = [];
  await using world = await startControllersUnderTest({
    options: { rootCertificate: 'PEM', clusterCidr: '10.244.0.0/16', nodeMonitorGraceMs: 3_600_000 },
    pods: { fate: (pod) => (pod.metadata.labels?.['app'] === 'once' ? 'succeeds' : 'runs') },
    wrapClient: (client) => new Proxy(client, {
      get(target, name) {
        const method = (target as never)[name] as unknown;
        if (typeof method !== 'function') return method;
        return (...parameters: unknown[]) => {
          const [resource] = parameters as [{ resource: string }];
          if (!/^(get|list|watch)$/.test(String(name))) written.push(`${String(name)} ${resource.resource}`);
          return method.apply(target, parameters) as unknown;
        };
      },
    }),
  });
  const { admin } = world;
  await admin.create(namespaces, { metadata: { name: namespace }, spec: {} });
  await world.pass(1);
  const meta = (name: string) => ({ name, namespace });
  await admin.create(resourceQuotas, { metadata: meta('all'), spec: { hard: { pods: '50', 'requests.cpu': '2' } } });
  await admin.create(storageClasses, { metadata: { name: 'standard' }, provisioner: LOCAL_PATH, volumeBindingMode: 'Immediate', reclaimPolicy: 'Delete' });
  await world.pass(1);
  await admin.create(deployments, { metadata: meta('web'), spec: { replicas: 3, selector: select('web'), template: of('web') } });
  await admin.create(replicationControllers, { metadata: meta('old'), spec: { replicas: 2, selector: { app: 'old' }, template: of('old') } });
  await admin.create(daemonSets, { metadata: meta('agent'), spec: { selector: select('agent'), template: of('agent') } });
  const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'standard', resources: { requests: { storage: '1Gi' } } } };
  await admin.create(statefulSets, { metadata: meta('db'), spec: { serviceName: 'db', replicas: 2, selector: select('db'), template: of('db'), volumeClaimTemplates: [claim as never] } });
  await admin.create(jobs, { metadata: meta('once'), spec: { completions: 2, template: of('once', { restartPolicy: 'Never' }) } });
  await admin.create(cronJobs, { metadata: meta('yearly'), spec: { schedule: '0 0 1 6 *', jobTemplate: { spec: { template: of('once', { restartPolicy: 'Never' }) } } } });
  await admin.create(services, { metadata: meta('web'), spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } });
  await admin.create(podDisruptionBudgets, { metadata: meta('web'), spec: { minAvailable: '50%', selector: select('web') } });
  await world.pass(40);
  expect((await admin.get(statefulSets, meta('db'))).status).toMatchObject({ readyReplicas: 2 });
  expect((await admin.get(jobs, meta('once'))).status).toMatchObject({ succeeded: 2 });
  expect((await admin.list(persistentVolumeClaims, { namespace })).items.map((one) => one.status?.phase)).toEqual(['Bound', 'Bound']);

  written.length = 0;
  await world.pass(60);
  expect(written).toEqual([]);
  // Nor by new controllers that have to find out how things are.
  await world.restart();
  await world.pass(20);
  expect(written.filter((write) => !write.endsWith(' events'))).toEqual([]);
});
