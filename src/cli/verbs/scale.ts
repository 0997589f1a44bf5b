import { isReason } from '../../api/errors.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { dryRunOf, plainWriteFlags, printResult, writeQuery } from '../mutation/mutation.ts';
import { listTargets } from '../targets/selected-targets.ts';
import { targetFlags, targetPath } from '../targets/targets.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  ...plainWriteFlags, ...targetFlags,
  replicas: { type: 'int', usage: 'The new desired number of replicas. Required.' },
  'current-replicas': { type: 'int', default: -1, usage: 'Precondition for current size. Requires that the current size of the resource match this value in order to scale.' },
  'resource-version': { type: 'string', usage: 'Precondition for resource version.' },
  all: { type: 'bool', usage: 'Select all resources in the namespace of the specified resource types' },
  timeout: { type: 'duration', usage: 'The length of time to wait before giving up on a scale operation, zero means don\'t wait.' },
} as const satisfies FlagSpecs;

interface Scale {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly spec?: { readonly replicas?: number };
}

export const verb: Verb = {
  usage: '[--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)',
  summary: 'Set a new size for a deployment, replica set, or replication controller',
  flags,
  async run(call) {
    const { flags: given, session } = call;
    if (!given.changed('replicas')) throw new KubectlError('required flag(s) "replicas" not set');
    const replicas = given.int('replicas');
    if (replicas < 0) throw new KubectlError('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0');
    const targets = await listTargets(call);
    if (targets.length === 1 && !given.string('resource-version')) await session.json(targetPath(targets[0]!));
    if (targets.length === 0) throw new KubectlError('no objects passed to scale');
    for (const target of targets) {
      if (dryRunOf(given) === 'client') {
        printResult(call, target.resource, await session.verbatim(targetPath(target)), 'scaled');
        continue;
      }
      const expected = given.int('current-replicas');
      for (let attempt = 0; ; attempt++) {
        const scale = await session.json<Scale>(targetPath(target, 'scale'));
        const current = scale.spec?.replicas ?? 0;
        if (expected >= 0 && current !== expected) throw new KubectlError(`Expected replicas to be ${expected}, was ${current}`);
        if (given.string('resource-version') && given.string('resource-version') !== scale.metadata.resourceVersion) throw new KubectlError(`Expected resource version to be ${given.string('resource-version')}, was ${scale.metadata.resourceVersion}`);
        try {
          await session.call('PUT', targetPath(target, 'scale'), { body: { ...scale, spec: { ...scale.spec, replicas } }, query: { ...writeQuery(call, 'kubectl'), fieldValidation: undefined } });
          break;
        } catch (error) {
          if (!isReason(error, 'Conflict') || attempt >= 5) throw error;
        }
      }
      printResult(call, target.resource, given.string('output') ? await session.verbatim(targetPath(target)) : { metadata: { name: target.name } }, 'scaled');
    }
  },
};
