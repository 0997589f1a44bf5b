import { isReason, StatusError } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { kindType } from '../../api/schema/schema.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { statusText } from '../command/status-text.ts';
import { migrateToServerSide } from '../apply/apply-migration.ts';
import { LAST_APPLIED, lastApplied, withLastApplied } from '../apply/last-applied.ts';
import { checkedWriteFlags, dryRunOf, printResult, writeQuery } from '../mutation/mutation.ts';
import type { NamedTarget } from '../targets/selected-targets.ts';
import { untilGone } from '../watch/until-gone.ts';
import { toYaml } from '../printers/yaml.ts';
import { pathOf } from '../command/resource-mapper.ts';
import { manifestTargets, sourcesGiven, targetFlags, targetPath, type Target } from '../targets/targets.ts';
import { mergePatchBetween, threeWayMerge } from '../patches/three-way-merge.ts';
import { checkPrune, prune, prunedKinds } from '../apply/prune.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { editLastApplied, setLastApplied, viewLastApplied } from './apply-last-applied.ts';

const flags = {
  ...checkedWriteFlags('kubectl-client-side-apply'), ...targetFlags,
  cascade: { type: 'string', default: 'background', bare: 'background', usage: 'With --force and --prune: what happens to dependents: background, orphan or foreground.' },
  'grace-period': { type: 'int', default: -1, usage: 'With --force and --prune: seconds that an object gets to end.' },
  timeout: { type: 'duration', usage: 'With --force and --prune: how long to wait for the end, zero for no limit.' },
  wait: { type: 'bool', usage: 'With --prune: wait until pruned objects are gone.' },
  'openapi-patch': { type: 'bool', default: true, usage: 'Taken for the sake of scripts: ours always knows the types.' },
  subresource: { type: 'string', usage: 'Apply to this subresource (status, scale). With --server-side only.' },
  'server-side': { type: 'bool', usage: 'If true, apply runs in the server instead of the client.' },
  'force-conflicts': { type: 'bool', usage: 'If true, server-side apply will force the changes against conflicts.' },
  prune: { type: 'bool', usage: 'Automatically delete resource objects, that do not appear in the configs and are created by either apply or create --save-config.' },
  all: { type: 'bool', usage: 'Select all resources in the namespace of the specified resource types.' },
  applyset: { type: 'string', usage: 'With --prune: the object that keeps which objects belong together, NAME of a secret or TYPE/NAME. Alpha: only with KUBECTL_APPLYSET=true.' },
  'prune-allowlist': { type: 'array', usage: 'Overwrite the default allowlist with <group/version/kind> for --prune' },
  overwrite: { type: 'bool', default: true, usage: 'Automatically resolve conflicts between the modified and live configuration by using values from the modified configuration' },
  force: { type: 'bool', usage: 'If true, immediately remove resources from API and bypass graceful deletion.' },
} as const satisfies FlagSpecs;

const CLIENT_SIDE = 'kubectl-client-side-apply';

export const verb: Verb = {
  usage: '(-f FILENAME | -k DIRECTORY)',
  summary: 'Apply a configuration to a resource by file name or stdin',
  flags,
  verbs: { 'view-last-applied': viewLastApplied, 'edit-last-applied': editLastApplied, 'set-last-applied': setLastApplied },
  async run(call) {
    if (call.args.length > 0) throw new KubectlError(`Unexpected args: [${call.args.join(' ')}]\nSee 'kubectl apply -h' for help and examples`);
    if (call.flags.bool('force-conflicts') && !call.flags.bool('server-side')) throw new KubectlError('--force-conflicts only works with --server-side');
    if (call.flags.string('subresource') && !call.flags.bool('server-side')) throw new KubectlError('--subresource can only be specified for --server-side');
    if (call.flags.bool('force') && call.flags.bool('server-side')) throw new KubectlError('--force cannot be used with --server-side');
    if (!sourcesGiven(call.flags)) throw new KubectlError('must specify one of -f and -k');
    writeQuery(call, CLIENT_SIDE); // says at once what is wrong with the flags
    const set = call.flags.string('applyset') ? await (await import('../apply/apply-set.ts')).ApplySet.of(call) : undefined;
    if (call.flags.bool('prune') && !set) checkPrune(call);
    const read = await manifestTargets(call);
    const targets = set ? set.labelled(read) : read;
    if (targets.length === 0) throw new KubectlError('no objects passed to apply');
    if (set) await set.begin(targets);
    else if (call.flags.bool('prune')) await prunedKinds(call);
    let code = 0;
    for (const target of targets) {
      try {
        const object = await (call.flags.bool('server-side') ? applyServerSide(call, target) : applyClientSide(call, target));
        set?.visit(object);
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        call.io.err(`${applyFault(error, target)}\n`);
        code = 1;
      }
    }
    if (code !== 0) return code;
    if (set) await set.prune();
    else if (call.flags.bool('prune')) await prune(call, targets);
    return code;
  },
};

