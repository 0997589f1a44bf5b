/** Upstream: validateContainers, validateInitContainers, validateEphemeralContainers. */
import { fieldError } from '../../errors.ts';
import type { Container, ContainerPort, EphemeralContainer, PodSpec } from '../../generated/core-v1.ts';
import { isPortName, isPortNumber } from '../../names.ts';
import { isSidecar } from '../../pod/conditions.ts';
import { dnsLabel, formatErrors, oneOf, oneOfIfAny, type FieldErrors } from '../fields.ts';
import { requirementErrors } from '../resources.ts';
import { portProtocols } from '../service.ts';
import { envErrors, envFromErrors } from './env.ts';
import { hostPortConflicts, lifecycleErrors } from './handlers.ts';
import { deviceErrors, mountErrors, type VolumesByName } from './mounts.ts';
import { containerSecurityErrors } from './security-context.ts';

export function* containersErrors(path: string, spec: PodSpec, volumes: VolumesByName): FieldErrors {
  const containers = spec.containers ?? [];
  if (containers.length === 0) yield fieldError.required(`${path}.containers`);
  const names = new Set<string>();
  for (const [i, container] of containers.entries()) {
    const at = `${path}.containers[${i}]`;
    yield* commonErrors(at, container, spec, volumes);
    yield* uniqueName(at, container.name, names);
    yield* lifecycleErrors(at, container, spec.terminationGracePeriodSeconds);
    yield* restartErrors(at, container);
  }
  yield* hostPortConflicts(`${path}.containers`, containers);
  yield* initContainersErrors(`${path}.initContainers`, spec, volumes, names);
  yield* ephemeralContainersErrors(`${path}.ephemeralContainers`, spec, volumes, names);
}

function* initContainersErrors(path: string, spec: PodSpec, volumes: VolumesByName, names: Set<string>): FieldErrors {
  for (const [i, container] of (spec.initContainers ?? []).entries()) {
    const at = `${path}[${i}]`;
    yield* commonErrors(at, container, spec, volumes);
    yield* restartErrors(at, container);
    yield* uniqueName(at, container.name, names);
    // Init containers run one after another: each is checked against itself alone.
    yield* hostPortConflicts(path, [container]);
    if (isSidecar(container)) {
      yield* lifecycleErrors(at, container, spec.terminationGracePeriodSeconds);
      continue;
    }
    for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (container[field]) yield fieldError.forbidden(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always');
    }
    for (const [j, policy] of (container.resizePolicy ?? []).entries()) {
      if (policy.restartPolicy === 'RestartContainer') {
        yield fieldError.invalid(`${at}.resizePolicy[${j}].restartPolicy`, policy.restartPolicy, "must not be set to 'RestartContainer' for non-sidecar initContainers");
      }
    }
  }
}

/** What an ephemeral container may have. */
const ephemeralFields = new Set([
  'name', 'image', 'command', 'args', 'workingDir', 'env', 'envFrom', 'volumeMounts', 'volumeDevices', 'terminationMessagePath', 'terminationMessagePolicy',
  'imagePullPolicy', 'securityContext', 'stdin', 'stdinOnce', 'tty', 'targetContainerName',
]);

function* ephemeralContainersErrors(path: string, spec: PodSpec, volumes: VolumesByName, names: Set<string>): FieldErrors {
  const others = new Set(names);
  for (const [i, container] of (spec.ephemeralContainers ?? []).entries()) {
    const at = `${path}[${i}]`;
    yield* commonErrors(at, container, spec, volumes);
    yield* trimmedImage(at, container.image);
    yield* uniqueName(at, container.name, names);
    if (container.targetContainerName && !others.has(container.targetContainerName)) yield fieldError.notFound(`${at}.targetContainerName`, container.targetContainerName);
    for (const [field, value] of Object.entries(container)) {
      if (!ephemeralFields.has(field) && !isEmptyObject(value)) yield fieldError.forbidden(`${at}.${field}`, 'cannot be set for an Ephemeral Container');
    }
    for (const [j, mount] of (container.volumeMounts ?? []).entries()) {
      for (const field of ['subPath', 'subPathExpr'] as const) {
        if (mount[field]) yield fieldError.forbidden(`${at}.volumeMounts[${j}].${field}`, 'cannot be set for an Ephemeral Container');
      }
    }
  }
}

const isEmptyObject = (value: unknown): boolean => value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

function* uniqueName(path: string, name: string, names: Set<string>): FieldErrors {
  if (!name) return;
  if (names.has(name)) yield fieldError.duplicate(`${path}.name`, name);
  names.add(name);
}

