import { request } from 'node:https';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { pods } from '../../api/generated/resources.ts';
import { createAuthority, issueCertificate, type KeyPair } from '../../base/certificates.ts';
import { nodeUnderTest, type NodeUnderTest } from '../../testing/node-under-test.ts';

async function servingNode(): Promise<NodeUnderTest & { readonly port: number; readonly server: KeyPair; readonly bob: KeyPair }> {
  const node = await nodeUnderTest();
  const now = Date.now();
  const authority = await createAuthority('test', { now });
  const issue = (commonName: string, usage: 'server auth' | 'client auth') => issueCertificate(authority, { commonName, usages: [usage], now, days: 1 });
  const [serving, server, bob] = await Promise.all([issue('system:node:boat', 'server auth'), issue('kube-apiserver-kubelet-client', 'client auth'), issue('bob', 'client auth')]);
  const { kubelet } = await node.start({ servingKeyPair: serving, clientAuthority: authority.certificate, port: 0, listenAddress: '127.0.0.1' });
  await node.admin.create(pods, {
    metadata: { name: 'kubia', namespace: 'default' },
    spec: { nodeName: 'boat', automountServiceAccountToken: false, containers: [{ name: 'main', image: 'busybox:1', command: ['sh', '-c', 'echo one; echo two; sleep infinity'] }] },
  });
  await expect.poll(async () => {
    await node.clock.advance(100);
    return (await node.admin.get(pods, { namespace: 'default', name: 'kubia' })).status?.phase;
  }).toBe('Running');
  return { ...node, port: kubelet.port!, server, bob };
}

function get(port: number, path: string, pair?: KeyPair): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false, rejectUnauthorized: false, ...(pair && { key: pair.key, cert: pair.certificate }) }, (response) => {
      let text = '';
      response.on('data', (piece: Buffer) => { text += piece; });
      response.on('end', () => resolve({ status: response.statusCode!, text }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

test('serves logs, statistics and commands to the API server, and to no stranger', async () => {
  const { port, server, bob, clock } = await servingNode();
  await clock.advance(100);
  const ask = (path: string) => get(port, path, server);
  expect(await ask('/healthz')).toEqual({ status: 200, text: 'ok' });
  expect(await ask('/containerLogs/default/kubia/main')).toEqual({ status: 200, text: 'one\ntwo\n' });
  expect(await ask('/containerLogs/default/kubia/main?tailLines=1')).toEqual({ status: 200, text: 'two\n' });
  expect(await ask('/containerLogs/default/kubia/none')).toEqual({ status: 404, text: 'container "none" not found in pod "kubia"' });
  expect(await ask('/containerLogs/default/kubia/main?previous=true')).toEqual({ status: 400, text: 'previous terminated container "main" in pod "kubia" not found' });
  expect((await ask('/metrics/resource')).text).toMatch(/^container_memory_working_set_bytes\{container="main",namespace="default",pod="kubia"\} 16777216 \d+$/m);
  expect((await ask('/metrics/cadvisor')).text).toMatch(/^container_memory_working_set_bytes\{container="main",id="[^"]+",image="docker\.io\/library\/busybox:1",name="[^"]+",namespace="default",pod="kubia"\} 16777216 \d+$/m);
  expect((await ask('/metrics/probes')).text).toContain('# TYPE prober_probe_total counter');
  expect(JSON.parse((await ask('/stats/summary')).text)).toMatchObject({ node: { nodeName: 'boat' }, pods: [{ podRef: { name: 'kubia' }, containers: [{ name: 'main', memory: { workingSetBytes: 16_777_216 } }] }] });
  expect(JSON.parse((await ask('/pods')).text)).toMatchObject({ kind: 'PodList', items: [{ metadata: { name: 'kubia' }, status: { phase: 'Running' } }] });

  expect(JSON.parse((await ask('/runningpods/')).text)).toMatchObject({ kind: 'PodList', items: [{ metadata: { name: 'kubia', namespace: 'default' }, spec: { containers: [{ name: 'main' }] } }] });
  expect((await ask('/metrics')).text).toContain('kubelet_node_name{node="boat"} 1');

  expect((await ask('/logs/')).text).toContain('<a href="pods/">pods/</a>');
  const folder = /<a href="(default_kubia_[^"]+)">/.exec((await ask('/logs/pods/')).text)![1];
  expect((await ask(`/logs/pods/${folder}main/`)).text).toContain('<a href="0.log">0.log</a>');
  expect((await ask(`/logs/pods/${folder}main/0.log`)).text).toMatch(/^\S+ stdout F one\n/);
  for (const path of ['..%2F..%2Fetc%2Fpasswd', '%2e%2e/x', `${folder}main/1.log`, `${folder}main/0.log/x`]) expect(await ask(`/logs/pods/${path}`)).toMatchObject({ status: 404 });

  expect(await get(port, '/pods')).toEqual({ status: 401, text: 'Unauthorized' });
  expect(await get(port, '/pods', bob)).toEqual({ status: 403, text: 'Forbidden (user=bob, verb=get, resource=nodes, subresource(s)=[pods proxy])' });

  const frames = await new Promise<string[]>((resolve, reject) => {
    const got: string[] = [];
    const socket = new WebSocket(`wss://127.0.0.1:${port}/exec/default/kubia/main?command=sh&command=-c&command=echo%20hi;exit%207&command=${'a'.repeat(100_000)}&output=1`, ['v5.channel.k8s.io'], {
      key: server.key, cert: server.certificate, rejectUnauthorized: false,
    });
    socket.on('message', (data: Buffer) => got.push(`${data[0]}:${data.subarray(1)}`));
    socket.on('close', () => resolve(got));
    socket.on('error', reject);
  });
  expect(frames[0]).toBe('1:hi\n');
  expect(JSON.parse(frames[1]!.slice(2))).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ message: '7' }] } });
});
