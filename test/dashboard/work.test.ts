// Working with the dashboard: making, changing, rolling back and deleting; every kind; keys, languages, and who does not see it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { daemonSets, deployments, pods, services, statefulSets } from '../../src/api/generated/resources.ts';
import { logIn, makeDeployment, openDashboard, type OpenDashboard, poll } from './open-dashboard.ts';
import { seriousFindings } from './serious-findings.ts';

let dashboard: OpenDashboard;
beforeAll(async () => {
  dashboard = await openDashboard();
  await logIn(dashboard.page, dashboard.address);
});
afterAll(() => dashboard[Symbol.asyncDispose]());

const kubia = { namespace: 'default', name: 'kubia' };
const KUBIA = '/apis/apps/v1/namespaces/default/deployments/kubia';
const panel = () => dashboard.page.getByRole('complementary');
const image = async (): Promise<unknown> =>
  (await dashboard.cluster.kubectl.get(deployments, kubia)).spec.template.spec!.containers[0]!.image;

test('empty views teach the command that fills them', async () => {
  const { page, go } = dashboard;
  await go('workloads');
  await page.getByText('kubectl create deployment hello --image=nginx').waitFor();
  await go('pods');
  await page.getByText('kubectl run hello --image=nginx').waitFor();
  await dashboard.picture('empty');
});

test('a form makes a deployment and the service in front of it, after showing what it would make', async () => {
  const {
    page,
    go,
    cluster: { kubectl },
  } = dashboard;
  await go('overview');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.keyboard.press('c');
  await panel().getByLabel('Name', { exact: true }).fill('shop');
  await panel().getByLabel('Image').fill('nginx:1');
  await panel().getByLabel('Pods', { exact: true }).fill('2');
  await panel().getByLabel('Service').selectOption('LoadBalancer');
  await panel().getByLabel('Environment').fill('COLOUR=teal');
  await panel().getByRole('button', { name: 'Review' }).click();
  await panel().getByText('Deployment shop: will be made').waitFor();
  await panel().getByText('Service shop: will be made').waitFor();
  await expect(kubectl.get(deployments, { namespace: 'default', name: 'shop' })).rejects.toThrow('not found');
  await panel().getByRole('button', { name: 'Apply' }).click();
  await page.getByRole('complementary', { name: 'Deployment shop' }).getByText('2 of 2 ready').waitFor();
  expect((await kubectl.get(deployments, { namespace: 'default', name: 'shop' })).spec.template.spec!.containers[0]).toMatchObject({
    image: 'nginx:1',
    env: [{ name: 'COLOUR', value: 'teal' }],
    ports: [{ containerPort: 80 }],
  });
  await page.getByRole('link', { name: 'Watch what it sets off' }).last().click();
  await page.getByRole('heading', { name: /you, with wherry-dashboard/ }).waitFor();
});

test('a service tells who receives its traffic, and what it waits for', async () => {
  const {
    page,
    go,
    cluster: { kubectl },
  } = dashboard;
  await go('services?open=/api/v1/namespaces/default/services/shop');
  await panel().getByText('External address: pending').waitFor();
  await panel().getByText('wherry tunnel', { exact: true }).waitFor();
  await poll(() => panel().getByText('50 %').count()).toBe(2);
  await dashboard.picture('service');
  await kubectl.patch(
    services,
    { namespace: 'default', name: 'shop' },
    { type: 'application/merge-patch+json', body: { status: { loadBalancer: { ingress: [{ ip: '127.0.0.9' }] } } } },
    { subresource: 'status' },
  );
  await panel().getByRole('link', { name: 'http://127.0.0.9/' }).waitFor();
  await kubectl.patch(
    services,
    { namespace: 'default', name: 'shop' },
    { type: 'application/merge-patch+json', body: { spec: { selector: { app: 'nobody' } } } },
  );
  await panel().getByText('Nobody: no pod has the labels app=nobody.').waitFor();
  await go('overview');
  await page
    .getByRole('region', { name: /Needs a look/ })
    .getByText('Service shop has nobody to answer')
    .waitFor();
});

