import type { KubeObject } from '../../api/object.ts';
import { editObjects } from '../manifests/edit-objects.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { LAST_APPLIED, withLastApplied } from '../apply/last-applied.ts';
import { checkedWriteFlags, printResult, writeFlags, writeQuery } from '../mutation/mutation.ts';
import { listTargets } from '../targets/selected-targets.ts';
import { NO_RESOURCES, fileFlags, sourcesGiven, targetPath } from '../targets/targets.ts';
import { mergePatchBetween } from '../patches/three-way-merge.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { outputFlags } from '../printers/object-printer.ts';

const flags = {
  ...fileFlags, ...outputFlags, 'field-manager': writeFlags('kubectl-edit')['field-manager'], validate: checkedWriteFlags('').validate,
  'save-config': { type: 'bool', usage: `If true, the configuration of current object will be saved in its annotation (${LAST_APPLIED}).` },
  subresource: { type: 'string', usage: 'If specified, edit will operate on the subresource of the requested object.' },
  'output-patch': { type: 'bool', usage: 'Output the patch if the resource is edited.' },
  'windows-line-endings': { type: 'bool', usage: 'Lines end as on Windows.' },
} as const satisfies FlagSpecs;

/** Upstream: kubectl pkg/cmd/edit. */
export const verb: Verb = {
  usage: '(RESOURCE/NAME | -f FILENAME)',
  summary: 'Edit a resource on the server',
  flags,
  async run(call) {
    const { flags: given, session, io } = call;
    if (call.args.length === 0 && !sourcesGiven(given)) throw new KubectlError(NO_RESOURCES);
    const subresource = given.string('subresource') || undefined;
    const targets = await listTargets(call, { typeMeansAll: true });
    if (targets.length === 0) throw new KubectlError('edit cancelled, no objects found');
    const objects = await Promise.all(targets.map((target) => session.verbatim<KubeObject>(targetPath(target, subresource))));
    return editObjects(call, objects, {
      json: given.string('output') === 'json',
      unchanged: () => io.err('Edit cancelled, no changes made.\n'),
      async save(before, edited) {
        const target = targets[objects.indexOf(before)]!;
        const { managedFields: _fields, ...metadata } = before.metadata;
        const after = given.bool('save-config') ? withLastApplied(edited) : edited;
        const patch = mergePatchBetween({ ...before, metadata }, after);
        if (patch === undefined) return printResult(call, target.resource, before, 'skipped');
        if (given.bool('output-patch')) io.out(`Patch: ${JSON.stringify(patch)}\n`);
        printResult(call, target.resource, await session.call('PATCH', targetPath(target, subresource), { body: patch, contentType: 'application/merge-patch+json', query: writeQuery(call, 'kubectl-edit') }), 'edited');
      },
    });
  },
};
