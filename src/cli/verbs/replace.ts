import { isReason, StatusError } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { systemClock } from '../../base/clock.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { statusText } from '../command/status-text.ts';
import { LAST_APPLIED, withLastApplied } from '../apply/last-applied.ts';
import { checkedWriteFlags, dryRunOf, printResult, writeQuery } from '../mutation/mutation.ts';
import { rawRequest } from '../manifests/raw-request.ts';
import { pathOf, qualifiedKind } from '../command/resource-mapper.ts';
import { fileFlags, manifestTargets, sourcesGiven, targetPath, type Target } from '../targets/targets.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  ...checkedWriteFlags('kubectl-replace'), ...fileFlags,
  'save-config': { type: 'bool', usage: `If true, the configuration of current object will be saved in its annotation (${LAST_APPLIED}).` },
  force: { type: 'bool', usage: 'If true, immediately remove resources from API and bypass graceful deletion.' },
  cascade: { type: 'string', default: 'background', bare: 'background', usage: 'Must be "background", "orphan", or "foreground".' },
  'grace-period': { type: 'int', default: -1, usage: 'Period of time in seconds given to the resource to terminate gracefully.' },
  timeout: { type: 'duration', usage: 'The length of time to wait before giving up on a delete' },
  raw: { type: 'string', usage: 'A URI of the server that is sent a PUT with the file of -f as body.' },
  wait: { type: 'bool', usage: 'With --force, wait until the old objects are gone. Always so here.' },
  subresource: { type: 'string', usage: 'If specified, replace will operate on the subresource of the requested object.' },
} as const satisfies FlagSpecs;

/** Upstream: kubectl pkg/cmd/replace. */
export const verb: Verb = {
  usage: '-f FILENAME',
  summary: 'Replace a resource by file name or stdin',
  flags,
  async run(call) {
    const { flags: given, io } = call;
    if (given.string('raw') && sourcesGiven(given)) return rawRequest(call, 'PUT');
    const force = given.bool('force');
    if (given.int('grace-period') >= 0 && !force) throw new KubectlError('--grace-period must have --force specified');
    if (given.duration('timeout') > 0 && !force) throw new KubectlError('--timeout must have --force specified');
    if (force && dryRunOf(given) !== 'none') throw new KubectlError('--dry-run can not be used when --force is set');
    if (!sourcesGiven(given)) throw new KubectlError('must specify one of -f and -k');
    const targets = await manifestTargets(call);
    if (targets.length === 0) throw new KubectlError('no objects passed to replace');
    let code = 0;
    for (const target of targets) {
      try {
        await (force ? recreate(call, target) : replace(call, target));
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        io.err(`${statusText(error).replace(/^Error from server \(\w+\): /, (head) => `${head}error when replacing "${target.source}": `)}\n`);
        code = 1;
      }
    }
    return code;
  },
};

const bodyOf = (call: Call, { object, resource, namespace }: Target): object => {
  const placed = resource.namespaced ? { ...object, metadata: { ...object!.metadata, namespace } } : object!;
  return call.flags.bool('save-config') ? withLastApplied(placed) : placed;
};

async function replace(call: Call, target: Target): Promise<void> {
  const body = bodyOf(call, target);
  const subresource = call.flags.string('subresource') || undefined;
  if (dryRunOf(call.flags) === 'client') return printResult(call, target.resource, body, 'replaced');
  const live = await call.session.verbatim<KubeObject>(targetPath(target, subresource));
  const { metadata } = body as KubeObject;
  // Without a revision the write means whatever is there: some kinds insist on one.
  const pinned = metadata.resourceVersion ? body : { ...body, metadata: { ...metadata, resourceVersion: live.metadata.resourceVersion } };
  printResult(call, target.resource, await call.session.call('PUT', targetPath(target, subresource), { body: pinned, query: writeQuery(call, 'kubectl-replace') }), 'replaced');
}

/** Deletes, waits until it is gone, creates. */
async function recreate(call: Call, target: Target): Promise<void> {
  const { session, io, flags: given } = call;
  const grace = given.int('grace-period');
  const policies: Readonly<Record<string, string>> = { background: 'Background', orphan: 'Orphan', foreground: 'Foreground' };
  const query = { ...writeQuery(call, 'kubectl-replace'), dryRun: undefined };
  try {
    await session.call('DELETE', targetPath(target), { body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: policies[given.string('cascade')], gracePeriodSeconds: Math.max(grace, 0) } });
    io.out(`${qualifiedKind(target.resource)} "${target.name}" deleted\n`);
    for (;;) {
      await session.json(targetPath(target));
      await systemClock.sleep(100, io.signal);
    }
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error; // gone: what was waited for
  }
  printResult(call, target.resource, await session.call('POST', pathOf(target.resource, { namespace: target.namespace }), { body: bodyOf(call, target), query }), 'replaced');
}
