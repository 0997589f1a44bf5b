import { autoscaler } from './diagnoses/autoscaler.ts';
import { claim } from './diagnoses/claim.ts';
import { containerConfig } from './diagnoses/container-config.ts';
import { crashLoop } from './diagnoses/crash-loop.ts';
import { disruptionBudget } from './diagnoses/disruption-budget.ts';
import { ended } from './diagnoses/ended.ts';
import { ending } from './diagnoses/ending.ts';
import { imagePull } from './diagnoses/image-pull.ts';
import { ingress } from './diagnoses/ingress.ts';
import { initContainer } from './diagnoses/init-container.ts';
import { namespace } from './diagnoses/namespace.ts';
import { node } from './diagnoses/node.ts';
import { notReady } from './diagnoses/not-ready.ts';
import { quota } from './diagnoses/quota.ts';
import { service } from './diagnoses/service.ts';
import { unschedulable } from './diagnoses/unschedulable.ts';
import { workload } from './diagnoses/workload.ts';
import type { Diagnose, Finding, Situation } from './finding.ts';

/** Every diagnosis, one line each, in the order in which they are told. */
const diagnoses: readonly Diagnose[] = [
  workload,
  service,
  unschedulable,
  node,
  claim,
  imagePull,
  containerConfig,
  crashLoop,
  ended,
  initContainer,
  notReady,
  ingress,
  autoscaler,
  disruptionBudget,
  quota,
  namespace,
  ending,
];

/** All that does not go on, and what would help. Empty: nothing is known to be stuck. */
export function diagnose(situation: Situation): readonly Finding[] {
  const { namespace } = situation.focus.metadata;
  const findings = diagnoses.flatMap((each) => each(situation));
  // Who copies a command gets it for the right namespace.
  return namespace === undefined || namespace === 'default' ? findings : findings.map((finding) => ({ ...finding, help: finding.help.map((text) => inNamespace(text, namespace)) }));
}

/** Of what has no namespace. */
const CLUSTER_WIDE = /^(uncordon|cordon|drain|taint|label (node|namespace)|get (nodes?|pv|apiservices|validatingwebhook|priorityclass)|create priorityclass|describe (node|validatingadmission)|top pods -A)/;

function inNamespace(text: string, namespace: string): string {
  return text.replaceAll(/\b(kubectl|wherry why) (?!-n )(.*)/g, (all, program: string, rest: string) => (/ -n /.test(rest) || CLUSTER_WIDE.test(rest) ? all : `${program} -n ${namespace} ${rest}`));
}
