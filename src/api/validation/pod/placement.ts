/** Where a pod may run: affinity, spreading, gates. Upstream: validateAffinity, validateTopologySpreadConstraints. */
import { fieldError } from '../../errors.ts';
import type { Affinity, PodAffinityTerm, PodSchedulingGate, TopologySpreadConstraint, WeightedPodAffinityTerm } from '../../generated/core-v1.ts';
import type { LabelSelector } from '../../generated/meta-v1.ts';
import { isDns1123Label } from '../../names.ts';
import { formatErrors, labelSelector, oneOfIfAny, qualifiedName, type FieldErrors } from '../fields.ts';
import { nodeSelectorErrors, nodeSelectorTermErrors } from './node-selector.ts';

const required = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';

export function* affinityErrors(path: string, affinity: Affinity): FieldErrors {
  const { nodeAffinity } = affinity;
  if (nodeAffinity?.[required]) yield* nodeSelectorErrors(`${path}.nodeAffinity.${required}`, nodeAffinity[required]);
  for (const [i, { weight, preference }] of (nodeAffinity?.[preferred] ?? []).entries()) {
    const at = `${path}.nodeAffinity.${preferred}[${i}]`;
    yield* weightErrors(at, weight);
    yield* nodeSelectorTermErrors(`${at}.preference`, preference ?? {});
  }
  for (const field of ['podAffinity', 'podAntiAffinity'] as const) {
    const both = affinity[field];
    for (const [i, term] of ((both?.[required] ?? []) as readonly PodAffinityTerm[]).entries()) yield* termErrors(`${path}.${field}.${required}[${i}]`, term);
    for (const [i, { weight, podAffinityTerm }] of ((both?.[preferred] ?? []) as readonly WeightedPodAffinityTerm[]).entries()) {
      const at = `${path}.${field}.${preferred}[${i}]`;
      yield* weightErrors(at, weight);
      yield* termErrors(`${at}.podAffinityTerm`, podAffinityTerm ?? { topologyKey: '' });
    }
  }
}

function* weightErrors(path: string, weight = 0): FieldErrors {
  if (weight <= 0 || weight > 100) yield fieldError.invalid(`${path}.weight`, weight, 'must be in the range 1-100');
}

function* termErrors(path: string, term: PodAffinityTerm): FieldErrors {
  yield* labelSelector(`${path}.labelSelector`, term.labelSelector);
  yield* labelSelector(`${path}.namespaceSelector`, term.namespaceSelector);
  for (const name of term.namespaces ?? []) yield* formatErrors(`${path}.namespace`, name, isDns1123Label(name));
  yield* labelKeyErrors(path, term.matchLabelKeys ?? [], term.mismatchLabelKeys ?? [], term.labelSelector);
  if (!term.topologyKey) yield fieldError.required(`${path}.topologyKey`, 'can not be empty');
  yield* qualifiedName(`${path}.topologyKey`, term.topologyKey);
}

/** Keys whose values are taken from the pod itself. */
function* labelKeyErrors(path: string, match: readonly string[], mismatch: readonly string[], selector: LabelSelector | undefined): FieldErrors {
  for (const [field, keys] of [['matchLabelKeys', match], ['mismatchLabelKeys', mismatch]] as const) {
    for (const [i, key] of keys.entries()) {
      if (!selector) yield fieldError.forbidden(`${path}.${field}`, 'must not be specified when labelSelector is not set');
      yield* qualifiedName(`${path}.${field}[${i}]`, key);
    }
  }
  // The server adds one expression for each key; a second one for it is the writer's own.
  const seen = new Set(Object.keys(selector?.matchLabels ?? {}));
  for (const { key } of selector?.matchExpressions ?? []) {
    if (match.includes(key) && seen.has(key)) yield fieldError.invalid(`${path}[${match.indexOf(key)}]`, key, 'exists in both matchLabelKeys and labelSelector');
    seen.add(key);
  }
  for (const [i, key] of match.entries()) if (mismatch.includes(key)) yield fieldError.invalid(`${path}.matchLabelKeys[${i}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys');
}

export function* spreadErrors(path: string, constraints: readonly TopologySpreadConstraint[]): FieldErrors {
  for (const [i, constraint] of constraints.entries()) {
    const at = `${path}[${i}]`;
    const { maxSkew = 0, topologyKey, whenUnsatisfiable, minDomains } = constraint;
    if (maxSkew <= 0) yield fieldError.invalid(`${at}.maxSkew`, maxSkew, 'must be greater than zero');
    if (!topologyKey) yield fieldError.required(`${at}.topologyKey`, 'can not be empty');
    if (!['DoNotSchedule', 'ScheduleAnyway'].includes(whenUnsatisfiable)) yield fieldError.notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable ?? '', ['DoNotSchedule', 'ScheduleAnyway']);
    if (constraints.slice(i + 1).some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable)) {
      yield fieldError.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`);
    }
    if (minDomains !== undefined) {
      if (minDomains <= 0) yield fieldError.invalid(`${at}.minDomains`, minDomains, 'must be greater than zero');
      if (whenUnsatisfiable !== 'DoNotSchedule') yield fieldError.invalid(`${at}.minDomains`, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`);
    }
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) yield* oneOfIfAny(`${at}.${field}`, constraint[field], ['Honor', 'Ignore']);
    yield* labelKeyErrors(at, constraint.matchLabelKeys ?? [], [], constraint.labelSelector);
    yield* labelSelector(`${at}.labelSelector`, constraint.labelSelector);
  }
}

export function* gateErrors(path: string, gates: readonly PodSchedulingGate[]): FieldErrors {
  for (const [i, { name }] of gates.entries()) {
    yield* qualifiedName(`${path}[${i}]`, name);
    if (gates.findIndex((gate) => gate.name === name) < i) yield fieldError.duplicate(`${path}[${i}]`, name);
  }
}
