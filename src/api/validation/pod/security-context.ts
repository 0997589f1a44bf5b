/** Upstream: ValidateSecurityContext, validatePodSpecSecurityContext. */
import { fieldError } from '../../errors.ts';
import type { AppArmorProfile, PodSpec, SeccompProfile, SecurityContext } from '../../generated/core-v1.ts';
import { formatErrors, oneOf, oneOfIfAny, type FieldErrors } from '../fields.ts';
import { accountIdFaults } from '../formats.ts';
import { noStepsUp } from './mounts.ts';

export function* containerSecurityErrors(path: string, context: SecurityContext | undefined, hostUsers: boolean): FieldErrors {
  if (!context) return;
  yield* accountErrors(path, context, ['runAsUser', 'runAsGroup']);
  yield* oneOfIfAny(`${path}.procMount`, context.procMount, ['Default', 'Unmasked']);
  if (hostUsers && context.procMount === 'Unmasked') yield fieldError.invalid(`${path}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`');
  yield* seccompErrors(`${path}.seccompProfile`, context.seccompProfile);
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged) yield fieldError.invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true');
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      yield fieldError.invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN');
    }
  }
  yield* appArmorErrors(`${path}.appArmorProfile`, context.appArmorProfile);
}

function* accountErrors<C extends object>(path: string, context: C, fields: readonly (keyof C & string)[]): FieldErrors {
  for (const field of fields) {
    const id = context[field];
    if (typeof id === 'number') yield* formatErrors(`${path}.${field}`, id, accountIdFaults(id));
  }
}

function* seccompErrors(path: string, profile: SeccompProfile | undefined): FieldErrors {
  if (!profile) return;
  if (!profile.type) yield fieldError.required(`${path}.type`, 'type is required when seccompProfile is set');
  else yield* oneOf(`${path}.type`, profile.type, ['Localhost', 'RuntimeDefault', 'Unconfined']);
  if (profile.type !== 'Localhost') {
    if (profile.localhostProfile !== undefined) yield fieldError.invalid(`${path}.localhostProfile`, profile, 'can only be set when seccomp type is Localhost');
    return;
  }
  if (!profile.localhostProfile) yield fieldError.required(`${path}.localhostProfile`, 'must be set when seccomp type is Localhost');
  else if (profile.localhostProfile.startsWith('/')) yield fieldError.invalid(`${path}.localhostProfile`, profile.localhostProfile, 'must be a relative path');
  else yield* noStepsUp(`${path}.localhostProfile`, profile.localhostProfile);
}

function* appArmorErrors(path: string, profile: AppArmorProfile | undefined): FieldErrors {
  if (!profile) return;
  if (!profile.type) yield fieldError.required(`${path}.type`, 'type is required when appArmorProfile is set');
  else yield* oneOf(`${path}.type`, profile.type, ['Localhost', 'RuntimeDefault', 'Unconfined']);
  if (profile.type !== 'Localhost') {
    if (profile.localhostProfile !== undefined) yield fieldError.invalid(`${path}.localhostProfile`, profile.localhostProfile, 'can only be set when AppArmor type is Localhost');
    return;
  }
  if (!profile.localhostProfile) yield fieldError.required(`${path}.localhostProfile`, 'must be set when AppArmor type is Localhost');
  else if (profile.localhostProfile.trim() !== profile.localhostProfile) {
    yield fieldError.invalid(`${path}.localhostProfile`, profile.localhostProfile, 'must not be padded with whitespace');
  } else if (profile.localhostProfile.length > 4095) {
    yield fieldError.tooLong(`${path}.localhostProfile`, 4095);
  }
}

const safeName = /^[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*$/;

export function* podSecurityErrors(path: string, spec: PodSpec): FieldErrors {
  const context = spec.securityContext;
  const at = `${path}.securityContext`;
  if (context) {
    yield* accountErrors(at, context, ['fsGroup', 'runAsUser', 'runAsGroup']);
    for (const [i, group] of (context.supplementalGroups ?? []).entries()) yield* formatErrors(`${at}.supplementalGroups[${i}]`, group, accountIdFaults(group));
    const seen = new Set<string>();
    for (const [i, { name }] of (context.sysctls ?? []).entries()) {
      if (!name) yield fieldError.required(`${at}.sysctls[${i}].name`);
      else if (name.length > 253 || !safeName.test(name)) {
        yield fieldError.invalid(`${at}.sysctls[${i}].name`, name, sysctlMessage);
      } else if (seen.has(name)) {
        yield fieldError.duplicate(`${at}.sysctls[${i}].name`, name);
      }
      if (spec.hostNetwork && /^net[./]/.test(name)) yield fieldError.invalid(`${at}.sysctls[${i}].name`, name, "may not be specified when 'hostNetwork' is true");
      if (spec.hostIPC && isIpcSysctl(name)) yield fieldError.invalid(`${at}.sysctls[${i}].name`, name, "may not be specified when 'hostIPC' is true");
      seen.add(name);
    }
    yield* oneOfIfAny(`${at}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']);
    yield* oneOfIfAny(`${at}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']);
    yield* oneOfIfAny(`${at}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['Recursive']);
    yield* seccompErrors(`${at}.seccompProfile`, context.seccompProfile);
    yield* appArmorErrors(`${at}.appArmorProfile`, context.appArmorProfile);
  }
  if (spec.shareProcessNamespace && spec.hostPID) yield fieldError.invalid(`${path}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled');
  if (spec.hostUsers === false) {
    if (spec.hostPID) yield fieldError.forbidden(`${path}.HostPID`, 'when `hostUsers` is false');
    if (spec.hostIPC) yield fieldError.forbidden(`${path}.HostIPC`, 'when `hostUsers` is false');
    if (spec.hostNetwork) yield fieldError.forbidden(`${path}.hostNetwork`, 'when `hostUsers` is false');
  }
}

const isIpcSysctl = (name: string): boolean => /^(kernel[./](shm|msg|sem)|fs[./]mqueue[./])/.test(name);

const sysctlMessage = 'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
