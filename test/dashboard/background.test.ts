// What happens in the background, as a newcomer sees it: a simulated cluster, the page in a real browser.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deployments, pods } from '../../src/api/generated/resources.ts';
import { logIn, makeDeployment, openDashboard, type OpenDashboard, poll } from './open-dashboard.ts';

let dashboard: OpenDashboard;
beforeAll(async () => {
  dashboard = await openDashboard();
  await logIn(dashboard.page, dashboard.address);
});
afterAll(() => dashboard[Symbol.asyncDispose]());

const kubia = { namespace: 'default', name: 'kubia' };
const slider = () => dashboard.page.getByRole('slider', { name: 'Step' });
const story = () => dashboard.page.getByRole('region', { name: 'All steps' }).getByRole('listitem');
const action = (text: string | RegExp) =>
  dashboard.page.getByRole('navigation', { name: 'What was begun lately' }).getByRole('link', { name: text });
const link = (name: string) => dashboard.page.getByRole('list', { name: 'The way of the command' }).getByRole('button', { name });
const at = async (): Promise<string> => (await slider().getAttribute('aria-valuetext'))!;

test('a command is followed as it goes on, from the client to the containers that are ready', async () => {
  const { page, go, cluster } = dashboard;
  await makeDeployment(cluster.kubectl, 'kubia', 3, 'sleep 3600');
  await go('background?of=latest');
  await page.getByRole('heading', { name: /you, with .* made the deployment kubia, for 3 pods/ }).waitFor();
  expect(page.url()).toMatch(/of=\d+/);
  await story().getByText('say: 3 pods are running and ready').waitFor();
  await story()
    .getByText(/chose nodes for 3 pods: boat \d, boat-2 \d/)
    .waitFor();
  // Nodes tell of their work some moments later.
  await story().getByText('started 3 containers').waitFor();
  const names = await story().allInnerTexts();
  const order = [
    'made the deployment',
    'made the replica set',
    'made 3 pods',
    'chose nodes',
    'sandboxes',
    'started 3 containers',
    'running and ready',
  ].map((words) => names.findIndex((name) => name.includes(words)));
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(order[0]).toBe(0);
  await dashboard.picture('background');
});

test('it can be paused, stepped through and scrubbed back; the picture forgets what has not happened yet', async () => {
  const { page } = dashboard;
  await slider().press('Home');
  expect(await at()).toMatch(/^step 1 of \d+: you, with .* made the deployment kubia/);
  const stage = page.getByRole('group', { name: 'The cluster at this step' });
  expect(await stage.getByText('ReplicaSet', { exact: true }).count()).toBe(0);
  await page.getByRole('button', { name: 'One step on' }).click();
  expect(await at()).toContain('made the replica set');
  await stage.getByText('ReplicaSet', { exact: true }).waitFor();
  await page.getByText('The deployment controller never starts anything.').waitFor();
  await page.getByRole('button', { name: 'One step on' }).click();
  await stage.getByRole('img', { name: '3 written down' }).waitFor();
  await slider().press('End');
  await poll(async () =>
      (
        await stage
          .getByRole('img', { name: /runs and is ready/ })
          .evaluateAll((rooms) => rooms.map((room) => Number(/\d+/.exec(room.getAttribute('aria-label')!)![0])))
      ).reduce((a, b) => a + b, 0),
    )
    .toBe(3);
  await page.getByRole('button', { name: 'One step back' }).click();
  // Space plays on from here to the end.
  await page.getByRole('heading', { name: 'All steps' }).click();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Play again' }).waitFor();
  await link('Scheduler').click();
  expect(await at()).toContain('chose nodes');
  await dashboard.picture('background-scheduler');
});

test('scaling, a roll-out and a deletion have their stories, too', async () => {
  const {
    page,
    cluster: { kubectl },
  } = dashboard;
  const merge = (body: object) =>
    kubectl.patch(deployments, kubia, { type: 'application/merge-patch+json', body }, { fieldManager: 'kubectl-tool' });
  await merge({ spec: { replicas: 5 } });
  await action(/kubectl tool.*changed the number of pods from 3 to 5/).click();
  await story().getByText('say: 2 pods are running and ready').waitFor();
  await kubectl.patch(
    deployments,
    kubia,
    {
      type: 'application/strategic-merge-patch+json',
      body: { spec: { template: { spec: { containers: [{ name: 'c', image: 'busybox:2' }] } } } },
    },
    { fieldManager: 'kubectl-set' },
  );
  await action(/kubectl set/).click();
  await page.getByRole('heading', { name: /changed the image from busybox:1 to busybox:2/ }).waitFor();
  await story()
    .getByText(/asked (a|\d) pods? to end/)
    .first()
    .waitFor();
  await poll(
      async () =>
        (await kubectl.list(pods, { namespace: 'default', labelSelector: 'app=kubia' })).items.filter(
          ({ spec }) => spec.containers[0]!.image === 'busybox:1',
        ).length,
      { timeout: 30_000 },
    )
    .toBe(0);
  await kubectl.delete(deployments, kubia);
  await action(/removed the deployment kubia/).click();
  await story().getByText('removed 5 pods').waitFor({ timeout: 45_000 });
  await link('Container').click();
  await dashboard.picture('background-delete');
}, 120_000);

test('what fails shows where', async () => {
  const {
    page,
    go,
    cluster: { kubectl },
  } = dashboard;
  await kubectl.create(pods, {
    metadata: { name: 'giant', namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'busybox:1', resources: { requests: { memory: '9000Gi' } } }] },
  });
  await go('background?of=latest');
  await story().getByText('found no node among 2').first().waitFor();
  await link('Scheduler').click();
  await page.getByText('No node has what this pod asks for.').waitFor();
  await page.getByText('Insufficient memory').first().waitFor();
});

test('the page was never in trouble', () => {
  expect(dashboard.browser.complaints).toEqual([]);
});
