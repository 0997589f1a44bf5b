import type { Node } from '../../api/generated/core-v1.ts';
import { dryRunOf, printResult, writeFlags, writeQuery } from '../mutation/mutation.ts';
import { listTargets, type NamedTarget } from '../targets/selected-targets.ts';
import { targetFlags, targetPath } from '../targets/targets.ts';
import { KubectlError, type Call, type Verb } from '../command/verb.ts';

/** `kubectl cordon` and `kubectl uncordon`. */
export function cordonVerb(unschedulable: boolean): Verb {
  return {
    usage: 'NODE',
    summary: unschedulable ? 'Mark node as unschedulable' : 'Mark node as schedulable',
    flags: { 'dry-run': writeFlags('')['dry-run'], selector: targetFlags.selector },
    async run(call) {
      const verb = unschedulable ? 'cordon' : 'uncordon';
      if (call.args.length === 0 && !call.flags.string('selector')) throw new KubectlError(`USAGE: ${verb} NODE [flags]\nSee 'kubectl ${verb} -h' for help and examples`);
      const args = ['nodes', ...call.args.map((name) => name.replace(/^nodes?\//, ''))];
      for (const target of await listTargets(call, { args })) await setUnschedulable(call, target, unschedulable);
    },
  };
}

/** Cordons or uncordons one node and says so. */
export async function setUnschedulable(call: Call, target: NamedTarget, unschedulable: boolean): Promise<void> {
  const word = unschedulable ? 'cordoned' : 'uncordoned';
  const node = await call.session.verbatim<Node>(targetPath(target));
  if ((node.spec?.unschedulable ?? false) === unschedulable) return printResult(call, target.resource, node, `already ${word}`);
  if (dryRunOf(call.flags) !== 'client') {
    const body = { spec: { unschedulable: unschedulable || null } };
    await call.session.call('PATCH', targetPath(target), { body, contentType: 'application/strategic-merge-patch+json', query: { ...writeQuery(call, 'kubectl'), fieldManager: undefined } });
  }
  printResult(call, target.resource, node, word);
}
