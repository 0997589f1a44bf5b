import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { NodeMetrics, PodMetrics } from '../../api/generated/metrics-v1beta1.ts';
import { nodes, pods } from '../../api/generated/resources.ts';
import type { ResourceType } from '../../api/object.ts';
import { createAuthority, issueCertificate } from '../../base/certificates.ts';
import { startTestApiServer } from '../../testing/api-server.ts';
import { nodeMetricsResource, podMetricsResource } from './resource-metrics.ts';

const time = '2026-01-01T00:00:00Z';
const usage = (nano: number, bytes: number) => ({ cpu: { time, usageNanoCores: nano }, memory: { time, workingSetBytes: bytes } });

test('what nodes and pods use comes from their kubelets', async () => {
  const now = Date.now();
  const authority = await createAuthority('test', { now });
  const serving = await issueCertificate(authority, { commonName: 'node', addresses: ['127.0.0.1'], usages: ['server auth'], days: 1, now });
  let asked = 0;
  const kubelet = createServer({ key: serving.key, cert: serving.certificate }, (request, response) => {
    if (request.url === '/stats/summary') asked++;
    response.end(JSON.stringify({ node: usage(500_000_000, 2048), pods: [{ podRef: { name: 'p', namespace: 'default' }, containers: [{ name: 'c', ...usage(1500, 1025) }] }] }));
  });
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
  await using api = await startTestApiServer({ authority });
  const { admin } = api;
  for (const [name, port] of [['up', (kubelet.address() as AddressInfo).port], ['down', 1]] as const) {
    const node = await admin.create(nodes, { metadata: { name }, spec: {}, status: {} });
    await admin.updateStatus(nodes, { ...node, status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: port } } } });
  }
  for (const name of ['p', 'unmeasured']) {
    const pod = await admin.create(pods, { metadata: { name, namespace: 'default', labels: { app: 'a' } }, spec: { nodeName: 'up', containers: [{ name: 'c', image: 'i' }] } });
    await admin.updateStatus(pods, { ...pod, status: { ...pod.status, phase: 'Running' } });
  }
  const nodeMetrics = nodeMetricsResource as ResourceType<unknown> as ResourceType<NodeMetrics>;
  const podMetrics = podMetricsResource as ResourceType<unknown> as ResourceType<PodMetrics>;
  expect((await admin.list(nodeMetrics)).items).toMatchObject([{ metadata: { name: 'up' }, timestamp: time, usage: { cpu: '500000000n', memory: '2Ki' } }]);
  expect((await admin.list(podMetrics, { namespace: 'default', labelSelector: 'app=a' })).items).toMatchObject([{ metadata: { name: 'p', namespace: 'default' }, containers: [{ name: 'c', usage: { cpu: '1500n', memory: '2Ki' } }] }]);
  expect((await admin.list(podMetrics, { labelSelector: 'app=b' })).items).toEqual([]);
  expect((await admin.get(podMetrics, { namespace: 'default', name: 'p' })).containers).toHaveLength(1);
  await expect(admin.get(nodeMetrics, { name: 'down' })).rejects.toMatchObject({ code: 404 });
  await expect(admin.create(nodeMetrics as never, {} as never)).rejects.toMatchObject({ code: 405 });
  expect(asked).toBe(1);
  await new Promise((resolve) => {
    kubelet.close(resolve);
    kubelet.closeAllConnections();
  });
});
