/** Upstream: pkg/registry/core/pod/strategy.go, pkg/apis/core/v1/defaults.go SetDefaults_Pod. */
import { rfc3339 } from '../../base/clock.ts';
import type { KindDefinition } from '../kind.ts';
import type { Affinity, Container, Pod, PodAffinityTerm, PodCondition, PodSpec, PodStatus } from '../generated/core-v1.ts';
import type { LabelSelectorRequirement } from '../generated/meta-v1.ts';
import { pods } from '../generated/resources.ts';
import { isDns1123Label } from '../names.ts';
import { isConditionTrue } from '../pod/conditions.ts';
import { defaultPodSpec } from '../pod/pod-spec-defaults.ts';
import { restartsText, summarizePod } from '../pod/pod-summary.ts';
import { qosClass } from '../pod/qos-class.ts';
import { defaultPodLevelResources } from '../pod/pod-level-resources.ts';
import { podCreateErrors, podErrors, podStatusUpdateErrors, podUpdateErrors } from '../validation/pod/pod.ts';
import { podSpecWarnings } from '../validation/pod/warnings.ts';
import { mapItems, mapMember } from './fill.ts';
import { ageColumn, nameColumn, text, wide } from './table-columns.ts';

export const pod: KindDefinition<Pod> = {
  returnsDeleted: true,
  resource: pods,
  defaults: (object) => mapMember(object, 'spec', (spec) => defaultOwnSpec(defaultPodSpec(spec))),
  prepareForCreate(object, { nowMs }) {
    const withTerms = mapMember(object, 'spec', (spec) => withLabelKeys(spec, object.metadata.labels ?? {}));
    return { ...withTerms, status: initialStatus(withTerms, nowMs) };
  },
  prepareForStatusUpdate(next, previous) {
    const qos = next.status?.qosClass || previous.status?.qosClass;
    return { ...next, status: keepGenerations({ ...next.status, ...(qos && { qosClass: qos }) }, previous.status ?? {}) };
  },
  validate: (object) => [...podErrors(object)],
  validateCreate: (object) => [...podCreateErrors(object)],
  validateUpdate: (next, previous) => [...podUpdateErrors(next, previous)],
  validateStatusUpdate: (next, previous) => [...podStatusUpdateErrors(next, previous)],
  warnings(object, previous) {
    if (previous) return [];
    const label = isDns1123Label(object.metadata.name);
    const warnings = podSpecWarnings('spec', object.spec, object.metadata);
    return label.length
      ? [`metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${label.join(' ')}]`, ...warnings]
      : warnings;
  },
  generation: true,
  gracePeriodSeconds(object, requested) {
    if (!object.spec.nodeName || object.status?.phase === 'Failed' || object.status?.phase === 'Succeeded') return 0;
    const seconds = requested ?? object.spec.terminationGracePeriodSeconds ?? 0;
    return seconds < 0 ? 1 : seconds;
  },
  selectableFields: ({ spec, status }) => ({
    'spec.nodeName': spec.nodeName ?? '',
    // What old clients call it.
    'spec.host': spec.nodeName ?? '',
    'spec.restartPolicy': spec.restartPolicy ?? '',
    'spec.schedulerName': spec.schedulerName ?? '',
    'spec.serviceAccountName': spec.serviceAccountName ?? '',
    'spec.hostNetwork': String(spec.hostNetwork ?? false),
    'status.phase': status?.phase ?? '',
    'status.podIP': status?.podIPs?.[0]?.ip ?? '',
    // May be asked for, but is always empty.
    'status.podIPs': '',
    'status.nominatedNodeName': status?.nominatedNodeName ?? '',
  }),
  columns: [
    nameColumn,
    text('Ready', 'How many containers are ready, of how many there are.', (object) => {
      const { readyContainers, totalContainers } = summarizePod(object);
      return `${readyContainers}/${totalContainers}`;
    }),
    text('Status', 'The state of the containers taken together.', (object) => summarizePod(object).status),
    text('Restarts', 'How often containers have restarted, and when the last one did.', (object, nowMs) => restartsText(summarizePod(object), nowMs)),
    ageColumn,
    wide(text('IP', 'The address of the pod.', (object) => object.status?.podIPs?.[0]?.ip || '<none>')),
    wide(text('Node', 'The node that the pod is assigned to.', (object) => object.spec.nodeName || '<none>')),
    wide(text('Nominated Node', 'The node where room is being made for the pod.', (object) => object.status?.nominatedNodeName || '<none>')),
    wide(text('Readiness Gates', 'How many of the additional conditions of readiness are true.', readinessGates)),
  ],
};

function readinessGates(object: Pod): string {
  const gates = object.spec.readinessGates ?? [];
  return gates.length ? `${gates.filter((gate) => isConditionTrue(object, gate.conditionType)).length}/${gates.length}` : '<none>';
}

