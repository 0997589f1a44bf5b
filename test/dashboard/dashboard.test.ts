// The dashboard as a person uses it: wherry dashboard against a simulated cluster, in a real browser.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deployments, pods } from '../../src/api/generated/resources.ts';
import { makeDeployment as make, openDashboard, type OpenDashboard } from './open-dashboard.ts';

let dashboard: OpenDashboard;
let cluster: OpenDashboard['cluster'];
let browser: OpenDashboard['browser'];
let address: string;

beforeAll(async () => {
  dashboard = await openDashboard();
  ({ cluster, browser, address } = dashboard);
});
afterAll(() => dashboard[Symbol.asyncDispose]());

const go = (hash: string): Promise<void> => dashboard.go(hash);
const makeDeployment = (name: string, replicas: number, script: string): Promise<void> => make(cluster.kubectl, name, replicas, script);

test('the printed address logs in once', async () => {
  const { page } = browser;
  await page.goto(address);
  await page.waitForURL((url) => url.pathname === '/');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.getByText('harbour').waitFor();
  const answer = await fetch(address);
  expect(answer.status).toBe(401);
  expect(await answer.text()).toContain('wherry dashboard');
});

test('nodes are there, and pods appear in them as they come to be', async () => {
  const { page } = browser;
  await page.getByRole('link', { name: 'boat', exact: true }).waitFor();
  await page.getByRole('img', { name: /^boat, 0 pods/ }).waitFor();
  await makeDeployment('kubia', 4, 'echo ahoy; sleep 3600');
  await page.getByRole('img', { name: /^boat, 2 pods: 2 running/ }).waitFor();
  await page.getByRole('img', { name: /^boat-2, 2 pods: 2 running/ }).waitFor();
  await page.getByText('All is well').waitFor();
});

test('the slider scales', async () => {
  const { page } = browser;
  await go('workloads');
  const row = page.getByRole('row', { name: /kubia/ });
  await row.getByText('4/4').waitFor();
  await page.getByRole('slider', { name: 'Scale kubia' }).fill('7');
  await row.getByText('7/7').waitFor();
  expect((await cluster.kubectl.get(deployments, { namespace: 'default', name: 'kubia' })).spec.replicas).toBe(7);
});

test('a pod is found by the keyboard; its log and a shell in it', async () => {
  const { page } = browser;
  await go('pods');
  await page.keyboard.press('/');
  await page.keyboard.type('kubia running');
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('complementary', { name: /^Pod kubia-/ }).waitFor();
  await page.getByRole('tab', { name: 'Logs' }).click();
  await page.getByRole('log').getByText('ahoy').waitFor();
  await page.getByRole('tab', { name: 'Shell' }).click();
  await page.locator('.xterm-rows').getByText('/ #').first().waitFor();
  await page.keyboard.type('echo from the shell\r');
  await page.locator('.xterm-rows').getByText('from the shell', { exact: true }).waitFor();
  await page.getByRole('tab', { name: 'Why' }).click();
  await page.getByText('the scheduler', { exact: true }).first().waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('complementary').waitFor({ state: 'detached' });
});

test('a deleted pod goes, and another one comes', async () => {
  const { page } = browser;
  const [first] = (await cluster.kubectl.list(pods, { namespace: 'default', labelSelector: 'app=kubia' })).items;
  const { name } = first!.metadata;
  await go(`pods?open=/api/v1/namespaces/default/pods/${name}`);
  await page.getByRole('row', { name: new RegExp(name) }).waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('row', { name: new RegExp(name) }).waitFor({ state: 'detached', timeout: 45_000 });
  await go('workloads');
  await page.getByRole('row', { name: /kubia/ }).getByText('7/7').waitFor();
}, 90_000);