function* commonErrors(path: string, container: Container | EphemeralContainer, spec: PodSpec, volumes: VolumesByName): FieldErrors {
  if (!container.name) yield fieldError.required(`${path}.name`);
  else yield* dnsLabel(`${path}.name`, container.name);
  if (!container.image) yield fieldError.required(`${path}.image`);
  yield* oneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, ['File', 'FallbackToLogsOnError']);
  yield* portErrors(`${path}.ports`, container.ports ?? []);
  yield* envErrors(`${path}.env`, container.env ?? []);
  yield* envFromErrors(`${path}.envFrom`, container.envFrom ?? []);
  yield* mountErrors(`${path}.volumeMounts`, container, volumes);
  yield* deviceErrors(`${path}.volumeDevices`, container, volumes);
  yield* oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']);
  yield* requirementErrors(`${path}.resources`, container.resources);
  yield* claimErrors(`${path}.resources.claims`, container, spec);
  yield* resizeErrors(`${path}.resizePolicy`, container, spec.restartPolicy);
  yield* containerSecurityErrors(`${path}.securityContext`, container.securityContext, spec.hostUsers ?? true);
}

function* portErrors(path: string, ports: readonly ContainerPort[]): FieldErrors {
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const at = `${path}[${i}]`;
    if (port.name) {
      const faults = isPortName(port.name);
      yield* formatErrors(`${at}.name`, port.name, faults);
      if (faults.length === 0 && names.has(port.name)) yield fieldError.duplicate(`${at}.name`, port.name);
      names.add(port.name);
    }
    if (!port.containerPort) yield fieldError.required(`${at}.containerPort`);
    else yield* formatErrors(`${at}.containerPort`, port.containerPort, isPortNumber(port.containerPort));
    if (port.hostPort) yield* formatErrors(`${at}.hostPort`, port.hostPort, isPortNumber(port.hostPort));
    yield* oneOf(`${at}.protocol`, port.protocol, portProtocols);
  }
}

function* claimErrors(path: string, container: Container, spec: PodSpec): FieldErrors {
  const known = new Set((spec.resourceClaims ?? []).map((claim) => claim.name));
  const used = new Set<string>();
  for (const [i, { name, request = '' }] of (container.resources?.claims ?? []).entries()) {
    const key = request ? `${name}/${request}` : name;
    if (!name) yield fieldError.required(`${path}[${i}]`);
    else if (used.has(key)) yield fieldError.duplicate(`${path}[${i}]`, name);
    else if (!known.has(name)) {
      const fault = fieldError.notFound(`${path}[${i}]`, name);
      yield { ...fault, message: `${fault.message}: must be one of the names in pod.spec.resourceClaims${known.size === 0 ? ' which is empty' : `: ${[...known].sort().join(', ')}`}` };
    }
    used.add(key);
  }
}

function* resizeErrors(path: string, container: Container, podRestartPolicy: string | undefined): FieldErrors {
  const seen = new Set<string>();
  for (const [i, { resourceName, restartPolicy }] of (container.resizePolicy ?? []).entries()) {
    if (seen.has(resourceName)) yield fieldError.duplicate(`${path}[${i}]`, resourceName);
    seen.add(resourceName);
    yield* oneOf(path, resourceName, ['cpu', 'memory']);
    yield* oneOf(path, restartPolicy, ['NotRequired', 'RestartContainer']);
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      yield fieldError.invalid(path, restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
    }
  }
}

function* restartErrors(path: string, container: Container): FieldErrors {
  const rules = container.restartPolicyRules ?? [];
  if (container.restartPolicy === undefined) {
    if (rules.length) yield fieldError.required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used');
  } else {
    yield* oneOfIfAny(`${path}.restartPolicy`, container.restartPolicy, ['Always', 'Never', 'OnFailure']);
  }
  if (rules.length > 20) yield fieldError.tooMany(`${path}.restartPolicyRules`, rules.length, 20);
  for (const [i, rule] of rules.entries()) {
    const at = `${path}.restartPolicyRules[${i}]`;
    yield* oneOfIfAny(`${at}.action`, rule.action, ['Restart', 'RestartAllContainers']);
    if (!rule.exitCodes) {
      yield fieldError.required(`${at}.exitCodes`, 'must be specified');
      continue;
    }
    yield* oneOfIfAny(`${at}.exitCodes.operator`, rule.exitCodes.operator, ['In', 'NotIn']);
    const values = rule.exitCodes.values ?? [];
    if (values.length > 255) yield fieldError.tooMany(`${at}.exitCodes.values`, values.length, 255);
  }
}

/** Only of pods, not of templates: templates of old may have such images. */
export function* trimmedImage(path: string, image = ''): FieldErrors {
  if (image.trim() !== image) yield fieldError.invalid(`${path}.image`, image, 'must not have leading or trailing whitespace');
}
