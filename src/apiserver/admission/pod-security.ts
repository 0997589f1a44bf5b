import { fieldError, invalid, type FieldError } from '../../api/errors.ts';
import type { Namespace, Pod, PodSpec, PodTemplateSpec } from '../../api/generated/core-v1.ts';
import { namespaces, pods } from '../../api/generated/resources.ts';
import type { KubeObject } from '../../api/object.ts';
import { concerns, refused } from './admission-fault.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import { defaultAdmissionConfiguration, type PodSecurityConfiguration, type PodSecurityStandard } from './admission-configuration.ts';
import type { AdmissionServices } from './admission-services.ts';
import { LEVELS, podSecurityViolations, type CheckedPod, type PodSecurityLevel, type Violation } from './pod-security-checks.ts';

const LABEL = 'pod-security.kubernetes.io/';
const MAX_PODS = 3000;
const MODES = ['enforce', 'audit', 'warn'] as const;

export interface PodSecurityPolicy {
  readonly enforce: PodSecurityStandard;
  readonly warn: PodSecurityStandard;
  readonly audit: PodSecurityStandard;
  readonly errors: readonly FieldError[];
}

/**
 * Holds the pods of a namespace to the Pod Security Standard that its labels name: refuses (enforce), warns of templates (warn), and
 * notes in the audit event (audit). Upstream: pod-security-admission/admission.
 */
