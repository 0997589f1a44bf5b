import type { Node, Pod } from '../../api/generated/core-v1.ts';
import { podCondition } from '../../api/pod/conditions.ts';
import { addResources, podResourceRequests } from '../../api/pod/resources.ts';
import { milliValue, quantityValue } from '../../api/quantity.ts';
import { matchesNodeSelector } from '../../api/scheduling/node-affinity.ts';
import { SCHEDULING_EFFECTS, untoleratedTaint } from '../../api/scheduling/taints.ts';
import type { Diagnose, Finding, Situation } from '../finding.ts';
import { editCommand, makerOf } from '../maker-of.ts';
import { namesOf } from '../names-of.ts';
import { mebibytes } from '../words.ts';
import { brokenRule } from './placement-rules.ts';

/** Pods without a node: which nodes were out of the question and why, and of what the others have too little, by how much. */
export const unschedulable: Diagnose = (situation) => {
  const groups = new Map<string, { readonly pods: Pod[]; readonly finding: (names: string) => Finding }>();
  for (const pod of situation.pods) {
    if (pod.spec.nodeName || pod.metadata.deletionTimestamp || pod.status?.phase !== 'Pending') continue;
    const finding = diagnosePod(pod, situation);
    if (!finding) continue;
    const key = JSON.stringify(finding(''));
    const group = groups.get(key);
    if (group) group.pods.push(pod);
    else groups.set(key, { pods: [pod], finding });
  }
  return [...groups.values()].map(({ pods, finding }) => finding(namesOf(pods, 'pod')));
};

type Verdict = { readonly node: string; readonly text: string; readonly kind: 'cpu' | 'memory' | 'pods' | 'taint' | 'cordoned' | 'selector' | 'rule' | 'notReady' | 'other'; readonly short?: number; readonly cure?: string };

function diagnosePod(pod: Pod, situation: Situation): ((names: string) => Finding) | undefined {
  const condition = podCondition(pod, 'PodScheduled');
  if (condition?.reason === 'SchedulingGated' || pod.spec.schedulingGates?.length) {
    const gates = (pod.spec.schedulingGates ?? []).map(({ name }) => name).join(', ');
    return (names) => ({ waitsFor: `the scheduling gates of ${names} to be taken away (${gates})`, because: ['Whoever put them there wants the pod not to be placed yet.'], help: ['See whether the program that takes them away still runs.', `To let it go on without: kubectl patch ${makerOf(pod)} --type=json -p '[{"op":"remove","path":"${makerOf(pod).startsWith('pod/') ? '' : '/spec/template'}/spec/schedulingGates"}]'`] });
  }
  if (condition?.status !== 'False') {
    const ours = pod.spec.schedulerName === undefined || pod.spec.schedulerName === 'default-scheduler';
    if (ours) return undefined;
    return (names) => ({ waitsFor: `the scheduler "${pod.spec.schedulerName}" to choose a node for ${names}`, because: ['The pod asks for this scheduler by name, and no other one looks at it.'], help: ['Leave spec.schedulerName out, or run that scheduler.'] });
  }
  const { nodes } = situation;
  if (nodes.length === 0) return (names) => ({ waitsFor: `a node for ${names}`, because: ['The cluster has no nodes.'], help: situation.wherry ? ['Add a node: wherry node add'] : [] });
  const [, missing] = /persistentvolumeclaim "([^"]+)" not found/.exec(condition.message ?? '') ?? [];
  if (missing) return (names) => ({ waitsFor: `the volume claim ${missing}, for ${names}`, because: ['The pod uses a volume claim of that name, and there is none.'], help: ['Make the claim, or correct its name in the pod. The pod goes on by itself then.'] });
  const claim = unboundClaim(pod, situation);
  if (claim) return (names) => ({ waitsFor: `the volume claim ${claim} of ${names}`, because: ['A pod goes to a node only when its volumes are known, and this claim has no volume yet.'], help: [`See why the claim waits: wherry why pvc/${claim}`] });
  const verdicts = nodes.map((node) => verdictOf(pod, node, situation)).filter((verdict) => verdict !== undefined);
  // Where no rule that we know rules a node out, the scheduler's own words stand for it.
  const unknown = verdicts.length < nodes.length && condition.message ? [`${verdicts.length > 0 ? 'The scheduler says: ' : ''}${condition.message}`] : [];
  const because = [...nodesAlike(verdicts), ...unknown, ...(verdicts.length + unknown.length === 0 ? ['The scheduler does not say why.'] : [])];
  return (names) => ({ waitsFor: `${wantOf(pod, verdicts)}, for ${names}`, because, help: helpFor(pod, verdicts, situation) });
}

