/** Probes and lifecycle hooks, and the actions that they take. Upstream: validateProbe, validateHandler, validateLifecycle. */
import { fieldError } from '../../errors.ts';
import type { Container, ContainerPort, HTTPGetAction, Lifecycle, LifecycleHandler, Probe, ProbeHandler } from '../../generated/core-v1.ts';
import { isHttpHeaderName } from '../../names.ts';
import { formatErrors, nonNegative, portNumberOrName, type FieldErrors } from '../fields.ts';

type Handler = ProbeHandler & LifecycleHandler;

/** The probes and hooks of a container that lives as long as its pod. */
export function* lifecycleErrors(path: string, container: Container, graceSeconds: number | undefined): FieldErrors {
  if (container.lifecycle) yield* hookErrors(`${path}.lifecycle`, container.lifecycle, graceSeconds);
  yield* probeErrors(`${path}.livenessProbe`, container.livenessProbe, graceSeconds, true);
  yield* probeErrors(`${path}.readinessProbe`, container.readinessProbe, graceSeconds, false);
  if (container.readinessProbe?.terminationGracePeriodSeconds !== undefined) {
    yield fieldError.invalid(`${path}.readinessProbe.terminationGracePeriodSeconds`, container.readinessProbe.terminationGracePeriodSeconds, 'must not be set for readinessProbes');
  }
  yield* probeErrors(`${path}.startupProbe`, container.startupProbe, graceSeconds, true);
}

function* probeErrors(path: string, probe: Probe | undefined, graceSeconds: number | undefined, oneSuccess: boolean): FieldErrors {
  if (!probe) return;
  yield* handlerErrors(path, probe, graceSeconds);
  for (const field of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const) yield* nonNegative(`${path}.${field}`, probe[field]);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) yield fieldError.invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0');
  if (oneSuccess && probe.successThreshold !== 1) yield fieldError.invalid(`${path}.successThreshold`, probe.successThreshold ?? 0, 'must be 1');
}

function* hookErrors(path: string, lifecycle: Lifecycle, graceSeconds: number | undefined): FieldErrors {
  for (const hook of ['postStart', 'preStop'] as const) if (lifecycle[hook]) yield* handlerErrors(`${path}.${hook}`, lifecycle[hook], graceSeconds);
}

function* handlerErrors(path: string, handler: Handler, graceSeconds: number | undefined): FieldErrors {
  let found = false;
  for (const field of ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const) {
    if (!handler[field]) continue;
    if (found) yield fieldError.forbidden(`${path}.${field}`, 'may not specify more than 1 handler type');
    else yield* actionErrors(`${path}.${field}`, field, handler, graceSeconds);
    found = true;
  }
  if (!found) yield fieldError.required(path, 'must specify a handler type');
}

function* actionErrors(path: string, field: keyof Handler, handler: Handler, graceSeconds: number | undefined): FieldErrors {
  switch (field) {
    case 'exec':
      if (!handler.exec?.command?.length) yield fieldError.required(`${path}.command`);
      return;
    case 'httpGet':
      return yield* httpErrors(path, handler.httpGet!);
    case 'tcpSocket':
      return yield* portNumberOrName(`${path}.port`, handler.tcpSocket?.port);
    case 'grpc':
      return yield* portNumberOrName(`${path}.port`, handler.grpc?.port);
    case 'sleep': {
      const seconds = handler.sleep!.seconds;
      if (graceSeconds !== undefined && (seconds < 0 || seconds > graceSeconds)) {
        yield fieldError.invalid(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`);
      }
    }
  }
}

function* httpErrors(path: string, { path: url, port, scheme, httpHeaders = [] }: HTTPGetAction): FieldErrors {
  if (!url) yield fieldError.required(`${path}.path`);
  yield* portNumberOrName(`${path}.port`, port);
  if (scheme !== 'HTTP' && scheme !== 'HTTPS') yield fieldError.notSupported(`${path}.scheme`, scheme ?? '', ['HTTP', 'HTTPS']);
  for (const { name } of httpHeaders) yield* formatErrors(`${path}.httpHeaders`, name, isHttpHeaderName(name));
}

/** Two containers may not take the same port of the host. `path` is the list's. */
export function* hostPortConflicts(path: string, containers: readonly Container[]): FieldErrors {
  const taken = new Set<string>();
  const key = ({ hostIP, hostPort, protocol }: ContainerPort): string => `${protocol}/${hostIP || '0.0.0.0'}/${hostPort}`;
  for (const [i, container] of containers.entries()) {
    for (const [j, port] of (container.ports ?? []).entries()) {
      if (!port.hostPort) continue;
      if (taken.has(key(port))) yield fieldError.duplicate(`${path}[${i}].ports[${j}].hostPort`, key(port));
      taken.add(key(port));
    }
  }
}