export function podSecurity({ objects, configuration: { podSecurity: { defaults, exemptions } } }: AdmissionServices): AdmissionPlugin {
  const policyOf = (namespace: string): PodSecurityPolicy => readPolicy(objects.get(namespaces, { name: namespace })?.metadata.labels, defaults);
  const exemptionOf = ({ namespace, context: { user } }: AdmissionAttributes, { runtimeClassName }: PodSpec): string | undefined => {
    if (exemptions.namespaces.includes(namespace)) return 'namespace';
    if (exemptions.usernames.includes(user.name)) return 'user';
    return runtimeClassName !== undefined && exemptions.runtimeClasses.includes(runtimeClassName) ? 'runtimeClass' : undefined;
  };

  const evaluate = (attributes: AdmissionAttributes, policy: PodSecurityPolicy, pod: CheckedPod, enforce: boolean): void => {
    const { audit } = attributes.context;
    const exemption = exemptionOf(attributes, pod.spec);
    if (exemption !== undefined) return audit?.annotate(`${LABEL}exempt`, exemption);
    if (policy.errors.length > 0) audit?.annotate(`${LABEL}error`, `Failed to parse policy: ${aggregated(policy.errors)}`);
    if (enforce) audit?.annotate(`${LABEL}enforce-policy`, textOf(policy.enforce));
    const noted = audit ? podSecurityViolations(policy.audit, pod) : [];
    if (noted.length) audit!.annotate(`${LABEL}audit-violations`, `would violate PodSecurity ${JSON.stringify(textOf(policy.audit))}: ${told(noted)}`);
    if (enforce) {
      const violations = podSecurityViolations(policy.enforce, pod);
      if (violations.length) throw refused(attributes, `violates PodSecurity ${JSON.stringify(textOf(policy.enforce))}: ${told(violations)}`);
    }
    const warned = podSecurityViolations(policy.warn, pod);
    if (warned.length) attributes.context.warn(`would violate PodSecurity ${JSON.stringify(textOf(policy.warn))}: ${told(warned)}`);
  };

  const checkNamespace = (attributes: AdmissionAttributes): void => {
    const [next, old] = [attributes.object as Namespace, attributes.oldObject as Namespace | undefined];
    const policy = readPolicy(next.metadata.labels, defaults);
    const before = old && readPolicy(old.metadata.labels, defaults);
    if (policy.errors.length && JSON.stringify(policy.errors) !== JSON.stringify(before?.errors)) throw invalid(namespaces, next.metadata.name, policy.errors);
    const ignored = exemptions.namespaces.includes(next.metadata.name);
    if (!before) {
      if (ignored) warnOfExemption(attributes, policy);
      return;
    }
    if (textOf(policy.enforce) === textOf(before.enforce) || policy.enforce.level === 'privileged') return;
    if (policy.enforce.version === before.enforce.version && LEVELS.indexOf(policy.enforce.level) < LEVELS.indexOf(before.enforce.level)) return;
    if (ignored) return warnOfExemption(attributes, policy);
    const checked = objects.list(pods, next.metadata.name).filter(({ spec: { runtimeClassName } }) => runtimeClassName === undefined || !exemptions.runtimeClasses.includes(runtimeClassName));
    for (const text of violatingPods(checked, next.metadata.name, policy.enforce)) attributes.context.warn(text);
  };

  /** Whoever asks for a policy where it has no effect is told so. */
  const warnOfExemption = ({ object, context }: AdmissionAttributes, policy: PodSecurityPolicy): void => {
    if (MODES.every((mode) => textOf(policy[mode]) === textOf(defaults[mode]))) return;
    const { name, labels = {} } = (object as Namespace).metadata;
    const asked = MODES.filter((mode) => policy[mode].level !== 'privileged' && (labels[LABEL + mode] !== undefined || labels[`${LABEL}${mode}-version`] !== undefined));
    if (asked.length > 0) context.warn(`namespace ${JSON.stringify(name)} is exempt from Pod Security, and the policy (${asked.map((mode) => `${mode}=${textOf(policy[mode])}`).join(', ')}) will be ignored`);
  };

  return {
    name: 'PodSecurity',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    validate(attributes) {
      const { operation, resource, subresource, namespace, object, oldObject } = attributes;
      if (concerns(attributes, '', 'namespaces')) return checkNamespace(attributes);
      if (!namespace || !object) return;
      if (resource.group === '' && resource.resource === 'pods') {
        if (subresource !== '' && subresource !== 'ephemeralcontainers' && subresource !== 'resize') return;
        const policy = policyOf(namespace);
        if (policy.enforce.level === 'privileged' && policy.warn.level === 'privileged' && !attributes.context.audit) return;
        const pod = object as Pod;
        if (operation === 'UPDATE' && !isSignificant(pod, oldObject as Pod)) return;
        return evaluate(attributes, policy, { annotations: pod.metadata.annotations ?? {}, spec: pod.spec }, true);
      }
      if (subresource !== '') return;
      const template = templateOf(object);
      if (!template?.spec) return;
      const policy = policyOf(namespace);
      if (policy.warn.level !== 'privileged' || attributes.context.audit) evaluate(attributes, policy, { annotations: template.metadata?.annotations ?? {}, spec: template.spec }, false);
    },
  };
}

const textOf = ({ level, version }: PodSecurityStandard): string => `${level}:${version}`;
/** Several faults as one text. */
const aggregated = (errors: readonly FieldError[]): string => {
  const texts = errors.map(({ field, message }) => `${field}: ${message}`);
  return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
};
const told = (violations: readonly Violation[]): string => violations.map(({ reason, detail }) => (detail ? `${reason} (${detail})` : reason)).join(', ');