/** A line a node; nodes of which the same is to be said are named together. */
function nodesAlike(verdicts: readonly Verdict[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { node, text } of verdicts) groups.set(text, [...(groups.get(text) ?? []), node]);
  return [...groups].map(([text, names]) => `${names.length > 5 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more nodes` : names.join(', ')}: ${text}`);
}

function unboundClaim(pod: Pod, { claims }: Situation): string | undefined {
  const wanted = (pod.spec.volumes ?? []).map((volume) => volume.persistentVolumeClaim?.claimName);
  return claims.find((claim) => wanted.includes(claim.metadata.name) && claim.status?.phase !== 'Bound' && claim.metadata.namespace === pod.metadata.namespace && /persistentvolumeclaim|volume/i.test(podCondition(pod, 'PodScheduled')?.message ?? ''))?.metadata.name;
}

function verdictOf(pod: Pod, node: Node, { placed, nodes }: Situation): Verdict | undefined {
  const { name, labels = {} } = node.metadata;
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready && ready.status !== 'True') return { node: name, kind: 'notReady', text: 'is not ready itself' };
  if (node.spec?.unschedulable) return { node: name, kind: 'cordoned', text: 'takes no new pods (it is cordoned)' };
  const taint = untoleratedTaint(node.spec?.taints, pod.spec.tolerations, SCHEDULING_EFFECTS);
  if (taint) return { node: name, kind: 'taint', text: `takes only pods that tolerate its taint ${taint.key}${taint.value ? `=${taint.value}` : ''}:${taint.effect}`, cure: `kubectl taint nodes ${name} ${taint.key}:${taint.effect}-` };
  const missing = Object.entries(pod.spec.nodeSelector ?? {}).filter(([key, value]) => labels[key] !== value);
  if (missing.length > 0) return { node: name, kind: 'selector', text: `has not the label ${missing.map(([key, value]) => `${key}=${value}`).join(', ')} that the pod asks for`, cure: labelCommand(node, missing) };
  const here = placed.filter((other) => other.spec.nodeName === name && other.status?.phase !== 'Succeeded' && other.status?.phase !== 'Failed');
  const used = addResources(...here.map((other) => podResourceRequests(other)));
  const wanted = podResourceRequests(pod);
  const total = node.status?.allocatable ?? {};
  for (const resource of Object.keys(wanted)) {
    const amount = resource === 'cpu' ? milliValue : quantityValue;
    const free = amount(total[resource]) - amount(used[resource]);
    const short = amount(wanted[resource]) - free;
    if (short <= 0) continue;
    const words = (value: number): string => amountWords(resource, value);
    const kind = resource === 'cpu' || resource === 'memory' ? resource : 'other';
    const most = amount(wanted[resource]) > amount(total[resource]) ? `, and ${words(amount(total[resource]))} even when empty` : '';
    return { node: name, kind, short, text: `has ${words(Math.max(0, free))} of ${resourceWords(resource)} free${most}; the pod asks for ${words(amount(wanted[resource]))}: ${words(short)} too little` };
  }
  if (total['pods'] !== undefined && here.length >= quantityValue(total['pods'])) return { node: name, kind: 'pods', text: `is full: it has ${here.length} pods, and takes no more` };
  const rule = brokenRule(pod, { node, nodes, placed });
  return rule === undefined ? undefined : { node: name, kind: 'rule', text: rule, ...affinityCure(pod, node) };
}

function amountWords(resource: string, value: number): string {
  if (resource === 'cpu') return `${Number((value / 1000).toFixed(3))} CPU${value === 1000 ? '' : 's'}`;
  return resource === 'memory' || resource.includes('storage') ? mebibytes(value) : String(value);
}

const resourceWords = (resource: string): string => (resource === 'cpu' ? 'its processors' : resource === 'ephemeral-storage' ? 'disk' : resource);

function wantOf(pod: Pod, verdicts: readonly Verdict[]): string {
  const short = verdicts.filter(({ short: by }) => by !== undefined).sort((a, b) => a.short! - b.short!)[0];
  if (!short) return 'a node that takes it';
  const requests = podResourceRequests(pod);
  if (short.kind === 'cpu') return `a node with ${amountWords('cpu', milliValue(requests['cpu']))} free`;
  if (short.kind === 'memory') return `a node with ${mebibytes(quantityValue(requests['memory']))} of memory free`;
  return 'a node with enough room';
}

/** Where labels alone decide, the label that makes the node one of those that the pod asks for. */
function affinityCure(pod: Pod, node: Node): { readonly cure?: string } {
  const [term, ...others] = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const rules = term?.matchExpressions ?? [];
  if (!term || others.length > 0 || term.matchFields || matchesNodeSelector({ nodeSelectorTerms: [term] }, node) || !rules.every(({ operator }) => operator === 'In')) return {};
  return { cure: labelCommand(node, rules.filter(({ key, values = [] }) => !values.includes(node.metadata.labels?.[key] ?? '')).map(({ key, values = [] }) => [key, values[0] ?? ''] as const)) };
}

function labelCommand({ metadata: { name, labels = {} } }: Node, wanted: readonly (readonly [string, string])[]): string {
  return `kubectl label node ${name} ${wanted.map(([key, value]) => `${key}=${value}`).join(' ')}${wanted.some(([key]) => labels[key] !== undefined) ? ' --overwrite' : ''}`;
}

/** By how much less the pod would fit, as a command where one container asks for all of it. */
function askForLess(pod: Pod, verdicts: readonly Verdict[]): string {
  const least = verdicts.filter(({ kind, short }) => short !== undefined && (kind === 'cpu' || kind === 'memory')).sort((a, b) => a.short! - b.short!)[0];
  const maker = makerOf(pod);
  const general = 'Ask for less (resources.requests of the containers), or end pods that are not needed.';
  if (!least || pod.spec.containers.length !== 1 || !/^(deployment|statefulset|daemonset|replicaset)\//.test(maker)) return general;
  const wanted = podResourceRequests(pod)[least.kind];
  const room = least.kind === 'cpu' ? milliValue(wanted) - least.short! : Math.floor((quantityValue(wanted) - least.short!) / 2 ** 20);
  return room <= 0 ? general : `Ask for less, so that it fits: kubectl set resources ${maker} --requests=${least.kind}=${least.kind === 'cpu' ? `${room}m` : `${room}Mi`}`;
}

function helpFor(pod: Pod, verdicts: readonly Verdict[], { wherry }: Situation): string[] {
  const kinds = new Set(verdicts.map(({ kind }) => kind));
  const cure = (kind: Verdict['kind']): string | undefined => verdicts.find((verdict) => verdict.kind === kind && verdict.cure)?.cure;
  return [
    ...(kinds.has('cpu') || kinds.has('memory') ? [askForLess(pod, verdicts)] : []),
    ...(kinds.has('cordoned') ? [`Let the node take pods again: kubectl uncordon ${verdicts.find(({ kind }) => kind === 'cordoned')!.node}`] : []),
    ...(kinds.has('taint') ? [`Add a toleration for the taint to the pod, or take the taint off the node: ${cure('taint')}`] : []),
    ...(kinds.has('notReady') ? [wherry ? 'Take up the nodes that do not run: wherry start' : `See why the node is not ready: wherry why node/${verdicts.find(({ kind }) => kind === 'notReady')!.node}`] : []),
    ...(cure('rule') ? [`Make a node one of those: ${cure('rule')}`] : []),
    ...(kinds.has('rule') ? ['Make the pod\'s rules on its place milder (affinity, topologySpreadConstraints, hostPort): "preferred" rules are wishes, "required" ones are conditions.', ...(wherry && !cure('rule') ? ['Or add a node: wherry node add'] : [])] : []),
    ...(kinds.has('selector') ? [`Give a node the label: ${cure('selector')}`, `Or change the pod's nodeSelector: ${editCommand(pod)}`] : []),
    ...(wherry && (kinds.has('cpu') || kinds.has('memory') || kinds.has('pods')) && !verdicts.some(({ text }) => text.includes('even when empty')) ? ['Add a node: wherry node add'] : []),
  ];
}
