import { claim } from './diagnoses/claim.ts';
import { containerConfig } from './diagnoses/container-config.ts';
import { crashLoop } from './diagnoses/crash-loop.ts';
import { ending } from './diagnoses/ending.ts';
import { imagePull } from './diagnoses/image-pull.ts';
import { node } from './diagnoses/node.ts';
import { notReady } from './diagnoses/not-ready.ts';
import { service } from './diagnoses/service.ts';
import { unschedulable } from './diagnoses/unschedulable.ts';
import { workload } from './diagnoses/workload.ts';
import type { Diagnose, Finding, Situation } from './finding.ts';

/** Every diagnosis, one line each, in the order in which they are told. */
const diagnoses: readonly Diagnose[] = [
  workload,
  unschedulable,
  node,
  claim,
  imagePull,
  containerConfig,
  crashLoop,
  notReady,
  service,
  ending,
];

/** All that does not go on, and what would help. Empty: nothing is known to be stuck. */
export function diagnose(situation: Situation): readonly Finding[] {
  return diagnoses.flatMap((each) => each(situation));
}
