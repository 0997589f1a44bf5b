// The dashboard with 10,000 pods on 100 nodes: size of its page, first paint, frames while one scrolls and while pods come and go, memory of page and process before and after.
// `npm run bench -- dashboard 2000 --churn 60`: an hour of pods that come and go instead, while somebody looks around; what page and process hold, sampled ten times.
// The pods are objects in an API server without controllers: what is measured is the dashboard. Runs in Debian's Chromium without a GPU, so that frames cost more than on a desk.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { CDPSession, Page } from 'playwright-core';
import { nodes, pods } from '../src/api/generated/resources.ts';
import type { Client } from '../src/client/client.ts';
import { putContext } from '../src/client/kubeconfig-file.ts';
import { startTestHttpsApiServer } from '../src/testing/api-server.ts';
import { WHERRY } from '../src/testing/cluster-under-test.ts';
import { openTestBrowser } from '../test/dashboard/browser.ts';
import { median, ms, percentile, report } from './measure.ts';

const { values: given, positionals } = parseArgs({ options: { churn: { type: 'string' } }, allowPositionals: true });
const PODS = Number(positionals[0] ?? 10_000);
/** Minutes of the long run; 0: the measurements. */
const MINUTES = Number(given.churn ?? 0);
const NODES = 100;
const AT_ONCE = 32;
/** Pods deleted and made anew. */
const CHURN = 10_000;
const MIB = 1024 ** 2;

await using stack = new AsyncDisposableStack();
const folder = mkdtempSync(join(tmpdir(), 'bench-dashboard-'));
stack.defer(() => rmSync(folder, { recursive: true, force: true }));

function pageSizes(): readonly (readonly [string, string])[] {
  const dist = fileURLToPath(new URL('../dist/dashboard', import.meta.url));
  const html = readFileSync(join(dist, 'index.html'), 'utf8');
  const sizes = readdirSync(dist).map((name) => [name, gzipSync(readFileSync(join(dist, name))).length] as const);
  // What the page loads before anybody asks for an editor or a terminal: its script, what that imports at once, and the styles.
  const script = sizes.find(([name]) => /^page.*js$/.test(name))![0];
  const source = readFileSync(join(dist, script), 'utf8');
  const first = sizes.filter(
    ([name]) =>
      html.includes(name)
      || name === 'index.html'
      || new RegExp(`from ?"\\./${name}"`).test(source)
      || new RegExp(`import ?"\\./${name}"`).test(source),
  );
  const sum = (list: typeof sizes): number => list.reduce((total, [, size]) => total + size, 0);
  const kilobytes = (size: number): string => `${(size / 1024).toFixed(0)} KiB gzip`;
  return [
    ['page as it opens', kilobytes(sum(first))],
    ['page with editor and terminal (goal: under 300)', kilobytes(sum(sizes))],
  ];
}

