import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { MAX_HEADER_BYTES } from '../../base/http-limits.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { isRuntimeError } from '../../cri/runtime.ts';
import type { KubeletMetrics } from '../kubelet-metrics.ts';
import type { KubeletOptions } from '../options.ts';
import { currentContainer, type PodObservation } from '../pod/observation.ts';
import { findContainer } from '../pod/pod-containers.ts';
import type { ProbeCounts } from '../probes/probe-counts.ts';
import { admitCaller } from './caller.ts';
import { containerLogs } from './container-logs.ts';
import { containerMetrics } from './container-metrics.ts';
import { HttpFault } from './http-fault.ts';
import { metricFamily } from './metrics-text.ts';
import { nodeLogs } from './node-logs.ts';
import { resourceMetrics, statsSummary, UsageReader } from './statistics.ts';
import { pipeUpgrade } from './stream-pipe.ts';
import { offersChannels, translateChannels, type CommandStreams } from './translate-channels.ts';

export interface KubeletServerOptions extends KubeletOptions {
  pod(namespace: string, name: string): Pod | undefined;
  pods(): readonly Pod[];
  observation(uid: string): PodObservation;
  readonly probeCounts: Pick<ProbeCounts, 'rows'>;
  readonly metrics: Pick<KubeletMetrics, 'text'>;
}

export interface KubeletServer extends AsyncDisposable {
  readonly port: number;
}

