import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { MANIFEST_YAML } from '../../base/manifest-yaml.ts';
import { isReason } from '../../api/errors.ts';
import { parseApiVersion } from '../../api/resources.ts';
import type { KubeObject } from '../../api/object.ts';
import { kindType } from '../../api/schema/schema.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { dryRunOf, printResult, writeFlags } from '../mutation/mutation.ts';
import { currentObject, isLocal, localFlag, patchObject, type ObjectPatch, type PatchKind } from '../mutation/patch-object.ts';
import { listTargets, type NamedTarget } from '../targets/selected-targets.ts';
import { fileFlags } from '../targets/targets.ts';
import { mergePatchBetween } from '../patches/three-way-merge.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  ...writeFlags('kubectl-patch'), ...fileFlags, ...localFlag,
  patch: { short: 'p', type: 'string', usage: 'The patch to be applied to the resource JSON file.' },
  'patch-file': { type: 'string', usage: 'A file containing a patch to be applied to the resource.' },
  type: { type: 'string', default: 'strategic', usage: 'The type of patch being provided; one of [json merge strategic]' },
  subresource: { type: 'string', usage: 'If specified, patch will operate on the subresource of the requested object.' },
} as const satisfies FlagSpecs;

const KINDS: readonly string[] = ['json', 'merge', 'strategic'];

export const verb: Verb = {
  usage: '(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]',
  summary: 'Update fields of a resource',
  flags,
  async run(call) {
    const { flags: given } = call;
    const wanted = given.string('type').toLowerCase() as PatchKind;
    if (given.string('patch') && given.string('patch-file')) throw new KubectlError('cannot specify --patch and --patch-file together');
    if (isLocal(given) && call.args.length > 0) throw new KubectlError('cannot specify --local and server resources');
    if (isLocal(given) && dryRunOf(given) === 'server') throw new KubectlError('cannot specify --local and --dry-run=server - did you mean --dry-run=client?');
    if (!KINDS.includes(wanted)) throw new KubectlError(`--type must be one of [json merge strategic], not "${given.string('type')}"`);
    if (given.string('patch') === '' && given.string('patch-file') === '') throw new KubectlError('must specify --patch or --patch-file containing the contents of the patch');
    const text = given.string('patch-file') ? readPatch(given.string('patch-file')) : given.string('patch');
    for (const target of await listTargets(call)) {
      const known = kindType(target.resource.group, target.resource.version, target.resource.kind) !== undefined;
      const subresource = given.string('subresource') || undefined;
      const before = await currentObject(call, target, subresource);
      const body = parsed(text);
      if (wanted === 'strategic' && !known && isLocal(given)) throw new KubectlError(`strategic merge patch is not supported for ${target.resource.group}/${target.resource.version}, Kind=${target.resource.kind} locally, try --type merge`);
      const after = await patched(call, target, before, { kind: wanted, body, manager: 'kubectl-patch', subresource });
      // A subresource may be of another kind: scale.
      const { group } = parseApiVersion(after.apiVersion);
      printResult(call, { group, kind: after.kind }, after, unchanged(before, after) ? 'patched (no change)' : 'patched', { sayDryRun: false });
    }
  },
};

function parsed(text: string): unknown {
  try {
    return parse(text, MANIFEST_YAML);
  } catch (error) {
    throw new KubectlError(`unable to parse "${text}": ${(error as Error).message}`);
  }
}

function readPatch(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new KubectlError(`unable to read patch file: open ${file}: no such file or directory`);
  }
}

async function patched(call: Call, target: NamedTarget, before: KubeObject, patch: ObjectPatch): Promise<KubeObject> {
  try {
    return await patchObject(call, target, before, patch);
  } catch (error) {
    if (!isReason(error, 'UnsupportedMediaType')) throw error;
    const { group, version, kind } = target.resource;
    throw new KubectlError(`application/${{ json: 'json-patch', merge: 'merge-patch', strategic: 'strategic-merge-patch' }[patch.kind]}+json is not supported by ${group}/${version}, Kind=${kind}: ${error.message}`);
  }
}

/** In a dry run the revision stays even where something would change. */
function unchanged(before: KubeObject, after: KubeObject): boolean {
  return after.metadata.resourceVersion === before.metadata.resourceVersion && mergePatchBetween(before, after) === undefined;
}