/** The defaults of a pod that a pod template does not take. */
function defaultOwnSpec(spec: PodSpec): PodSpec {
  let next = mapMember(spec, 'containers', (containers) => mapItems(containers, requestsFromLimits));
  next = mapMember(next, 'initContainers', (containers) => mapItems(containers, requestsFromLimits));
  next = defaultPodLevelResources(next);
  // Of a pod alone: templates keep what they say. Upstream: core/v1 Convert_v1_Pod_To_core_Pod.
  if ((next.terminationGracePeriodSeconds ?? 0) < 0) next = { ...next, terminationGracePeriodSeconds: 1 };
  if (next.enableServiceLinks === undefined) next = { ...next, enableServiceLinks: true };
  if (!next.hostNetwork) return next;
  next = mapMember(next, 'containers', (containers) => mapItems(containers, hostPorts));
  return mapMember(next, 'initContainers', (containers) => mapItems(containers, hostPorts));
}

/** Who sets a limit and no request, requests the limit. */
function requestsFromLimits(container: Container): Container {
  const { limits, requests } = container.resources ?? {};
  if (!limits || Object.keys(limits).every((name) => requests && name in requests)) return container;
  return { ...container, resources: { ...container.resources, requests: { ...limits, ...requests } } };
}

/** In the network of the host, a container's port is the host's. */
function hostPorts(container: Container): Container {
  return mapMember(container, 'ports', (ports) => mapItems(ports, (port) => (port.hostPort ? port : { ...port, hostPort: port.containerPort })));
}

function initialStatus(object: Pod, nowMs: number): PodStatus {
  const gated: readonly PodCondition[] = [
    { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates', lastTransitionTime: rfc3339(nowMs) },
  ];
  return { phase: 'Pending', ...(object.spec.schedulingGates?.length && { conditions: gated }), qosClass: qosClass(object) };
}

/** Writers that do not know `observedGeneration` keep what was there. */
function keepGenerations(next: PodStatus, previous: PodStatus): PodStatus {
  const status = next.observedGeneration || !previous.observedGeneration ? next : { ...next, observedGeneration: previous.observedGeneration };
  return mapMember(status, 'conditions', (conditions) => mapItems(conditions, (condition) => {
    const generation = previous.conditions?.find((old) => old.type === condition.type)?.observedGeneration;
    return condition.observedGeneration || !generation ? condition : { ...condition, observedGeneration: generation };
  }));
}

/** Turns `matchLabelKeys` and `mismatchLabelKeys` of pod affinity, and `matchLabelKeys` of topology spread, into requirements on the pod's own label values. */
function withLabelKeys(spec: PodSpec, labels: Readonly<Record<string, string>>): PodSpec {
  const next = mapMember(spec, 'affinity', (affinity) => affinityWithLabelKeys(affinity, labels));
  return mapMember(next, 'topologySpreadConstraints', (constraints) => mapItems(constraints, (constraint) =>
    constraint.matchLabelKeys?.length && constraint.labelSelector
      ? { ...constraint, labelSelector: withRequirements(constraint.labelSelector, requirements(constraint.matchLabelKeys, 'In', labels)) }
      : constraint));
}

function affinityWithLabelKeys(affinity: Affinity, labels: Readonly<Record<string, string>>): Affinity {
  const term = (value: PodAffinityTerm): PodAffinityTerm => {
    const added = [...requirements(value.matchLabelKeys, 'In', labels), ...requirements(value.mismatchLabelKeys, 'NotIn', labels)];
    return value.labelSelector && added.length ? { ...value, labelSelector: withRequirements(value.labelSelector, added) } : value;
  };
  const both = <A extends NonNullable<Affinity['podAffinity']>>(value: A): A => {
    const required = mapMember(value, 'requiredDuringSchedulingIgnoredDuringExecution', (terms) => mapItems(terms, term));
    return mapMember(required, 'preferredDuringSchedulingIgnoredDuringExecution', (terms) => mapItems(terms, (weighted) => mapMember(weighted, 'podAffinityTerm', term)));
  };
  return mapMember(mapMember(affinity, 'podAffinity', both), 'podAntiAffinity', both);
}

function requirements(keys: readonly string[] | undefined, operator: string, labels: Readonly<Record<string, string>>): readonly LabelSelectorRequirement[] {
  return (keys ?? []).filter((key) => key in labels).map((key) => ({ key, operator, values: [labels[key]!] }));
}

function withRequirements<S extends { readonly matchExpressions?: readonly LabelSelectorRequirement[] }>(selector: S, added: readonly LabelSelectorRequirement[]): S {
  return added.length ? { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...added] } : selector;
}
