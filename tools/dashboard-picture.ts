// Makes docs/dashboard.png, the picture of the README: a deployment on its way through a simulated cluster, in Debian's Chromium.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/base/clock.ts';
import { silentLog } from '../src/base/log.ts';
import { systemRandom } from '../src/base/random.ts';
import { deployments } from '../src/api/generated/resources.ts';
import { buildPage } from '../src/dashboard/build-page.ts';
import { startDashboard } from '../src/dashboard/dashboard-server.ts';
import { openTestBrowser } from '../test/dashboard/browser.ts';
import { startSimulatedCluster } from '../test/why/simulated-cluster.ts';

const MOST_BYTES = 200_000;

await using stack = new AsyncDisposableStack();
const cluster = stack.use(await startSimulatedCluster());
const tools = { clock: systemClock, random: systemRandom, log: silentLog };
const dashboard = stack.use(
  await startDashboard({ ...tools, http: cluster.kubectl, contextName: 'wherry', namespace: 'default', port: 0, page: await buildPage() }),
);
const create = (name: string, image: string, replicas: number): Promise<unknown> => {
  const labels = { app: name };
  const spec = { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name, image }] } } };
  return cluster.kubectl.create(deployments, { metadata: { name, namespace: 'default' }, spec }, { fieldManager: 'kubectl-create' });
};
await create('kiada', 'msung99/kiada:0.1.0', 2);
await create('kubia', 'msung99/maestro:0.1.0', 5);
const { page } = stack.use(await openTestBrowser());
await page.setViewportSize({ width: 1280, height: 830 });
await page.goto(dashboard.invite());
await page.waitForURL(({ pathname }) => pathname === '/');
await page.goto(`http://127.0.0.1:${dashboard.port}/#/background`);
const steps = page.getByRole('region', { name: 'All steps' }).getByRole('listitem');
await steps.getByText('counted 5 ready pods').first().waitFor();
await page
  .getByRole('navigation', { name: 'What was begun lately' })
  .getByRole('link', { name: /deployment kubia/ })
  .click();
// Come to rest, so that times are told.
await page.getByText(/steps, [\d.]+ m?s$/).waitFor();
await steps.getByText('started 5 containers').click();
await page.locator('main').evaluate((main) => {
  main.scrollTop = 0;
});
await page.mouse.move(0, 0);
// Nothing moves in a picture; and a machine that has no Korean letters would draw boxes.
await page.evaluate('Promise.all(document.getAnimations().map((each) => each.finished.catch(() => {})))');
await page.addStyleTag({
  content:
    '*, *::before { caret-color: transparent !important } :focus-visible { outline: none !important } button[lang=ko] { visibility: hidden }',
});
const picture = await page.screenshot();
if (picture.length > MOST_BYTES) throw new Error(`the picture has ${picture.length} bytes, more than ${MOST_BYTES}`);
writeFileSync(fileURLToPath(new URL('../docs/dashboard.png', import.meta.url)), picture);
console.log(`docs/dashboard.png: ${picture.length} bytes`);
