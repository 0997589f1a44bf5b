// The dashboard on real containers: a pull from a registry seen as it happens, logs, a shell, a forwarded port, and the tunnel's button.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClusterUnderTest, run, WHERRY } from '../../src/testing/cluster-under-test.ts';
import { startRegistry, type Registry } from '../../src/testing/registry.ts';
import { pushImage, sampleImage } from '../../src/testing/sample-image.ts';
import type { Browser } from './browser.ts';
import { goer, logIn, openOn, photographer, poll } from './open-dashboard.ts';

const stack = new AsyncDisposableStack();
const cluster = new ClusterUnderTest('board');
let registry: Registry;
let browser: Browser;
let go: (hash: string) => Promise<void>;
let picture: (name: string) => Promise<void>;

beforeAll(async () => {
  registry = stack.use(await startRegistry());
  await pushImage(registry.url, 'msung99/maestro', '0.1.0', await sampleImage('0.1.0'));
  stack.use(cluster);
  await cluster.start('--registry-mirror', `docker.io=${registry.url}`);
  const { address, browser: opened } = await openOn(join(cluster.folder, 'kubeconfig'), stack);
  browser = opened;
  [go, picture] = [goer(browser.page, address), photographer(browser.page)];
  await logIn(browser.page, address);
});
afterAll(() => stack.disposeAsync());

const kubectl = async (...args: string[]): Promise<string> => {
  const outcome = await run([WHERRY, 'kubectl', ...args], { env: cluster.env });
  expect(outcome.code, outcome.stderr).toBe(0);
  return outcome.stdout;
};
const panel = () => browser.page.getByRole('complementary');

test('kubectl create deployment: pulled, started, ready, told step by step', async () => {
  const { page } = browser;
  await kubectl('create', 'deployment', 'kubia', '--image=msung99/maestro:0.1.0');
  await go('background?of=latest');
  await page.getByRole('heading', { name: /you, with kubectl create made the deployment kubia/ }).waitFor();
  const story = page.getByRole('region', { name: 'All steps' });
  await story.getByText(/pulled the image .*maestro:0.1.0/).waitFor({ timeout: 60_000 });
  await story.getByText(/started the container/).waitFor({ timeout: 30_000 });
  await story.getByText(/and ready/).first().waitFor({ timeout: 30_000 });
  await page.getByRole('list', { name: 'The way of the command' }).getByRole('button', { name: 'Registry' }).click();
  await page.getByText('fetched it from the registry').waitFor();
  await picture('real-background');
}, 120_000);

test('the nodes show what they use', async () => {
  const { page } = browser;
  await go('overview');
  await page.getByRole('img', { name: /^board, \d pods?: \d running/ }).waitFor();
  await page.getByRole('meter', { name: 'Memory' }).first().waitFor({ timeout: 60_000 });
  await picture('real-overview');
}, 90_000);

test('a shell in the container, its log, and its port as a link', async () => {
  const { page } = browser;
  const pod = (await kubectl('get', 'pods', '-l', 'app=kubia', '-o', 'name')).trim().replace('pod/', '');
  await go(`pods?open=/api/v1/namespaces/default/pods/${pod}&tab=shell`);
  await page.locator('.xterm-rows').getByText(/[#$]/).first().waitFor({ timeout: 30_000 });
  await page.keyboard.type('echo ahoy > /tmp/x; cat /tmp/x; hostname\r');
  await page.locator('.xterm-rows').getByText(pod, { exact: true }).waitFor({ timeout: 30_000 });
  await page.getByRole('tab', { name: 'Summary' }).click();
  await panel().getByRole('spinbutton', { name: `Port of ${pod}` }).fill('8080');
  await panel().getByRole('button', { name: 'Open here' }).click();
  await panel().getByRole('button', { name: `Open port 8080 of ${pod} here` }).click();
  const link = panel().getByRole('link', { name: /^127\.0\.0\.2:\d+$/ });
  const address = (await link.getAttribute('href'))!;
  expect(await (await fetch(address)).text()).toContain(pod);
  await panel().getByRole('button', { name: 'Close the port' }).click();
  await poll(() => fetch(address).then(() => 'open', () => 'closed')).toBe('closed');
  await page.getByRole('tab', { name: 'Logs' }).click();
  await panel().getByRole('log').waitFor();
}, 90_000);

test('a service that waits for its address gets it by a button', async () => {
  await kubectl('expose', 'deployment', 'kubia', '--type=LoadBalancer', '--port', '8080');
  await go('services?open=/api/v1/namespaces/default/services/kubia');
  await panel().getByText('External address: pending').waitFor();
  await panel().getByRole('button', { name: 'Open the tunnel' }).click();
  const link = panel().getByRole('link', { name: /^http:\/\/[\d.]+:8080\/$/ });
  await link.waitFor({ timeout: 30_000 });
  const address = (await link.getAttribute('href'))!;
  await poll(() => fetch(address).then((answer) => answer.text(), () => ''), { timeout: 30_000 }).toContain('kubia-');
  await picture('real-service');
}, 120_000);

test('the page was never in trouble and asked nobody but us', () => {
  expect(browser.complaints).toEqual([]);
});
