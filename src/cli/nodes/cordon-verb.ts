import type { Node } from '../../api/generated/core-v1.ts';
import { dryRunFlag, dryRunOf, printResult, writeQuery } from '../mutation/mutation.ts';
import { listTargets, type NamedTarget } from '../targets/selected-targets.ts';
import { targetFlags, targetPath } from '../targets/targets.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** `kubectl cordon` and `kubectl uncordon`. */
export function cordonVerb(unschedulable: boolean): Verb {
  return {
    usage: 'NODE',
    summary: unschedulable ? 'Mark node as unschedulable' : 'Mark node as schedulable',
    flags: { 'dry-run': dryRunFlag, selector: targetFlags.selector },
    async run(call) {
      const verb = unschedulable ? 'cordon' : 'uncordon';
      if (call.args.length === 0 && !call.flags.string('selector')) throw new KubectlError(`USAGE: ${verb} NODE [flags]\nSee 'kubectl ${verb} -h' for help and examples`);
      if (call.args.length > 0 && call.flags.string('selector')) throw new KubectlError(`cannot specify both a node name and a --selector option\nSee 'kubectl ${verb} -h' for help and examples`);
      await setUnschedulable(call, await nodesOf(call), unschedulable);
    },
  };
}

/** The nodes that are named or selected; rejects where one of them is not there, so that nothing is done to the others. */
export async function nodesOf(call: Call): Promise<readonly NamedNode[]> {
  const args = call.args.length > 0 ? call.args.map((name) => (name.includes('/') ? name : `nodes/${name}`)) : call.flags.string('selector') ? ['nodes'] : [];
  const found: NamedNode[] = [];
  for (const target of await listTargets(call, { args })) {
    const node = await call.session.verbatim<Node>(targetPath(target));
    if (target.resource.kind !== 'Node') throw new KubectlError(`error: expected resource of type node, got "${target.resource.group}/${target.resource.version}, Resource=${target.resource.resource}"`);
    found.push({ ...target, node });
  }
  return found;
}

export type NamedNode = NamedTarget & { readonly node: Node };

/** Cordons or uncordons nodes and says so. */
export async function setUnschedulable(call: Call, nodes: readonly NamedNode[], unschedulable: boolean): Promise<void> {
  for (const one of nodes) await setOne(call, one, unschedulable);
}

async function setOne(call: Call, { node, ...target }: NamedNode, unschedulable: boolean): Promise<void> {
  const word = unschedulable ? 'cordoned' : 'uncordoned';
  if ((node.spec?.unschedulable ?? false) === unschedulable) return printResult(call, target.resource, node, `already ${word}`);
  if (dryRunOf(call.flags) !== 'client') {
    const body = { spec: { unschedulable: unschedulable || null } };
    await call.session.call('PATCH', targetPath(target), { body, contentType: 'application/strategic-merge-patch+json', query: { ...writeQuery(call, 'kubectl'), fieldManager: undefined } });
  }
  printResult(call, target.resource, node, word);
}
