import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { KubeObject } from '../../api/object.ts';
import { kindType } from '../../api/schema/schema.ts';
import type { FlagSpecs } from '../flags.ts';
import { dryRunOf, mutationFlags, printResult, writeQuery } from '../mutation.ts';
import { listTargets } from '../selected-targets.ts';
import { targetFlags, targetPath } from '../targets.ts';
import { mergePatchBetween } from '../three-way-merge.ts';
import { KubectlError, type Verb } from '../verb.ts';

const flags = {
  ...mutationFlags, ...targetFlags,
  patch: { short: 'p', type: 'string', usage: 'The patch to be applied to the resource JSON file.' },
  'patch-file': { type: 'string', usage: 'A file containing a patch to be applied to the resource.' },
  type: { type: 'string', default: 'strategic', usage: 'The type of patch being provided; one of [json merge strategic]' },
  subresource: { type: 'string', usage: 'If specified, patch will operate on the subresource of the requested object.' },
} as const satisfies FlagSpecs;

const contentTypes: Readonly<Record<string, string>> = { json: 'application/json-patch+json', merge: 'application/merge-patch+json', strategic: 'application/strategic-merge-patch+json' };

export const verb: Verb = {
  usage: '(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]',
  summary: 'Update fields of a resource',
  flags,
  async run(call) {
    const { flags: given, session } = call;
    const contentType = contentTypes[given.string('type').toLowerCase()];
    if (!contentType) throw new KubectlError(`--type must be one of [json merge strategic], not "${given.string('type')}"`);
    if ((given.string('patch') === '') === (given.string('patch-file') === '')) throw new KubectlError('must specify --patch or --patch-file containing the contents of the patch');
    const text = given.string('patch-file') ? readFileSync(given.string('patch-file'), 'utf8') : given.string('patch');
    let body: unknown;
    try {
      body = parse(text);
    } catch (error) {
      throw new KubectlError(`unable to parse "${text}": ${(error as Error).message}`);
    }
    for (const target of await listTargets(call)) {
      const type = contentType === contentTypes.strategic && !kindType(target.resource.group, target.resource.version, target.resource.kind) ? contentTypes.merge! : contentType;
      const before = await session.json<KubeObject>(targetPath(target, given.string('subresource') || undefined));
      const after = dryRunOf(given) === 'client' ? before
        : await session.call<KubeObject>('PATCH', targetPath(target, given.string('subresource') || undefined), { body, contentType: type, query: writeQuery(call, 'kubectl-patch') });
      printResult(call, target.resource, after, unchanged(before, after) ? 'patched (no change)' : 'patched', { sayDryRun: !unchanged(before, after) });
    }
  },
};

/** In a dry run the revision stays even where something would change. */
function unchanged(before: KubeObject, after: KubeObject): boolean {
  return after.metadata.resourceVersion === before.metadata.resourceVersion && mergePatchBetween(before, after) === undefined;
}