test('a revision is compared with the present one and brought back', async () => {
  const {
    page,
    go,
    cluster: { kubectl },
  } = dashboard;
  await makeDeployment(kubectl, 'kubia', 2, 'echo ahoy from $HOSTNAME; sleep 3600');
  await go(`workloads?open=${KUBIA}`);
  await panel().getByText('2 of 2 ready').waitFor();
  await panel().getByLabel('Image of c').fill('busybox:2');
  await panel().getByRole('button', { name: 'Roll out' }).click();
  await panel().getByRole('button', { name: 'Compare' }).click();
  await panel().getByRole('group', { name: 'what changes when revision 1 comes back' }).getByText('image: busybox:1').waitFor();
  await dashboard.picture('revisions');
  await panel().getByRole('button', { name: 'Roll back to revision 1' }).click();
  await poll(image).toBe('busybox:1');
  await panel().getByRole('button', { name: 'Pause' }).click();
  await panel().getByRole('button', { name: 'Resume' }).waitFor();
  expect((await kubectl.get(deployments, kubia)).spec.paused).toBe(true);
  await panel().getByRole('button', { name: 'Resume' }).click();
  await panel().getByRole('spinbutton', { name: 'Number of pods of kubia' }).fill('3');
  await page.keyboard.press('Tab');
  await panel().getByText('3 of 3 ready').waitFor();
});

test.each([
  ['StatefulSet', 'statefulsets', statefulSets, { serviceName: 'fleet', replicas: 1 }],
  ['DaemonSet', 'daemonsets', daemonSets, {}],
] as const)('so is one of a %s', async (kind, plural, resource, more) => {
  const {
    go,
    cluster: { kubectl },
  } = dashboard;
  const key = { namespace: 'default', name: `fleet-${plural}` };
  const labels = { app: key.name };
  const created = { metadata: key, spec: { ...more, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'busybox:1' }] } } } };
  await kubectl.create(resource as typeof statefulSets, created as never);
  const imageNow = async (): Promise<string | undefined> => (await kubectl.get(resource as typeof statefulSets, key)).spec!.template.spec!.containers[0]!.image;
  // Changed before its controller has seen it, it would have one revision only.
  await poll(async () => (await kubectl.get(resource as typeof statefulSets, key)).status?.observedGeneration).toBe(1);
  await go(`workloads?open=/apis/apps/v1/namespaces/default/${plural}/${key.name}`);
  await panel().getByLabel('Image of c').fill('busybox:2');
  await panel().getByRole('button', { name: 'Roll out' }).click();
  await panel().getByRole('button', { name: 'Compare' }).click();
  await panel().getByRole('group', { name: 'what changes when revision 1 comes back' }).getByText('image: busybox:1').waitFor();
  await panel().getByRole('button', { name: 'Roll back to revision 1' }).click();
  await poll(imageNow).toBe('busybox:1');
  await panel().getByText(kind === 'StatefulSet' ? 'one after the other, the last one first' : 'step by step, up to 0 more, up to 1 fewer').waitFor();
  // A page that shows what goes asks for it once more.
  await go('overview');
  await kubectl.delete(resource as typeof statefulSets, key);
});

test('the logs of all pods of a workload come as one, and are searched', async () => {
  const { go } = dashboard;
  await go(`workloads?open=${KUBIA}&tab=logs`);
  const log = panel().getByRole('log');
  await poll(async () => (await log.innerText()).split('\n').filter((line) => line.includes('ahoy')).length).toBe(3);
  await panel().getByRole('searchbox', { name: 'Find in the log' }).fill('nothing of it');
  await panel().getByText('No line has that.').waitFor();
  await panel().getByRole('searchbox', { name: 'Find in the log' }).fill('AHOY');
  await poll(() => log.locator('mark').count()).toBe(3);
  await dashboard.picture('logs');
});

test('before something is deleted it is told what goes with it', async () => {
  const {
    page,
    go,
    cluster: { kubectl },
  } = dashboard;
  await go(`workloads?open=${KUBIA}`);
  await panel().getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete Deployment kubia?' });
  await dialog.getByText('3 × Pod').waitFor();
  await dialog.getByText('2 × ReplicaSet').waitFor();
  await dashboard.picture('delete');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  expect((await kubectl.get(deployments, kubia)).metadata.deletionTimestamp).toBeUndefined();
});