/** A request, taken apart: `/exec/NAMESPACE/POD/CONTAINER` → `['exec', 'NAMESPACE', …]`. */
interface Call {
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

const callOf = (request: IncomingMessage): Call => {
  const url = new URL(request.url ?? '/', 'http://kubelet');
  return { segments: url.pathname.split('/').filter(Boolean).map(decodeURIComponent), query: url.searchParams };
};

/** The kubelet's HTTPS port. Upstream: kubelet/server/server.go. */
export async function startKubeletServer(options: KubeletServerOptions): Promise<KubeletServer> {
  const { servingKeyPair, clientAuthority, client, nodeName, runtime, log, clock } = options;
  const usage = new UsageReader(runtime);
  const startedMs = clock.now();

  function targetPod(namespace = '', name = ''): Pod {
    const pod = options.pod(namespace, name);
    if (!pod) throw new HttpFault(404, `pod does not exist`);
    return pod;
  }

  /** Both `NAMESPACE/POD/CONTAINER` and `NAMESPACE/POD/UID/CONTAINER`. */
  function runningContainer({ segments }: Call): string {
    const [, namespace, name, ...rest] = segments;
    const pod = targetPod(namespace, name);
    const containerName = rest.at(-1) ?? '';
    if (!findContainer(pod, containerName)) throw new HttpFault(404, `container not found ("${containerName}")`);
    const container = currentContainer(options.observation(pod.metadata.uid), containerName);
    if (!container) throw new HttpFault(404, `container not found ("${containerName}")`);
    return container.id;
  }

  /** The runtime's URL for an exec, attach or port-forward. */
  async function streamingUrl(call: Call): Promise<string> {
    const { segments, query } = call;
    const streams = commandStreams(call);
    if (segments[0] === 'portForward') {
      const pod = targetPod(segments[1], segments[2]);
      const sandbox = options.observation(pod.metadata.uid).sandboxes.find((s) => s.ready);
      if (!sandbox) throw new HttpFault(404, `pod ${pod.metadata.name} has no running sandbox`);
      return runtime.portForward(sandbox.id, query.getAll('port').concat(query.getAll('ports')).flatMap((ports) => ports.split(',')).map(Number));
    }
    if (!streams.stdin && !streams.stdout && !streams.stderr) throw new HttpFault(400, 'you must specify at least 1 of stdin, stdout, stderr');
    const request = { containerId: runningContainer(call), ...streams, stderr: streams.stderr && !streams.tty };
    return segments[0] === 'exec' ? runtime.exec({ ...request, cmd: query.getAll('command') }) : runtime.attach(request);
  }

  /** Both the kubelet's names of the parameters and the API's. */
  function commandStreams({ query }: Call): CommandStreams {
    const flag = (...names: string[]): boolean => names.some((name) => ['true', '1'].includes(query.get(name) ?? ''));
    return { stdin: flag('input', 'stdin'), stdout: flag('output', 'stdout'), stderr: flag('error', 'stderr'), tty: flag('tty') };
  }

  async function answer(call: Call, request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const { segments, query } = call;
    switch (segments[0]) {
      case 'healthz': return send(response, 200, 'text/plain', 'ok');
      case 'containerLogs': {
        const pod = options.pod(segments[1] ?? '', segments[2] ?? '');
        if (!pod) throw new HttpFault(404, `pod "${segments[2]}" does not exist`);
        return stream(response, await containerLogs(pod, segments[3] ?? '', query, () => options.observation(pod.metadata.uid), clock, signal), signal);
      }
      case 'runningpods': return send(response, 200, 'application/json', JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: runningPods() }));
      case 'pods': return send(response, 200, 'application/json', JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: options.pods() }));
      case 'run': {
        const { stdout, stderr, exitCode } = await runtime.execSync(runningContainer(call), query.getAll('cmd').flatMap((cmd) => cmd.split(' ')), 0);
        const text = Buffer.concat([stdout, stderr]).toString();
        return send(response, exitCode === 0 ? 200 : 500, 'text/plain', exitCode === 0 ? text : `command exited with ${exitCode}: ${text}`);
      }
      case 'logs': {
        const found = nodeLogs(segments.slice(1), options.podLogsDir ?? join(options.rootDir, 'logs', 'pods'));
        return 'folder' in found ? send(response, 200, 'text/html; charset=utf-8', found.folder) : stream(response, found.file, signal);
      }
      case 'stats': return send(response, 200, 'application/json', JSON.stringify(await summary()));
      case 'metrics':
        if (segments[1] === 'resource') return send(response, 200, 'text/plain; version=0.0.4', resourceMetrics(await usage.read(), usage.own(clock.now()), startTimes(), clock.now()));
        if (segments[1] === 'cadvisor') return send(response, 200, 'text/plain; version=0.0.4', containerMetrics(await usage.read(), imageNames(), startTimes(), await options.machine()));
        if (segments[1] === 'probes') return send(response, 200, 'text/plain; version=0.0.4', metricFamily('prober_probe_total', 'counter', '[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.', options.probeCounts.rows()));
        if (segments.length === 1) return send(response, 200, 'text/plain; version=0.0.4', ownMetrics());
        throw new HttpFault(404, '404 page not found');
      case 'exec': case 'attach': case 'portForward':
        await streamingUrl(call);
        throw new HttpFault(400, `Upgrade request required (${request.method})`);
      default: throw new HttpFault(404, '404 page not found');
    }
  }

  /** Pods of which something runs, with no more than the runtime knows of them; for tests. Upstream: kubelet_getters.go GetRunningPods. */
  function runningPods(): readonly object[] {
    return options.pods().flatMap(({ metadata: { name, namespace, uid } }) => {
      const { sandboxes, containers } = options.observation(uid);
      const running = containers.filter(({ state }) => state === 'running');
      if (running.length === 0 && !sandboxes.some(({ ready }) => ready)) return [];
      return [{ metadata: { name, namespace, uid }, spec: { containers: running.map(({ name: container, image }) => ({ name: container, image, resources: {} })) }, status: {} }];
    });
  }

  function startTimes(): (id: string) => number {
    const times = new Map(options.pods().flatMap((pod) => options.observation(pod.metadata.uid).containers.map((c) => [c.id, c.startedMs] as const)));
    return (id) => times.get(id) ?? 0;
  }

  function imageNames(): (id: string) => string {
    const names = new Map(options.pods().flatMap((pod) => options.observation(pod.metadata.uid).containers.map((c) => [c.id, c.image] as const)));
    return (id) => names.get(id) ?? '';
  }

  async function summary(): Promise<object> {
    const [usages, machine, filesystems] = await Promise.all([usage.read(), options.machine(), runtime.imageFsInfo()]);
    return statsSummary({ nodeName, own: usage.own(clock.now()), usages, pods: options.pods(), machine, imageFs: filesystems[0], startedMs: startTimes(), nodeStartedMs: startedMs, nowMs: clock.now() });
  }

  function ownMetrics(): string {
    const pods = options.pods();
    const containers = pods.flatMap((pod) => options.observation(pod.metadata.uid).containers);
    const states = Map.groupBy(containers, ({ state }) => state);
    return options.metrics.text()
      + `# HELP kubelet_running_pods [ALPHA] Number of pods that have a running pod sandbox\n# TYPE kubelet_running_pods gauge\nkubelet_running_pods ${pods.filter((pod) => options.observation(pod.metadata.uid).sandboxes.some((s) => s.ready)).length}\n`
      + `# HELP kubelet_running_containers [ALPHA] Number of containers currently running\n# TYPE kubelet_running_containers gauge\n${[...states].map(([state, list]) => `kubelet_running_containers{container_state="${state}"} ${list.length}\n`).join('')}`
      + `# HELP process_resident_memory_bytes Resident memory size in bytes.\n# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes ${process.memoryUsage.rss()}\n`;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    try {
      await admitCaller(request, nodeName, client);
      await answer(callOf(request), request, response, gone.signal);
    } catch (error) {
      if (gone.signal.aborted) return;
      const { status, message } = faultOf(error);
      if (status >= 500) log.warn('cannot answer a request', { path: request.url?.split('?')[0], error });
      if (response.headersSent) response.destroy();
      else send(response, status, 'text/plain; charset=utf-8', message);
    }
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const failed = (): void => void socket.destroy();
    socket.on('error', failed);
    try {
      await admitCaller(request, nodeName, client);
      const call = callOf(request);
      if (!['exec', 'attach', 'portForward'].includes(call.segments[0] ?? '')) throw new HttpFault(404, '404 page not found');
      const url = await streamingUrl(call);
      const translated = call.segments[0] !== 'portForward' && offersChannels(request) && (await translateChannels(request, socket, head, url, commandStreams(call), options));
      socket.off('error', failed);
      if (!translated) pipeUpgrade(request, socket, head, url);
    } catch (error) {
      const { status, message } = faultOf(error);
      socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(message)}\r\nConnection: close\r\n\r\n${message}`);
    }
  }

  const server = createServer({
    key: servingKeyPair!.key, cert: servingKeyPair!.certificate, minVersion: 'TLSv1.2', requestCert: clientAuthority !== undefined, rejectUnauthorized: false, maxHeaderSize: MAX_HEADER_BYTES,
    ...(clientAuthority !== undefined && { ca: clientAuthority }),
  }, (request, response) => void handle(request, response));
  server.on('upgrade', (request, socket, head) => void upgrade(request, socket, head));
  const sockets = new Set<Duplex>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  // A client that goes away in the middle of the handshake is no concern of ours.
  server.on('tlsClientError', (error) => log.debug('a TLS handshake failed', { error }));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.listenAddress, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function faultOf(error: unknown): { status: number; message: string } {
  if (error instanceof HttpFault) return error;
  const message = error instanceof Error ? error.message : String(error);
  return { status: isRuntimeError(error, 'Unimplemented') ? 501 : isRuntimeError(error, 'NotFound') ? 404 : 500, message };
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

async function stream(response: ServerResponse, pieces: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders();
  for await (const piece of pieces) {
    if (signal.aborted) break;
    if (!response.write(piece)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
}
