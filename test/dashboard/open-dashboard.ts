import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { deployments } from '../../src/api/generated/resources.ts';
import type { HttpClient } from '../../src/client/http-client.ts';
import { putContext } from '../../src/client/kubeconfig-file.ts';
import { WHERRY } from '../../src/testing/cluster-under-test.ts';
import { startSimulatedCluster, type SimulatedCluster } from '../why/simulated-cluster.ts';
import { openTestBrowser, type Browser } from './browser.ts';

export interface OpenDashboard extends AsyncDisposable {
  readonly cluster: SimulatedCluster;
  readonly browser: Browser;
  /** As printed; it has not been opened yet. */
  readonly address: string;
  readonly page: Page;
  go(hash: string): Promise<void>;
  /** Keeps what is seen in the folder that SCREENSHOTS names, for who looks into a run. */
  picture(name: string): Promise<void>;
}

/** `wherry dashboard` against a simulated cluster of two nodes, and a browser in front of it. */
export async function openDashboard(): Promise<OpenDashboard> {
  await using onFailure = new AsyncDisposableStack();
  const stack = onFailure.use(new AsyncDisposableStack());
  const cluster = stack.use(await startSimulatedCluster());
  const { server, ca, certificate, key } = cluster.kubectl.options;
  const kubeconfig = join(cluster.folder, 'kubeconfig');
  putContext(kubeconfig, { name: 'harbour', server, ca: ca!, certificate: certificate!, key: key! });
  const { address, browser } = await openOn(kubeconfig, stack);
  const running = stack.move();
  return {
    cluster,
    browser,
    address,
    page: browser.page,
    go: goer(browser.page, address),
    picture: photographer(browser.page),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The same for any kubeconfig; the stack ends both. */
export async function openOn(
  kubeconfig: string,
  stack: AsyncDisposableStack,
): Promise<{ readonly address: string; readonly browser: Browser }> {
  const dashboard = spawn(WHERRY, ['dashboard', '--url', '--kubeconfig', kubeconfig], { stdio: ['ignore', 'pipe', 'inherit'] });
  stack.defer(async () => {
    const ended = once(dashboard, 'exit');
    if (dashboard.exitCode !== null) return;
    dashboard.kill('SIGINT');
    await ended;
  });
  const lines = createInterface({ input: dashboard.stdout });
  const [address] = (await once(lines, 'line')) as [string];
  return { address, browser: stack.use(await openTestBrowser()) };
}

/** Opens the page by its address, which logs in. */
export async function logIn(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.waitForURL((url) => url.pathname === '/');
}

export const goer =
  (page: Page, address: string) =>
  async (hash: string): Promise<void> => {
    const target = `${new URL(address).origin}/#/${hash}`;
    try {
      await page.goto(target);
    } catch (error) {
      // An interface of the machine came or went meanwhile, of some other cluster.
      if (!(error as Error).message.includes('ERR_NETWORK_CHANGED')) throw error;
      await page.goto(target);
    }
  };

export const photographer =
  (page: Page) =>
  async (name: string): Promise<void> => {
    const folder = process.env['SCREENSHOTS'];
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}.png`) });
  };

/** A deployment whose containers run a script in the simulated shell. */
export async function makeDeployment(client: HttpClient, name: string, replicas: number, script: string): Promise<void> {
  const labels = { app: name };
  await client.create(deployments, {
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'busybox:1', command: ['sh', '-c', script] }] } },
    },
  });
}

/** Waits for a condition as long as the browser waits for what it shows: a machine may be busy. */
export const poll: typeof expect.poll = (look, options) => expect.poll(look, { timeout: 20_000, ...options });