test('YAML is edited with the schema at hand, and shown to the server before it is saved; what somebody else changed meanwhile is not lost unsaid', async () => {
  const { page } = browser;
  const path = '/apis/apps/v1/namespaces/default/deployments/kubia';
  const editor = page.getByRole('textbox', { name: 'YAML' });
  const label = async (text: string): Promise<void> => {
    // After `metadata:`, the third line.
    await editor.click();
    await page.keyboard.press('Control+Home');
    for (const key of ['ArrowDown', 'ArrowDown', 'End']) await page.keyboard.press(key);
    await page.keyboard.insertText(`\n  labels:\n    mine: ${text}`);
  };
  const labels = async (): Promise<unknown> =>
    (await cluster.kubectl.get(deployments, { namespace: 'default', name: 'kubia' })).metadata.labels;
  await go(`workloads?open=${path}&tab=yaml`);
  await label('one');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Home');
  await page.keyboard.type('  gener');
  await page.getByRole('option', { name: /generateName/ }).waitFor();
  await page.keyboard.press('Escape');
  for (let i = 0; i < 7; i++) await page.keyboard.press('Backspace');
  await cluster.kubectl.patch(
    deployments,
    { namespace: 'default', name: 'kubia' },
    { type: 'application/merge-patch+json', body: { metadata: { annotations: { theirs: 'yes' } } } },
  );
  await page.getByText('The object has changed since.').waitFor();
  await page.getByRole('button', { name: 'Review changes' }).click();
  await page.getByText('Somebody else changed it').waitFor();
  expect(await labels()).toBeUndefined();
  await page.getByRole('button', { name: 'Take theirs, drop mine' }).click();
  await editor.getByText('theirs').waitFor();
  await label('two');
  await page.getByRole('button', { name: 'Review changes' }).click();
  await page.getByRole('group', { name: 'what changes' }).getByText('+     mine: two').waitFor();
  expect(await labels()).toBeUndefined();
  await dashboard.picture('diff');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('kubia is saved.').waitFor();
  expect(await labels()).toEqual({ mine: 'two' });
});

test('a manifest makes something new', async () => {
  const { page } = browser;
  await go('workloads');
  await page.getByRole('button', { name: 'New…' }).click();
  await page.getByRole('tab', { name: 'YAML' }).click();
  const write = async (text: string): Promise<void> => {
    await page.getByRole('textbox', { name: 'Manifest' }).click();
    await page.keyboard.press('Control+a');
    await page.keyboard.insertText(text);
    await page.getByRole('button', { name: 'Review' }).click();
  };
  await write('apiVersion: v1\nkind: Konfig\nmetadata: {name: x}\n');
  await page.getByText('This cluster serves no Konfig in v1.').waitFor();
  await write(
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: chart}\ndata: {north: up}\n---\napiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: tide}\nspec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: none}}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: bay}\n',
  );
  await page.getByText('Namespace bay: will be made').waitFor();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByRole('complementary', { name: 'ConfigMap chart' }).getByText('north').waitFor();
  await page.getByRole('combobox', { name: 'Namespace' }).selectOption('bay');
  await page.getByRole('complementary').focus();
  await page.keyboard.press('Escape');
  await page.getByRole('complementary').waitFor({ state: 'detached' });
  await page.getByText('Nothing runs here yet.').waitFor();
  await go('resources?of=/apis/autoscaling/v2/horizontalpodautoscalers');
  await page.getByRole('row', { name: /tide/ }).waitFor();
});

test('what fails is told with its reason', async () => {
  const { page } = browser;
  await makeDeployment('crashing', 1, 'echo no database; exit 3');
  await go('overview');
  const section = page.getByRole('region', { name: /Needs a look/ });
  await section.getByText('keeps ending (last: exit code 3').waitFor({ timeout: 30_000 });
  await section.getByRole('link', { name: /Deployment crashing/ }).click();
  await page.getByRole('complementary', { name: 'Deployment crashing' }).waitFor();
  await page
    .getByRole('complementary')
    .getByRole('link', { name: /^crashing-/ })
    .first()
    .click();
  await page.getByRole('tab', { name: 'Logs' }).click();
  await page.getByLabel('Previous run').check();
  await page.getByRole('log').getByText('no database').waitFor();
}, 60_000);

test('the page was never in trouble and asked nobody but us', () => {
  // The attempt to save over somebody else's change is answered by 409, which browsers note as an error.
  expect(browser.complaints.filter((text) => !/409 \(Conflict\)/.test(text))).toEqual([]);
});
