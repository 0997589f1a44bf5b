import type { KubeObject } from '../../api/object.ts';
import { editObjects } from '../manifests/edit-objects.ts';
import { LAST_APPLIED, lastApplied, withLastApplied } from '../apply/last-applied.ts';
import { checkedWriteFlags, dryRunFlag, dryRunOf, printResult, writeFlags, writeQuery } from '../mutation/mutation.ts';
import { toYaml } from '../printers/yaml.ts';
import { listTargets } from '../targets/selected-targets.ts';
import { sortKeys } from '../printers/sort-keys.ts';
import { NO_RESOURCES, fileFlags, manifestTargets, sourcesGiven, targetFlags, targetPath } from '../targets/targets.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { outputFlags } from '../printers/object-printer.ts';

const annotationOf = (object: KubeObject): string | undefined => object.metadata.annotations?.[LAST_APPLIED];

export const viewLastApplied: Verb = {
  usage: '(TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME)',
  summary: 'View the latest last-applied-configuration annotations of a resource/object',
  flags: { ...targetFlags, output: { short: 'o', type: 'string', default: 'yaml', usage: 'Output format. Must be one of (yaml, json)' }, all: { type: 'bool', usage: 'Select all resources in the namespace of the specified resource types' } },
  async run(call) {
    const { flags, session, io } = call;
    const output = flags.string('output');
    const found: KubeObject[] = [];
    for (const target of await listTargets(call)) {
      const object = await session.verbatim<KubeObject>(targetPath(target));
      if (annotationOf(object) !== undefined) found.push(object);
      // Of an object that is called by its name, kubectl says nothing.
      else if (target.source !== undefined) throw new KubectlError(`error when no last-applied-configuration annotation found on resource: ${target.name}\n ${JSON.stringify(target.source)}: <nil>`);
    }
    for (const object of found) {
      if (output !== 'yaml' && output !== 'json') throw new KubectlError(`Unexpected -o output mode: ${output}, the flag 'output' must be one of yaml|json\nSee 'kubectl apply view-last-applied -h' for help and examples`);
      const value = lastApplied(object);
      io.out(output === 'yaml' ? toYaml(value) : `${JSON.stringify(sortKeys(value), null, 2)}\n`);
    }
  },
};

export const setLastApplied: Verb = {
  usage: '-f FILENAME',
  summary: 'Set the last-applied-configuration annotation on a live object to match the contents of a file',
  flags: { filename: fileFlags.filename, ...outputFlags, 'dry-run': dryRunFlag, 'create-annotation': { type: 'bool', usage: "Will create 'last-applied-configuration' annotations if current objects doesn't have one" } },
  async run(call) {
    const { flags, session, io } = call;
    if (!sourcesGiven(flags)) throw new KubectlError(NO_RESOURCES);
    for (const target of await manifestTargets(call)) {
      const live = await session.verbatim<KubeObject>(targetPath(target));
      if (annotationOf(live) === undefined && !flags.bool('create-annotation')) throw new KubectlError(`no last-applied-configuration annotation found on resource: ${target.name}, to create the annotation, run the command with --create-annotation`);
      const placed = target.resource.namespaced ? { ...target.object!, metadata: { ...target.object!.metadata, namespace: target.namespace } } : target.object!;
      const text = withLastApplied(placed as unknown as KubeObject).metadata.annotations![LAST_APPLIED]!;
      if (text === annotationOf(live)) {
        io.out(`set-last-applied ${target.name}: no changes required.\n`);
        continue;
      }
      const body = { metadata: { annotations: { [LAST_APPLIED]: text } } };
      const next = dryRunOf(flags) === 'client' ? live : await session.call('PATCH', targetPath(target), { body, contentType: 'application/merge-patch+json', query: writeQuery(call, 'kubectl-set-last-applied') });
      printResult(call, target.resource, next, 'configured');
    }
  },
};

export const editLastApplied: Verb = {
  usage: '(RESOURCE/NAME | -f FILENAME)',
  summary: 'Edit latest last-applied-configuration annotations of a resource/object',
  flags: { ...fileFlags, ...outputFlags, 'field-manager': writeFlags('kubectl-client-side-apply')['field-manager'], validate: checkedWriteFlags('').validate, 'windows-line-endings': { type: 'bool', usage: 'Lines end as on Windows.' } },
  async run(call) {
    const { flags, session, io } = call;
    if (call.args.length === 0 && !sourcesGiven(flags)) throw new KubectlError(NO_RESOURCES);
    const targets = await listTargets(call);
    const live = await Promise.all(targets.map((target) => session.verbatim<KubeObject>(targetPath(target))));
    if (live.some((object) => annotationOf(object) === undefined)) throw new KubectlError('no last-applied-configuration annotation found on resources, to create the annotation, use command `kubectl apply set-last-applied --create-annotation`');
    const applied = live.map((object) => lastApplied(object) as KubeObject);
    return editObjects(call, applied, {
      json: flags.string('output') === 'json',
      unchanged: () => io.err('Edit cancelled, no changes made.\n'),
      async save(before, after) {
        const target = targets[applied.indexOf(before)]!;
        const body = { metadata: { annotations: { [LAST_APPLIED]: withLastApplied(after).metadata.annotations![LAST_APPLIED] } } };
        printResult(call, target.resource, await session.call('PATCH', targetPath(target), { body, contentType: 'application/merge-patch+json', query: writeQuery(call, 'kubectl-last-applied') }), 'edited');
      },
    });
  },
};
