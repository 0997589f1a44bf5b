import type { HTTPGetAction, LifecycleHandler, Pod, Probe } from '../../api/generated/core-v1.ts';
import { isRuntimeError, type CriRuntime } from '../../cri/runtime.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import type { HttpProbe, ProbeNetwork } from './probe-network.ts';

export interface ProbeTarget {
  readonly pod: Pod;
  readonly container: AnyContainer;
  readonly containerId: string;
  readonly podIp: string;
}

export interface ProbeResult {
  readonly success: boolean;
  /** For the event of a failure. */
  readonly output: string;
  /** Succeeded, with something to say. */
  readonly warning?: boolean;
  /** Could not be tried, which says nothing about the container. */
  readonly errored?: boolean;
}

const LONGEST_OUTPUT = 10 * 1024;
const USER_AGENT = 'kube-probe/1.36';

class UnknownPortError extends Error {
  override readonly name = 'UnknownPortError';
}

/** A port by number, or by name among the container's ports. */
export function resolvePort(port: number | string, container: AnyContainer): number {
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  const number = named ?? Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) throw new UnknownPortError(`couldn't find port: ${port} in container ports`);
  return number;
}

/** Upstream: pkg/probe/http/request.go. */
export function httpAction(action: HTTPGetAction, target: ProbeTarget, userAgent = USER_AGENT): HttpProbe {
  const headers = (action.httpHeaders ?? []).map(({ name, value }) => [name, value] as const);
  const has = (name: string): boolean => headers.some(([header]) => header.toLowerCase() === name);
  const path = action.path || '/';
  return {
    scheme: (action.scheme ?? 'HTTP').toLowerCase() as 'http' | 'https', host: action.host || target.podIp, port: resolvePort(action.port, target.container),
    path: path.startsWith('/') ? path : `/${path}`,
    headers: [...headers, ...(has('user-agent') ? [] : [['User-Agent', userAgent] as const]), ...(has('accept') ? [] : [['Accept', '*/*'] as const])],
  };
}

/** One try of a probe. Never rejects for what the container does: that is the result. Upstream: kubelet/prober/prober.go. */
export async function runProbe(probe: Probe, target: ProbeTarget, runtime: CriRuntime, network: ProbeNetwork): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds || 1) * 1000;
  try {
    if (probe.exec) return await execProbe(probe.exec.command ?? [], target, runtime, timeoutMs);
    if (probe.httpGet) return await httpProbe(httpAction(probe.httpGet, target), network, timeoutMs);
    if (probe.tcpSocket) {
      await network.tcp(probe.tcpSocket.host || target.podIp, resolvePort(probe.tcpSocket.port, target.container), timeoutMs);
      return { success: true, output: '' };
    }
    if (probe.grpc) {
      const status = await network.grpc(target.podIp, probe.grpc.port, probe.grpc.service ?? '', timeoutMs);
      return status === 'SERVING' ? { success: true, output: '' } : { success: false, output: `service unhealthy (responded with "${status}")` };
    }
    return { success: false, output: 'missing probe handler' };
  } catch (error) {
    return { success: false, output: (error as Error).message, ...((isRuntimeError(error) || error instanceof UnknownPortError) && { errored: true }) };
  }
}

async function execProbe(command: readonly string[], target: ProbeTarget, runtime: CriRuntime, timeoutMs: number): Promise<ProbeResult> {
  try {
    const { stdout, stderr, exitCode } = await runtime.execSync(target.containerId, command, timeoutMs / 1000);
    return { success: exitCode === 0, output: Buffer.concat([stdout, stderr]).toString().slice(0, LONGEST_OUTPUT) };
  } catch (error) {
    if (isRuntimeError(error, 'DeadlineExceeded')) return { success: false, output: `command timed out: "${command.join(' ')}" timed out after ${timeoutMs / 1000}s` };
    throw error;
  }
}

async function httpProbe(action: HttpProbe, network: ProbeNetwork, timeoutMs: number): Promise<ProbeResult> {
  let next = action;
  for (let redirects = 0; redirects < 10; redirects++) {
    const { status, headers, body } = await network.http(next, timeoutMs);
    if (status >= 300 && status < 400 && headers.location) {
      const url = new URL(headers.location, `${next.scheme}://${next.host}:${next.port}${next.path}`);
      // Elsewhere is none of the pod's business: the redirect itself is the answer.
      if (url.hostname !== next.host) return { success: true, warning: true, output: `Probe terminated redirects, Response body: ${body}` };
      next = { ...next, scheme: url.protocol.slice(0, -1) as 'http' | 'https', port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)), path: url.pathname + url.search };
      continue;
    }
    return status >= 200 && status < 400 ? { success: true, output: body } : { success: false, output: `HTTP probe failed with statuscode: ${status}` };
  }
  return { success: false, output: 'stopped after 10 redirects' };
}

/** A postStart or preStop hook; rejects when it fails. Upstream: kubelet/lifecycle/handlers.go. */
export async function runHook(
  handler: LifecycleHandler, target: ProbeTarget, runtime: CriRuntime, network: ProbeNetwork, sleep: (milliseconds: number) => Promise<void>,
): Promise<void> {
  if (handler.exec) {
    const command = handler.exec.command ?? [];
    const { exitCode, stdout, stderr } = await runtime.execSync(target.containerId, command, 0);
    if (exitCode !== 0) throw new Error(`command '${command.join(' ')}' exited with ${exitCode}: ${Buffer.concat([stdout, stderr]).toString().slice(0, 1024)}`);
  } else if (handler.httpGet) {
    const { status } = await network.http(httpAction(handler.httpGet, target, 'kube-lifecycle/1.36'), 30_000);
    if (status >= 400) throw new Error(`HTTP hook failed with statuscode: ${status}`);
  } else if (handler.sleep) {
    await sleep(handler.sleep.seconds * 1000);
  }
}
