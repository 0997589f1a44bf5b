import { describe, expect, it } from 'vitest';
import type { Node } from '../api/generated/core-v1.ts';
import { silentLog as log } from '../base/log.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { startHealthServer } from './health-server.ts';
import { ProxyHealth } from './proxy-health.ts';
import { startStatusServer } from './status-server.ts';

const node = (spec: Node['spec'] = {}, metadata: Partial<Node['metadata']> = {}): Node => ({
  apiVersion: 'v1', kind: 'Node', metadata: { name: 'one', uid: 'u', resourceVersion: '1', creationTimestamp: '', ...metadata }, spec,
});
const leaving = node({ taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] });

describe('the health of the proxy', () => {
  it('is bad once changes have waited for a minute, and good again when they are written', async () => {
    const clock = new FakeClock();
    const health = new ProxyHealth(clock);
    health.queued();
    await clock.advance(120_000);
    expect(health.healthy).toBe(true);
    health.written();
    const { currentTime } = health.liveness();
    await clock.advance(120_000);
    expect(health.report(node())).toMatchObject({ ok: true, report: { healthy: true, nodeEligible: true, status: { IPv4: { lastUpdated: currentTime, healthy: true } } } });
    expect(health.liveness().lastUpdated).toBe(health.liveness().currentTime);
    health.queued();
    await clock.advance(59_000);
    health.queued();
    expect(health.healthy).toBe(true);
    await clock.advance(1_000);
    expect(health.report(node())).toMatchObject({ ok: false, report: { healthy: false, nodeEligible: true, lastUpdated: currentTime, status: { IPv4: { healthy: false } } } });
    health.written();
    expect(health.healthy).toBe(true);
  });

  it('counts a node that is about to go as not eligible, for /healthz alone', async () => {
    const clock = new FakeClock();
    const health = new ProxyHealth(clock);
    let current: Node | undefined = node();
    await using server = startHealthServer({ address: '127.0.0.1', port: 0, health, node: () => current, log });
    const ask = async (path: string): Promise<[number, unknown]> => {
      while (server.port === undefined) await new Promise((resolve) => setImmediate(resolve));
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
      return [response.status, path === '/nothing' ? await response.text() : await response.json()];
    };
    health.written();
    const now = new Date(clock.now()).toISOString();
    const status = { IPv4: { lastUpdated: now, healthy: true } };
    expect(await ask('/healthz')).toEqual([200, { lastUpdated: now, currentTime: now, nodeEligible: true, healthy: true, status }]);
    for (const going of [leaving, node({}, { deletionTimestamp: now }), undefined]) {
      current = going;
      expect(await ask('/healthz')).toMatchObject([503, { nodeEligible: false, healthy: true }]);
      expect(await ask('/livez')).toEqual([200, { lastUpdated: now, currentTime: now, healthy: true, status }]);
    }
    expect(await ask('/nothing')).toEqual([404, '404 page not found\n']);
  });

  it('tells its mode to the node itself', async () => {
    await using server = startStatusServer({ port: 0, log });
    while (server.port === undefined) await new Promise((resolve) => setImmediate(resolve));
    const said = await Promise.all(['proxyMode', 'healthz', 'nothing'].map(async (path) => (await fetch(`http://127.0.0.1:${server.port}/${path}`)).text()));
    expect(said).toEqual(['nftables', 'ok', '404 page not found\n']);
  });
});