test('custom resources are there with the columns of their definition, live', async () => {
  const {
    page,
    go,
    cluster: { kubectl },
  } = dashboard;
  await kubectl.raw('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'ships.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'ships', singular: 'ship', kind: 'Ship' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { sails: { type: 'integer' } } } } },
            },
            additionalPrinterColumns: [{ name: 'Sails', type: 'integer', jsonPath: '.spec.sails' }],
          },
        ],
      },
    },
  });
  const ship = (name: string, sails: number) =>
    kubectl.raw('POST', '/apis/example.com/v1/namespaces/default/ships', {
      body: { apiVersion: 'example.com/v1', kind: 'Ship', metadata: { name }, spec: { sails } },
    });
  await poll(async () => {
      try {
        return (await ship('sloop', 1)).status;
      } catch {
        return 0;
      }
    })
    .toBe(201);
  await go('resources?of=/apis/example.com/v1/ships');
  await page.reload();
  await page.getByRole('row', { name: /sloop.*default.*1/ }).waitFor();
  await ship('brig', 12);
  await page.getByRole('row', { name: /brig.*12/ }).waitFor();
  await page.getByRole('columnheader', { name: 'Sails' }).getByRole('button').click();
  await page.getByRole('columnheader', { name: 'Sails' }).getByRole('button').click();
  expect(await page.getByRole('row').nth(1).innerText()).toContain('brig');
  await kubectl.raw('DELETE', '/apis/example.com/v1/namespaces/default/ships/brig');
  await page.getByRole('row', { name: /brig/ }).waitFor({ state: 'detached' });
  await page.getByRole('row', { name: /sloop/ }).click();
  await page.getByRole('complementary', { name: 'Ship sloop' }).getByRole('tab', { name: 'YAML' }).click();
  await panel().getByRole('textbox', { name: 'YAML' }).getByText('sails').waitFor();
});

test('everything is reached by keys', async () => {
  const { page, go } = dashboard;
  await go('overview');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('p');
  await page.getByRole('heading', { name: 'Pods', level: 1 }).waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Go to anything' }).fill('kubia');
  await page.getByRole('option', { name: /Deployment default\/kubia/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('complementary', { name: 'Deployment kubia' }).waitFor();
  await page.keyboard.press('Escape');
  await panel().waitFor({ state: 'detached' });
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).getByText('Play and pause the background').waitFor();
  await page.keyboard.press('Escape');
});

test('it speaks Korean, and remembers', async () => {
  const { page, go } = dashboard;
  await page.getByRole('button', { name: '한국어' }).click();
  await page.getByRole('heading', { name: '파드', level: 1 }).waitFor();
  await go('background');
  await page.reload();
  await page.getByRole('region', { name: '모든 단계' }).waitFor();
  await poll(() => page.locator('html').getAttribute('lang')).toBe('ko');
  await dashboard.picture('korean');
  await page.getByRole('button', { name: 'English' }).click();
});

const VIEWS = [
  'overview',
  'background',
  'pods',
  'resources',
  `workloads?open=${KUBIA}`,
  `workloads?open=${KUBIA}&tab=logs`,
  `workloads?open=${KUBIA}&tab=why`,
  `workloads?open=${KUBIA}&tab=yaml`,
  'events?open=new',
];

test('axe finds nothing serious, light or dark', async () => {
  const { page, go } = dashboard;
  const found: string[] = [];
  for (const [colorScheme, views] of [
    ['light', VIEWS],
    ['dark', VIEWS.slice(0, 2)],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    for (const view of views) {
      await go(view);
      await page.locator('main').getByText(/\S/).first().waitFor();
      if (view.includes('open=')) await panel().getByRole('heading').first().waitFor();
      for (const finding of await seriousFindings(page)) found.push(`${colorScheme} ${view} ${finding}`);
    }
  }
  expect(found).toEqual([]);
}, 120_000);

test('the page was never in trouble', async () => {
  expect((await dashboard.cluster.kubectl.list(pods, { namespace: 'default' })).items.length).toBeGreaterThan(0);
  expect(dashboard.browser.complaints).toEqual([]);
});