/** What a namespace's labels ask for. A wrong level enforces the strictest; where there is no label, the defaults hold. */
export function readPolicy(labels: Readonly<Record<string, string>> = {}, defaults: PodSecurityConfiguration['defaults'] = defaultAdmissionConfiguration.podSecurity.defaults): PodSecurityPolicy {
  const errors: FieldError[] = [];
  const standard = (mode: 'enforce' | 'audit' | 'warn', whenWrong: PodSecurityLevel): PodSecurityStandard & { readonly set: boolean; readonly valid: boolean; readonly versioned: boolean } => {
    const [level, version] = [labels[LABEL + mode], labels[`${LABEL}${mode}-version`]];
    const valid = level === undefined || LEVELS.includes(level as PodSecurityLevel);
    if (!valid) errors.push(fieldError.invalid(`metadata.labels[${LABEL}${mode}]`, level, `must be one of ${LEVELS.join(', ')}`));
    const versionValid = version === undefined || version === 'latest' || /^v1\.(0|[1-9]\d*)$/.test(version);
    if (!versionValid) errors.push(fieldError.invalid(`metadata.labels[${LABEL}${mode}-version]`, version, 'must be "latest" or "v1.x"'));
    return {
      level: level === undefined ? defaults[mode].level : valid ? (level as PodSecurityLevel) : whenWrong, version: versionValid ? (version ?? defaults[mode].version) : 'latest',
      set: level !== undefined, valid, versioned: version !== undefined,
    };
  };
  const enforce = standard('enforce', 'restricted');
  const audit = standard('audit', 'privileged');
  let warn: PodSecurityStandard & { readonly set: boolean; readonly versioned: boolean } = standard('warn', 'privileged');
  // Who enforces wants to be warned of what will not run.
  if (!warn.set && enforce.set && enforce.valid && LEVELS.indexOf(enforce.level) > LEVELS.indexOf(warn.level)) warn = { ...warn, level: enforce.level, version: warn.versioned ? warn.version : enforce.version };
  return { enforce: { level: enforce.level, version: enforce.version }, warn: { level: warn.level, version: warn.version }, audit: { level: audit.level, version: audit.version }, errors };
}

/** Only what could make a pod more powerful is looked at again on an update: another image, another container. */
function isSignificant(pod: Pod, old: Pod): boolean {
  const images = ({ spec }: Pod): string => JSON.stringify([spec.containers.map((c) => c.image), (spec.initContainers ?? []).map((c) => c.image)]);
  if (images(pod) !== images(old)) return true;
  const before = new Map((old.spec.ephemeralContainers ?? []).map((c) => [c.name, c.image]));
  return (pod.spec.ephemeralContainers ?? []).some((c) => !before.has(c.name) || before.get(c.name) !== c.image);
}

const TEMPLATED = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicationController']);

function templateOf(object: KubeObject): PodTemplateSpec | undefined {
  const { spec, template } = object as { spec?: { template?: PodTemplateSpec; jobTemplate?: { spec?: { template?: PodTemplateSpec } } }; template?: PodTemplateSpec };
  if (TEMPLATED.has(object.kind)) return spec?.template;
  return object.kind === 'CronJob' ? spec?.jobTemplate?.spec?.template : object.kind === 'PodTemplate' ? template : undefined;
}

/** Pods of which one of each controller comes first: its twins are much the same. */
function oneOfEachFirst(all: readonly Pod[]): readonly Pod[] {
  const seen = new Set<string>();
  const twins: Pod[] = [];
  const first = all.filter((pod) => {
    const uid = pod.metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
    if (uid === undefined || !seen.has(uid)) return uid === undefined || !!seen.add(uid);
    twins.push(pod);
    return false;
  });
  return [...first, ...twins];
}

function violatingPods(all: readonly Pod[], namespace: string, standard: PodSecurityStandard): readonly string[] {
  const byReasons = new Map<string, string[]>();
  for (const pod of oneOfEachFirst(all).slice(0, MAX_PODS)) {
    const reasons = podSecurityViolations(standard, { annotations: pod.metadata.annotations ?? {}, spec: pod.spec }).map((violation) => violation.reason).join(', ');
    if (reasons) byReasons.set(reasons, [...(byReasons.get(reasons) ?? []), pod.metadata.name]);
  }
  const lines = [...byReasons].map(([reasons, names]) => {
    const more = names.length - 1;
    return `${names.sort()[0]}${more ? ` (and ${more} other ${more === 1 ? 'pod' : 'pods'})` : ''}: ${reasons}`;
  }).sort();
  return [
    ...(all.length > MAX_PODS ? [`new PodSecurity enforce level only checked against the first ${MAX_PODS} of ${all.length} existing pods`] : []),
    ...(lines.length ? [`existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(textOf(standard))}`] : []),
    ...lines,
  ];
}
