import { StatusError } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { statusText } from '../command/status-text.ts';
import { dryRunFlag, dryRunOf } from '../mutation/mutation.ts';
import { rawRequest } from '../manifests/raw-request.ts';
import { qualifiedKind } from '../command/resource-mapper.ts';
import { listTargets, type NamedTarget } from '../targets/selected-targets.ts';
import { sourcesGiven, targetFlags, targetPath } from '../targets/targets.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { untilGone } from '../watch/until-gone.ts';

const flags = {
  ...targetFlags,
  all: { type: 'bool', usage: 'Delete all resources, in the namespace of the specified resource types.' },
  'all-namespaces': { short: 'A', type: 'bool', usage: 'If present, list the requested object(s) across all namespaces.' },
  'field-selector': { type: 'string', usage: 'Selector (field query) to filter on' },
  cascade: { type: 'string', default: 'background', bare: 'background', usage: 'Must be "background", "orphan", or "foreground".' },
  'dry-run': dryRunFlag,
  force: { type: 'bool', usage: 'If true, immediately remove resources from API and bypass graceful deletion.' },
  'grace-period': { type: 'int', default: -1, usage: 'Period of time in seconds given to the resource to terminate gracefully.' },
  'ignore-not-found': { type: 'bool', usage: 'Treat "resource not found" as a successful delete.' },
  interactive: { short: 'i', type: 'bool', usage: 'Show what would be deleted and ask before it is.' },
  raw: { type: 'string', usage: 'A URI of the server that is sent a DELETE, with the file of -f as body.' },
  now: { type: 'bool', usage: 'If true, resources are signaled for immediate shutdown (same as --grace-period=1).' },
  output: { short: 'o', type: 'string', usage: 'Output mode. Use "-o name" for shorter output (resource/name).' },
  timeout: { type: 'duration', usage: 'The length of time to wait before giving up on a delete, zero means determine a timeout from the size of the object' },
  wait: { type: 'bool', default: true, usage: 'If true, wait for resources to be gone before returning. This waits for finalizers.' },
} as const satisfies FlagSpecs;

export const verb: Verb = {
  usage: '([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)])',
  summary: 'Delete resources by file names, stdin, resources and names, or by resources and label selector',
  flags,
  async run(call) {
    const { flags: given, session, io } = call;
    if (given.string('raw')) {
      if (given.bool('interactive')) throw new KubectlError('--interactive can not be used with --raw');
      return rawRequest(call, 'DELETE');
    }
    const policies: Readonly<Record<string, string>> = { background: 'Background', orphan: 'Orphan', foreground: 'Foreground', true: 'Background', false: 'Orphan' };
    const propagationPolicy = policies[given.string('cascade')];
    if (!propagationPolicy) throw new KubectlError(`invalid cascade value (${given.string('cascade')}). Must be "background", "foreground", or "orphan"`);
    if (!['', 'name'].includes(given.string('output'))) throw new KubectlError(`unexpected -o output mode: ${given.string('output')}. We only support '-o name'`);
    if (given.changed('cascade') && ['true', 'false'].includes(given.string('cascade'))) io.err(`warning: --cascade=${given.string('cascade')} is deprecated (boolean value) and can be replaced with --cascade=${given.string('cascade') === 'true' ? 'background' : 'orphan'}.\n`);
    const grace = gracePeriod(call);
    if (call.args.length === 0 && !sourcesGiven(given) && (given.bool('all') || given.string('selector'))) throw new KubectlError('at least one resource must be specified to use a selector');
    if (call.args.length === 0 && !sourcesGiven(given)) throw new KubectlError("You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'");
    if (given.bool('all') && (given.string('selector') || given.string('field-selector'))) throw new KubectlError("setting 'all' parameter but found a non empty selector. ");
    const targets = await listTargets(call, { allNamespaces: given.bool('all-namespaces') });
    if (targets.length === 0) {
      if (!given.string('output')) io.out('No resources found\n');
      return 0;
    }
    if (given.bool('interactive') && !(await confirmed(call, targets))) {
      io.out('deletion is cancelled\n');
      return 0;
    }
    const tolerant = given.bool('ignore-not-found') || given.bool('all');
    const dryRun = dryRunOf(given);
    if (session.namespaceGiven && targets.some(({ resource }) => !resource.namespaced)) io.err('Warning: deleting cluster-scoped resources, not scoped to the provided namespace\n');
    const deleted: { target: NamedTarget; uid: string | undefined }[] = [];
    let code = 0;
    for (const target of targets) {
      try {
        // What would be deleted is not looked for either.
        const answer = dryRun === 'client' ? { metadata: undefined } : await session.call<KubeObject & { readonly details?: { readonly uid?: string } }>('DELETE', targetPath(target), {
          body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy, ...(grace !== undefined && { gracePeriodSeconds: grace }), ...(dryRun === 'server' && { dryRun: ['All'] }) },
        });
        const uid = answer.metadata?.uid ?? ('details' in answer ? (answer.details as { uid?: string }).uid : undefined);
        deleted.push({ target, uid });
        const suffix = { none: '', client: ' (dry run)', server: ' (server dry run)' }[dryRun];
        const what = `${qualifiedKind(target.resource)}`;
        if (given.string('output') === 'name') io.out(`${what}/${target.name}\n`);
        else io.out(`${what} "${target.name}" ${given.bool('force') && grace === 0 ? 'force deleted' : 'deleted'}${target.resource.namespaced && target.namespace ? ` from ${target.namespace} namespace` : ''}${suffix}\n`);
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        if (tolerant && error.reason === 'NotFound') continue;
        io.err(`${statusText(error)}\n`);
        code = 1;
      }
    }
    if (given.bool('wait') && dryRun === 'none' && grace !== 0) for (const { target, uid } of deleted) await untilGone(call, target, uid, given.duration('timeout'));
    return code;
  },
};

/** Shows what is about to go; whether the person says yes. */
async function confirmed({ io }: Call, targets: readonly NamedTarget[]): Promise<boolean> {
  io.out(`You are about to delete the following ${targets.length} resource(s):\n${targets.map(({ resource, name }) => `${qualifiedKind(resource)}/${name}\n`).join('')}Do you want to continue? (y/N): `);
  return (await firstLine(io.stdin)).trim().toLowerCase() === 'y';
}

async function firstLine(input: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of input) {
    text += chunk.toString();
    if (text.includes('\n')) break;
  }
  return text.split('\n')[0]!;
}

function gracePeriod(call: Call): number | undefined {
  const { flags: given, io } = call;
  if (given.bool('now') && given.int('grace-period') !== -1) throw new KubectlError('--now and --grace-period cannot be specified together');
  if (given.bool('force') && (given.bool('now') || given.int('grace-period') > 0)) throw new KubectlError('--force and --grace-period greater than 0 cannot be specified together');
  if (given.bool('now')) {
    return 1;
  }
  if (given.bool('force')) {
    io.err('Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n');
    return Math.max(given.int('grace-period'), 0);
  }
  const grace = given.int('grace-period');
  // At once means only with --force; without it the shortest orderly end.
  return grace < 0 ? undefined : Math.max(grace, 1);
}
