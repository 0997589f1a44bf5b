/** Upstream: ValidatePodSpec. */
import { fieldError } from '../../errors.ts';
import type { Container, PodSpec } from '../../generated/core-v1.ts';
import type { ObjectMeta } from '../../generated/meta-v1.ts';
import { dnsSubdomain, formatErrors, labels, oneOf, qualifiedName, type FieldErrors } from '../fields.ts';
import { rangeFaults } from '../formats.ts';
import { requirementErrors } from '../resources.ts';
import { containersErrors } from './containers.ts';
import { dnsErrors, hostNameErrors } from './dns.ts';
import { affinityErrors, gateErrors, spreadErrors } from './placement.ts';
import { podResourceErrors, resourceClaimErrors } from './pod-resources.ts';
import { podSecurityErrors } from './security-context.ts';
import { tolerationErrors } from './tolerations.ts';
import { checkVolumes } from './volumes.ts';

/** What is wrong with the spec of a pod or of a template. `metadata` is the pod's own, undefined for a template. */
export function* podSpecErrors(path: string, spec: PodSpec, metadata: ObjectMeta | undefined): FieldErrors {
  if (spec.terminationGracePeriodSeconds === undefined) yield fieldError.required(`${path}.terminationGracePeriodSeconds`);
  const volumes = checkVolumes(`${path}.volumes`, spec.volumes ?? [], metadata);
  yield* volumes.errors;
  yield* resourceClaimErrors(`${path}.resourceClaims`, spec.resourceClaims ?? []);
  yield* containersErrors(path, spec, volumes.usable);
  yield* podResourceErrors(path, spec);
  yield* hostNetworkErrors(path, spec, metadata !== undefined);
  yield* oneOf(`${path}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']);
  yield* oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']);
  yield* labels(`${path}.nodeSelector`, spec.nodeSelector);
  yield* podSecurityErrors(path, spec);
  if (spec.affinity) yield* affinityErrors(`${path}.affinity`, spec.affinity);
  yield* dnsErrors(path, spec);
  for (const [i, { conditionType }] of (spec.readinessGates ?? []).entries()) yield* qualifiedName(`${path}.readinessGates[${i}].conditionType`, conditionType);
  yield* gateErrors(`${path}.schedulingGates`, spec.schedulingGates ?? []);
  yield* spreadErrors(`${path}.topologySpreadConstraints`, spec.topologySpreadConstraints ?? []);
  yield* hostNameErrors(path, spec);
  for (const field of ['serviceAccountName', 'nodeName', 'priorityClassName'] as const) if (spec[field]) yield* dnsSubdomain(`${path}.${field}`, spec[field]);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined) yield* formatErrors(`${path}.activeDeadlineSeconds`, deadline, rangeFaults(deadline, 1, 2147483647));
  yield* tolerationErrors(`${path}.tolerations`, spec.tolerations ?? []);
  if (spec.runtimeClassName !== undefined) yield* dnsSubdomain(`${path}.runtimeClassName`, spec.runtimeClassName);
  if (spec.preemptionPolicy !== undefined) yield* oneOf(`${path}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never']);
  if (spec.overhead) yield* requirementErrors(`${path}.overhead`, { limits: spec.overhead });
  if (spec.os) yield* osErrors(path, spec, spec.os.name);
  yield* fileKeyErrors(path, spec);
}

function* hostNetworkErrors(path: string, spec: PodSpec, isPod: boolean): FieldErrors {
  if (!spec.hostNetwork) return;
  for (const [i, { ports = [] }] of spec.containers.entries()) {
    for (const [j, { hostPort = 0, containerPort }] of ports.entries()) {
      if ((isPod || hostPort !== 0) && hostPort !== containerPort) {
        yield fieldError.invalid(`${path}.containers[${i}].ports[${j}].hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true');
      }
    }
  }
}

type Placed = readonly [path: string, container: Container];

function containersOf(path: string, spec: PodSpec): readonly Placed[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    ((spec[list] ?? []) as readonly Container[]).map((container, i): Placed => [`${path}.${list}[${i}]`, container]));
}

const podFieldsOfLinux = ['hostUsers', 'hostPID', 'hostIPC', 'shareProcessNamespace'] as const;
const contextFieldsOfLinux = ['appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'fsGroup', 'fsGroupChangePolicy', 'sysctls', 'runAsUser', 'runAsGroup', 'supplementalGroups'] as const;

/** What the named operating system has no use for. */
function* osErrors(path: string, spec: PodSpec, name: string): FieldErrors {
  if (!name) {
    yield fieldError.required(`${path}.os.name`);
  } else if (name === 'linux') {
    const contexts = [[path, spec] as const, ...containersOf(path, spec)];
    for (const [at, { securityContext }] of contexts) {
      if (securityContext?.windowsOptions) yield fieldError.forbidden(`${at}.securityContext.windowsOptions`, 'windows options cannot be set for a linux pod');
    }
  } else if (name === 'windows') {
    for (const field of podFieldsOfLinux) if (spec[field] !== undefined && spec[field] !== false) yield fieldError.forbidden(`${path}.${field}`, 'cannot be set for a windows pod');
    for (const field of contextFieldsOfLinux) if (spec.securityContext?.[field] !== undefined) yield fieldError.forbidden(`${path}.securityContext.${field}`, 'cannot be set for a windows pod');
    for (const [at, { securityContext }] of containersOf(path, spec)) {
      for (const field of ['appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'capabilities', 'readOnlyRootFilesystem', 'privileged', 'allowPrivilegeEscalation', 'procMount', 'runAsUser', 'runAsGroup'] as const) {
        if (securityContext?.[field] !== undefined) yield fieldError.forbidden(`${at}.securityContext.${field}`, 'cannot be set for a windows pod');
      }
    }
  } else {
    yield fieldError.notSupported(`${path}.os`, name, ['linux', 'windows']);
  }
}

/** Variables out of a file: the file lies in an empty directory of the pod. */
function* fileKeyErrors(path: string, spec: PodSpec): FieldErrors {
  for (const [at, container] of containersOf(path, spec)) {
    for (const [i, { valueFrom }] of (container.env ?? []).entries()) {
      const name = valueFrom?.fileKeyRef?.volumeName;
      if (name === undefined) continue;
      const volume = spec.volumes?.find((one) => one.name === name);
      const field = `${at}.env[${i}].valueFrom.fileKeyRef.volumeName`;
      if (!volume) yield fieldError.notFound(field, name);
      else if (!volume.emptyDir) yield fieldError.invalid(field, name, 'referenced volume must be of type emptyDir');
    }
  }
}