async function inParallel(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

async function makePod(client: Client, i: number): Promise<void> {
  const name = `load-${i % 40}-${i.toString(36).padStart(5, '0')}`;
  const made = await client.create(pods, {
    metadata: { name, namespace: 'default', labels: { app: `load-${i % 40}` } },
    spec: { nodeName: `node-${i % NODES}`, containers: [{ name: 'main', image: 'msung99/maestro:0.1.0' }] },
  });
  const started = new Date().toISOString().replace(/\.\d+/, '');
  await client.updateStatus(pods, {
    ...made,
    status: {
      phase: 'Running',
      podIP: `10.244.${i % NODES}.${((i / NODES) % 250) | 0}`,
      conditions: [{ type: 'Ready', status: i % 97 === 0 ? 'False' : 'True' }],
      containerStatuses: [
        {
          name: 'main',
          image: 'msung99/maestro:0.1.0',
          imageID: '',
          ready: i % 97 !== 0,
          restartCount: i % 13 === 0 ? 1 : 0,
          started: true,
          state: { running: { startedAt: started } },
        },
      ],
    },
  });
}

async function churn(from: number, count: number): Promise<void> {
  await inParallel(count, async (k) => {
    const i = (from + k) % PODS;
    const key = { namespace: 'default', name: `load-${i % 40}-${i.toString(36).padStart(5, '0')}` };
    await client.delete(pods, key, { gracePeriodSeconds: 0 });
    await makePod(client, i);
  });
}

/** Durations of frames, milliseconds, while `work` goes on in the page. */
async function frames(page: Page, work: () => Promise<void>): Promise<readonly number[]> {
  await page.evaluate(
    `window.frameTimes = []; window.watching = true; { let last = performance.now(); const turn = (now) => { window.frameTimes.push(now - last); last = now; if (window.watching) requestAnimationFrame(turn); }; requestAnimationFrame(turn); }`,
  );
  await work();
  await page.evaluate('window.watching = false');
  return (await page.evaluate('window.frameTimes.slice(2)')) as number[];
}

const inWords = (times: readonly number[]): string =>
  `median ${ms(median(times))}, 95 % ${ms(percentile(times, 95))}, worst ${ms(Math.max(...times))} (${times.length} frames)`;

/** Seconds that the page's main thread has worked so far: on a busy machine more telling than frames. */
async function worked(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')!.value;
}

async function heap(session: CDPSession): Promise<number> {
  for (let i = 0; i < 3; i++) await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'JSHeapUsedSize')!.value / MIB;
}

/** What is in memory: the page's heap and documents after a collection, the dashboard's process. */
interface Held {
  readonly heap: number;
  readonly elements: number;
  readonly listeners: number;
  readonly process: number;
}

const LOOKS = ['pods', 'overview', 'workloads', 'nodes', 'events', 'pods?q=load-7'];
const SAMPLES = 10;

/** Pods come and go all the time; the reader goes from view to view and opens one pod after the other. Memory is flat where the last samples are not above the first. */
async function longRun(): Promise<(readonly [string, string])[]> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  await session.send('HeapProfiler.enable');
  const samples: Held[] = [];
  let replaced = 0;
  for (let sample = 0; sample <= SAMPLES; sample++) {
    const until = performance.now() + (sample === 0 ? 20_000 : (MINUTES * 60_000) / SAMPLES);
    for (let step = 0; performance.now() < until; step++) {
      const i = replaced % PODS;
      const opened = `/api/v1/namespaces/default/pods/load-${i % 40}-${i.toString(36).padStart(5, '0')}`;
      await page.goto(`${origin}/#/${step % 4 === 3 ? `pods?open=${opened}` : LOOKS[step % LOOKS.length]}`);
      await churn(replaced, 200);
      replaced += 200;
    }
    await page.goto(`${origin}/#/pods`);
    await untilAll();
    const heapNow = await heap(session);
    const { metrics } = await session.send('Performance.getMetrics');
    const of = (wanted: string): number => metrics.find(({ name }) => name === wanted)!.value;
    samples.push({ heap: heapNow, elements: of('Nodes'), listeners: of('JSEventListeners'), process: residentOf(dashboard.pid!) });
  }
  const line = (what: keyof Held, digits: number): string => samples.map((held) => held[what].toFixed(digits)).join(' ');
  const growth = (what: keyof Held): string => {
    const [first, last] = [samples.slice(1, 4), samples.slice(-3)].map((part) => median(part.map((held) => held[what]))) as [number, number];
    return `${first.toFixed(1)} → ${last.toFixed(1)}`;
  };
  return [
    ['minutes, pods, pods deleted and made anew', `${MINUTES}, ${PODS}, ${replaced}`],
    ["page's heap, MiB", line('heap', 1)],
    ["page's elements", line('elements', 0)],
    ["page's listeners", line('listeners', 0)],
    ["dashboard process's memory, MiB", line('process', 0)],
    ['heap: median of the first and of the last three samples', growth('heap')],
    ['process: the same', growth('process')],
  ];
}

const residentOf = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

