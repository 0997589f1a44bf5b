/** Upstream: ValidatePodCreate, ValidatePodStatusUpdate. */
import { fieldError } from '../../errors.ts';
import type { ContainerStatus, Pod, PodSpec } from '../../generated/core-v1.ts';
import { dnsSubdomain, formatErrors, immutable, qualifiedName, type FieldErrors } from '../fields.ts';
import { ipFaults } from '../formats.ts';
import { trimmedImage } from './containers.ts';
import { podSpecErrors } from './pod-spec.ts';

export { podUpdateErrors } from './pod-update.ts';

/** Checks a pod, new or changed. */
export function* podErrors(pod: Pod): FieldErrors {
  const { spec } = pod;
  yield* podSpecErrors('spec', spec, pod.metadata);
  if (!spec.serviceAccountName) {
    for (const [i, volume] of (spec.volumes ?? []).entries()) {
      for (const [j, source] of (volume.projected?.sources ?? []).entries()) {
        if (source.serviceAccountToken) {
          yield fieldError.forbidden(`spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`, 'must not be specified when serviceAccountName is not set');
        }
      }
    }
  }
  for (const list of ['containers', 'initContainers'] as const) for (const [i, { image }] of (spec[list] ?? []).entries()) yield* trimmedImage(`spec.${list}[${i}]`, image);
}

/** Checks a pod at creation only. */
export function* podCreateErrors(pod: Pod): FieldErrors {
  if (pod.spec.ephemeralContainers?.length) yield fieldError.forbidden('spec.ephemeralContainers', 'cannot be set on create');
  if (pod.spec.nodeName && pod.spec.schedulingGates?.length) yield fieldError.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared');
}

export function* podStatusUpdateErrors(next: Pod, previous: Pod): FieldErrors {
  const status = next.status ?? {};
  const before = previous.status ?? {};
  for (const [i, condition] of (status.conditions ?? []).entries()) {
    if ((condition.observedGeneration ?? 0) < 0) yield fieldError.invalid(`status.conditions[${i}].observedGeneration`, condition.observedGeneration, 'must be a non-negative integer');
    if (!knownConditions.has(condition.type)) yield* qualifiedName(`status.conditions[${i}].type`, condition.type);
  }
  const nominated = status.nominatedNodeName;
  if (nominated && nominated !== before.nominatedNodeName) {
    yield* dnsSubdomain('status.nominatedNodeName', nominated);
    if (previous.spec.nodeName) yield fieldError.forbidden('status.nominatedNodeName', 'may not be set on pods that are already bound to a node');
  }
  yield* immutable('status.qosClass', status.qosClass ?? '', before.qosClass ?? '');
  yield* stateTransitionErrors('status.containerStatuses', status.containerStatuses, before.containerStatuses, previous.spec);
  yield* stateTransitionErrors('status.initContainerStatuses', status.initContainerStatuses, before.initContainerStatuses, previous.spec);
  yield* addressErrors('status.podIPs', status.podIPs ?? []);
  const hostAddresses = status.hostIPs ?? [];
  if (hostAddresses[0] && hostAddresses[0].ip !== status.hostIP) yield fieldError.invalid('status.hostIPs[0].ip', hostAddresses[0].ip, 'must be equal to `hostIP`');
  yield* addressErrors('status.hostIPs', hostAddresses);
}

/** At most one address of each family. */
function* addressErrors(path: string, addresses: readonly { readonly ip: string }[]): FieldErrors {
  for (const [i, { ip }] of addresses.entries()) yield* formatErrors(`${path}[${i}]`, ip, ipFaults(ip));
  const families = new Set(addresses.map(({ ip }) => ip.includes(':')));
  if (addresses.length > 1 && families.size !== addresses.length) yield fieldError.invalid(path, addresses, 'may specify no more than one IP for each IP family');
}

const knownConditions = new Set(['PodScheduled', 'Ready', 'Initialized']);

/** A container that ended and may not restart stays ended. */
function* stateTransitionErrors(path: string, next: readonly ContainerStatus[] = [], previous: readonly ContainerStatus[] = [], spec: PodSpec): FieldErrors {
  // The end of one may have all of them begin anew, whatever their own policies.
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  if (all.some(({ restartPolicyRules = [] }) => restartPolicyRules.some(({ action }) => action === 'RestartAllContainers'))) return;
  for (const [i, { name, state }] of previous.entries()) {
    if (!state?.terminated) continue;
    const container = all.find((one) => one.name === name);
    const mayRestart = container?.restartPolicyRules?.length || restarts(container?.restartPolicy ?? spec.restartPolicy, state.terminated.exitCode);
    if (mayRestart) continue;
    const after = next.find((status) => status.name === name);
    if (after && !after.state?.terminated) yield fieldError.forbidden(`${path}[${i}].state`, 'may not be transitioned to non-terminated state');
  }
}

const restarts = (policy: string | undefined, exitCode: number): boolean => policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
