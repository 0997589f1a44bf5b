import type { Node } from '../api/generated/core-v1.ts';
import { dryRunOf, mutationFlags, printResult } from './mutation.ts';
import { listTargets } from './selected-targets.ts';
import { targetFlags, targetPath } from './targets.ts';
import type { Verb } from './verb.ts';

/** `kubectl cordon` and `kubectl uncordon`. */
export function cordonVerb(unschedulable: boolean): Verb {
  const word = unschedulable ? 'cordoned' : 'uncordoned';
  return {
    usage: 'NODE',
    summary: unschedulable ? 'Mark node as unschedulable' : 'Mark node as schedulable',
    flags: { ...mutationFlags, selector: targetFlags.selector },
    async run(call) {
      const args = ['nodes', ...call.args.map((name) => name.replace(/^nodes?\//, ''))];
      for (const target of await listTargets(call, { args })) {
        const node = await call.session.json<Node>(targetPath(target));
        if ((node.spec.unschedulable ?? false) === unschedulable) {
          printResult(call, target.resource, node, `already ${word}`);
          continue;
        }
        if (dryRunOf(call.flags) !== 'client') await call.session.call('PATCH', targetPath(target), { body: { spec: { unschedulable: unschedulable || null } }, contentType: 'application/strategic-merge-patch+json' });
        printResult(call, target.resource, node, word);
      }
    },
  };
}