const rows: (readonly [string, string])[] = [...pageSizes()];
const api = stack.use(await startTestHttpsApiServer({ freezeObjects: false }));
const { url, authority, admin } = api.https;
const client = api.admin;
await inParallel(NODES, (i) =>
  client.create(nodes, {
    metadata: { name: `node-${i}` },
    spec: {},
    status: { allocatable: { cpu: '16', memory: '64Gi', pods: '250' }, conditions: [{ type: 'Ready', status: 'True' }] },
  }),
);
await inParallel(PODS, (i) => makePod(client, i));

const kubeconfig = join(folder, 'kubeconfig');
putContext(kubeconfig, { name: 'bench', server: url, ca: authority, certificate: admin.certificate, key: admin.key });
const dashboard = spawn(WHERRY, ['dashboard', '--url', '--kubeconfig', kubeconfig], { stdio: ['ignore', 'pipe', 'inherit'] });
stack.defer(async () => {
  const ended = once(dashboard, 'exit');
  dashboard.kill('SIGINT');
  await ended;
});
const [address] = (await once(createInterface({ input: dashboard.stdout }), 'line')) as [string];
const { page } = stack.use(await openTestBrowser());
await page.goto(address);
await page.waitForURL(({ pathname }) => pathname === '/');
const untilAll = (): Promise<unknown> => page.getByRole('radio', { name: `All ${PODS}` }).waitFor({ timeout: 120_000 });
const origin = new URL(address).origin;
// The first page lets the dashboard's process fill its tables.
await page.goto(`${origin}/#/pods`);
await untilAll();

if (MINUTES > 0) {
  report(await longRun());
  process.exit(await stack.disposeAsync().then(() => 0));
}

const paints: number[] = [];
const complete: number[] = [];
for (let i = 0; i < 5; i++) {
  await page.goto('about:blank');
  await page.goto(`${origin}/#/${i % 2 === 0 ? 'pods' : 'overview'}`);
  paints.push(
    (await page.evaluate(
      `new Promise((resolve) => { const look = () => { const [paint] = performance.getEntriesByName('first-contentful-paint'); if (paint) resolve(paint.startTime); else setTimeout(look, 20); }; look(); })`,
    )) as number,
  );
  if (i % 2 === 0) {
    await untilAll();
    complete.push((await page.evaluate('performance.now()')) as number);
  }
}
rows.push(
  ['first paint (goal: under 500 ms)', `median ${ms(median(paints))}, worst ${ms(Math.max(...paints))}`],
  [`until all ${PODS} pods are in the list`, `median ${ms(median(complete))}`],
);

const session = await page.context().newCDPSession(page);
await session.send('Performance.enable');
await session.send('HeapProfiler.enable');
const list = page.getByRole('grid', { name: 'Pods' });
await list.waitFor();
rows.push([
  'frames while scrolling 10,000 pods',
  inWords(
    await frames(page, async () => {
      for (let top = 0; top < 60_000; top += 400) {
        await list.evaluate((element, to) => {
          element.scrollTop = to;
        }, top);
        await page.evaluate('new Promise(requestAnimationFrame)');
      }
    }),
  ),
]);

const before = { page: await heap(session), process: residentOf(dashboard.pid!) };
for (const [i, view] of ['pods', 'overview'].entries()) {
  await page.goto(`${origin}/#/${view}`);
  const [began, busy] = [performance.now(), await worked(session)];
  rows.push([`frames in ${view} while pods come and go`, inWords(await frames(page, () => churn((i * CHURN) / 2, CHURN / 2)))]);
  const seconds = (performance.now() - began) / 1000;
  rows.push(
    ['  pods deleted and made meanwhile', `${Math.round(CHURN / 2 / seconds)} a second`],
    ['  the page worked', `${Math.round((((await worked(session)) - busy) / seconds) * 100)} % of the time`],
  );
}
await page.goto(`${origin}/#/pods`);
await untilAll();
const after = { page: await heap(session), process: residentOf(dashboard.pid!) };
rows.push(
  [`page's heap before and after ${CHURN} pods went and came`, `${before.page.toFixed(1)} → ${after.page.toFixed(1)} MiB`],
  ["dashboard process's memory before and after", `${Math.round(before.process)} → ${Math.round(after.process)} MiB`],
);
report(rows);
