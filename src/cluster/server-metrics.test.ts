import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { jobs, pods, services } from '../api/generated/resources.ts';
import { systemClock } from '../base/clock.ts';
import { guaranteedMetrics } from '../base/guaranteed-metrics.ts';
import { createHttpClient, type HttpClient } from '../client/http-client.ts';
import { silentLog } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import { addressPlan } from '../machine/address-plan.ts';
import { createPki } from './pki.ts';
import { startServer, type Server } from './server.ts';

let server: Server;
let pages: Readonly<Record<string, Page>>;

/** What Prometheus reads: type, help and label names of each family. */
interface Page {
  readonly types: ReadonlyMap<string, string>;
  readonly helps: ReadonlyMap<string, string>;
  /** Of families that have series. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
}

beforeAll(async () => {
  const clock = systemClock;
  const plan = addressPlan(0);
  const pki = await createPki(plan, clock.now());
  server = await startServer({ plan, pki, clock, random: systemRandom, log: silentLog, simulated: true, serving: { hosts: ['127.0.0.1'], port: 0 } });
  const template = { metadata: { labels: { app: 'a' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '100m' }, limits: { cpu: '1' } } }] } };
  await server.admin.create(services, { metadata: { name: 'a', namespace: 'default' }, spec: { selector: { app: 'a' }, ports: [{ port: 80 }] } });
  await server.admin.create(jobs, { metadata: { name: 'a', namespace: 'default' }, spec: { template } });
  await vi.waitFor(async () => {
    const { items } = await server.admin.list(pods, { namespace: 'default' });
    expect(items.some((pod) => pod.status?.conditions?.some(({ reason }) => reason === 'Unschedulable'))).toBe(true);
  }, { timeout: 20_000 });
  using prometheus: HttpClient = createHttpClient({ server: server.api.url!, ca: pki.authority.certificate, ...pki.admin, userAgent: 'prometheus' });
  const read = async (path: string): Promise<Page> => parse((await prometheus.raw('GET', path)).body.toString());
  await read('/readyz');
  pages = { server: await read('/metrics'), 'server/resources': await read('/metrics/resources'), 'server/slis': await read('/metrics/slis') };
}, 60_000);
afterAll(() => server[Symbol.asyncDispose]());

function parse(text: string): Page {
  const all = (what: string): Map<string, string> => new Map([...text.matchAll(new RegExp(`^# ${what} (\\S+) (.*)$`, 'gm'))].map(([, name, rest]) => [name!, rest!]));
  const types = all('TYPE');
  const labels = new Map<string, readonly string[]>();
  for (const [, series, inner = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const name = types.has(series!) ? series! : series!.replace(/_(bucket|sum|count)$/, '');
    labels.set(name, [...inner.matchAll(/(?:^|,)(\w+)="/g)].map(([, label]) => label!).filter((label) => label !== 'le').sort());
  }
  return { types, helps: all('HELP'), labels };
}

// What kubelets serve has its test there.
const served = Object.entries(guaranteedMetrics).filter(([, { page }]) => page.startsWith('server'));

test.each(served)('%s is served as it is guaranteed', (name, { type, stability, labels, page }) => {
  const { types, helps, labels: shown } = pages[page]!;
  expect(types.get(name)).toBe(type);
  expect(helps.get(name)).toMatch(new RegExp(`^\\[${stability}\\] .`));
  if (shown.has(name)) expect(shown.get(name)).toEqual(labels);
});

test('what happened in the server is counted', () => {
  for (const name of [
    'job_controller_job_syncs_total', 'endpoint_slice_controller_endpoints_desired', 'scheduler_queue_incoming_pods_total', 'scheduler_schedule_attempts_total', 'apiserver_storage_events_received_total', 'workqueue_adds_total', 'kubernetes_feature_enabled',
    'running_managed_controllers', 'registered_metrics_total', 'apiserver_request_total',
  ]) expect(pages['server']!.labels.has(name), name).toBe(true);
  expect(pages['server/resources']!.labels.has('kube_pod_resource_request')).toBe(true);
  expect(pages['server/slis']!.labels.has('kubernetes_healthcheck')).toBe(true);
});