function applyFault(error: StatusError, target: Target): string {
  const text = statusText(error);
  return error.reason === 'Invalid' || !text.startsWith('Error from server') ? text : text.replace(/^(Error from server(?: \(\w+\))?): /, `$1: error when applying "${target.source}": `.replace('applying', 'creating'));
}

const CONFLICT_HELP = `Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the \`--force-conflicts\` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`;

async function applyServerSide(call: Call, target: Target): Promise<KubeObject> {
  const { session, flags: given } = call;
  if (dryRunOf(given) === 'client') throw new KubectlError("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)");
  if (!target.name) throw new KubectlError('metadata.name is required for server-side apply');
  const subresource = given.string('subresource') || undefined;
  const manager = given.changed('field-manager') ? given.string('field-manager') : 'kubectl';
  const send = (): Promise<KubeObject> => session.call<KubeObject>('PATCH', targetPath(target, subresource), {
    body: toYaml(target.object), contentType: 'application/apply-patch+yaml',
    query: { ...writeQuery(call, manager), fieldManager: manager, force: given.bool('force-conflicts') ? 'true' : undefined },
  });
  let object: KubeObject;
  try {
    object = await send();
  } catch (error) {
    if (!isReason(error, 'Conflict')) throw error;
    throw new KubectlError(`${error.message}\n${CONFLICT_HELP}`);
  }
  if (dryRunOf(given) === 'none' && subresource === undefined) object = await migrateToServerSide(call, target, object, manager, send);
  printResult(call, target.resource, object, 'serverside-applied');
  return object;
}

async function applyClientSide(call: Call, target: Target): Promise<KubeObject> {
  const { session, io } = call;
  const { resource, namespace } = target;
  const named = resource.namespaced ? { ...target.object!, metadata: { ...target.object!.metadata, namespace } } : target.object!;
  const modified = withLastApplied(named);
  let live: KubeObject | undefined;
  if (target.name !== undefined) {
    try {
      live = await session.verbatim<KubeObject>(targetPath(target));
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
  if (!live) {
    if (dryRunOf(call.flags) === 'client') return told(call, target, modified as unknown as KubeObject, 'created');
    return told(call, target, await session.call<KubeObject>('POST', pathOf(resource, { namespace }), { body: modified, query: writeQuery(call, CLIENT_SIDE) }), 'created');
  }
  const original = lastApplied(live);
  if (original === undefined) {
    io.err(`Warning: resource ${resource.resource}/${target.name} is missing the ${LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.\n`);
  }
  for (let attempt = 0; ; attempt++) {
    const wanted = threeWayMerge(original, modified, live, kindType(resource.group, resource.version, resource.kind));
    const patch = mergePatchBetween(live, wanted) as Record<string, unknown> | undefined;
    if (dryRunOf(call.flags) === 'client') return told(call, target, wanted as KubeObject, 'configured');
    if (!patch) return told(call, target, live, 'unchanged');
    try {
      const body = { ...patch, metadata: { ...(patch.metadata as object | undefined), resourceVersion: live.metadata.resourceVersion } };
      const next = await session.call<KubeObject>('PATCH', targetPath(target), { body, contentType: 'application/merge-patch+json', query: writeQuery(call, CLIENT_SIDE) });
      // Defaults may undo a difference that is none: nothing was written then.
      return told(call, target, next, next.metadata.resourceVersion === live.metadata.resourceVersion && dryRunOf(call.flags) === 'none' ? 'unchanged' : 'configured');
    } catch (error) {
      if (isReason(error, 'Conflict', 'Invalid') && call.flags.bool('force') && dryRunOf(call.flags) === 'none' && (attempt >= 5 || isReason(error, 'Invalid'))) return recreate(call, target, modified);
      if (!isReason(error, 'Conflict') || attempt >= 5) throw error;
      live = await session.verbatim<KubeObject>(targetPath(target));
    }
  }
}

function told(call: Call, { resource }: Target, object: KubeObject, done: string): KubeObject {
  printResult(call, resource, object, done);
  return object;
}

/** `--force`: what cannot be changed is deleted and made anew. */
async function recreate(call: Call, target: Target, modified: object): Promise<KubeObject> {
  const { session, flags: given } = call;
  const policies: Readonly<Record<string, string>> = { background: 'Background', orphan: 'Orphan', foreground: 'Foreground' };
  const grace = given.int('grace-period');
  await session.call('DELETE', targetPath(target), { body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: policies[given.string('cascade')], ...(grace >= 0 && { gracePeriodSeconds: grace }) } });
  await untilGone(call, target as NamedTarget, undefined, given.duration('timeout'));
  return told(call, target, await session.call<KubeObject>('POST', pathOf(target.resource, { namespace: target.namespace }), { body: modified, query: writeQuery(call, CLIENT_SIDE) }), 'configured');
}
