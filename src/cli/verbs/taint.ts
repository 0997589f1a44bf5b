import type { Node } from '../../api/generated/core-v1.ts';
import { checkedWriteFlags, dryRunOf, printResult, writeQuery } from '../mutation/mutation.ts';
import { listTargets } from '../targets/selected-targets.ts';
import { changeTaints, checkConflicts, parseTaints } from '../nodes/taints.ts';
import { targetFlags, targetPath } from '../targets/targets.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** Upstream: kubectl pkg/cmd/taint. */
export const verb: Verb = {
  usage: 'NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N',
  summary: 'Update the taints on one or more nodes',
  flags: {
    ...checkedWriteFlags('kubectl-taint'), selector: targetFlags.selector,
    all: { type: 'bool', usage: 'Select all nodes in the cluster' },
    overwrite: { type: 'bool', usage: 'If true, allow taints to be overwritten, otherwise reject taint updates that overwrite existing taints.' },
  },
  async run(call) {
    const { flags, session, args } = call;
    const isTaint = (word: string): boolean => word.includes('=') || word.includes(':') || word.endsWith('-');
    const first = args.findIndex((word, i) => i > 0 && isTaint(word));
    const [words, specs] = first < 0 ? [args, []] : [args.slice(0, first), args.slice(first)];
    const late = specs.find((word) => !isTaint(word));
    if (late !== undefined) throw new KubectlError(`all resources must be specified before taint changes: ${late}`);
    if (words.length === 0) throw new KubectlError('one or more resources must be specified as <resource> <name>');
    if (specs.length === 0) throw new KubectlError('at least one taint update is required');
    const changes = checked(() => parseTaints(specs));
    const type = words[0]!.toLowerCase();
    const found = (await session.mapper((builtIn) => builtIn.find(type))).find(type);
    if (!found) throw new KubectlError(`the server doesn't have a resource type "${type}"`, { bare: true });
    if (found.kind !== 'Node') throw new KubectlError(`invalid resource type ${type}, only node types are supported`);
    checkConflicts(changes);
    if (flags.bool('all') && flags.string('selector')) throw new KubectlError("setting 'all' parameter with a non empty selector is prohibited");
    if (words.length < 2 && !flags.bool('all') && !flags.string('selector')) throw new KubectlError("at least one resource name must be specified since 'all' parameter is not set");
    const faults: KubectlError[] = [];
    for (const target of await listTargets(call, { args: words })) {
      const node = await session.verbatim<Node>(targetPath(target));
      const changed = tried(() => changeTaints(target.name, node.spec?.taints ?? [], changes, flags.bool('overwrite')));
      if (changed instanceof KubectlError) {
        faults.push(changed);
        continue;
      }
      const { taints, done } = changed;
      const body = { spec: { taints: taints.length > 0 ? taints : null }, metadata: { resourceVersion: node.metadata.resourceVersion } };
      const result = dryRunOf(flags) === 'client' ? { ...node, spec: { ...node.spec, taints } }
        : await session.call('PATCH', targetPath(target), { body, contentType: 'application/merge-patch+json', query: writeQuery(call, 'kubectl-taint') });
      printResult(call, target.resource, result, done, { sayDryRun: false });
    }
    if (faults.length > 0) throw new KubectlError(faults.map(({ message }) => message).join('\n'), { bare: faults.length > 1 });
  },
};

/** The result, or why there is none: the other nodes are changed all the same. */
function tried<T>(change: () => T): T | KubectlError {
  try {
    return change();
  } catch (error) {
    if (!(error instanceof KubectlError)) throw error;
    return error;
  }
}

/** A fault of the words ends with where help is. */
function checked<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof KubectlError)) throw error;
    throw new KubectlError(`${error.message}\nSee 'kubectl taint -h' for help and examples`);
  }
}
