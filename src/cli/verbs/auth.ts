import type { SelfSubjectAccessReview, SelfSubjectRulesReview } from '../../api/generated/authorization-v1.ts';
import type { SelfSubjectReview } from '../../api/generated/authentication-v1.ts';
import { compactRules, qualifiedResource } from '../describe/role.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { dryRunFlag, dryRunOf } from '../mutation/mutation.ts';
import { objectPrinter, outputFlags } from '../printers/object-printer.ts';
import { textTable } from '../printers/text-table.ts';
import { reconcileRbac } from '../apply/reconcile-rbac.ts';
import { fileFlags, manifestTargets, sourcesGiven } from '../targets/targets.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const canIFlags = {
  'all-namespaces': { short: 'A', type: 'bool', usage: 'If true, check the specified action in all namespaces.' },
  quiet: { short: 'q', type: 'bool', usage: 'If true, suppress output and just return the exit code.' },
  subresource: { type: 'string', usage: 'SubResource such as pod/log or deployment/scale' },
  list: { type: 'bool', usage: 'If true, prints all allowed actions.' },
  'no-headers': { type: 'bool', usage: 'If true, prints allowed actions without headers' },
} as const satisfies FlagSpecs;

const RESOURCE_VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection', 'use', 'bind', 'impersonate', '*', 'approve', 'sign', 'escalate', 'attest'];
const URL_VERBS = ['get', 'put', 'post', 'head', 'options', 'delete', 'patch', '*'];

/** Upstream: kubectl pkg/cmd/auth. */
export const verb: Verb = {
  usage: 'SUBCOMMAND',
  summary: 'Inspect authorization',
  flags: {},
  verbs: {
    'can-i': { usage: 'VERB [TYPE | TYPE/NAME | NONRESOURCEURL]', summary: 'Check whether an action is allowed', flags: canIFlags, run: canI },
    whoami: { usage: '', summary: 'Experimental: Check self subject attributes', flags: outputFlags, run: whoAmI },
    reconcile: {
      usage: '-f FILENAME', summary: 'Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects', run: reconcile,
      flags: {
        ...outputFlags, 'dry-run': dryRunFlag, ...fileFlags,
        'remove-extra-permissions': { type: 'bool', usage: 'If true, removes extra permissions added to roles' }, 'remove-extra-subjects': { type: 'bool', usage: 'If true, removes extra subjects added to rolebindings' },
      },
    },
  },
};

async function canI(call: Call): Promise<number> {
  const { flags, args, session, io } = call;
  if (flags.bool('list')) {
    if (args.length > 0) throw new KubectlError('list option must be specified with no arguments');
    if (flags.bool('quiet') || flags.bool('all-namespaces') || flags.string('subresource')) throw new KubectlError("list option can't be specified with neither quiet, all-namespaces nor subresource options");
    return listRules(call);
  }
  if (args.length < 1 || args.length > 3 || (args.length === 1)) throw new KubectlError("you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.");
  const [action, what = '', third] = args;
  const warn = (text: string): void => {
    if (!flags.bool('quiet')) io.err(`Warning: ${text}\n\n`);
  };
  let spec: object;
  if (what.startsWith('/')) {
    if (flags.string('subresource')) throw new KubectlError('--subresource can not be used with NonResourceURL');
    if (!URL_VERBS.includes(action!)) warn(`verb '${action}' is not a known verb`);
    spec = { nonResourceAttributes: { verb: action, path: what } };
  } else {
    const [type, name = third ?? ''] = what.split('/');
    const found = type === '*' ? undefined : (await session.mapper((builtIn) => builtIn.find(type!))).find(type!);
    if (!found && type !== '*') {
      const [resource, ...group] = type!.toLowerCase().split('.');
      if (!['users', 'groups', 'userextras'].includes(resource!)) warn(group.length > 0 ? `the server doesn't have a resource type '${resource}' in group '${group.join('.')}'` : `the server doesn't have a resource type '${resource}'`);
    }
    if (found && !found.namespaced && !flags.bool('all-namespaces')) warn(`resource '${found.resource}' is not namespace scoped${found.group ? ` in group '${found.group}'` : ''}`);
    if (!RESOURCE_VERBS.includes(action!)) warn(`verb '${action}' is not a known verb`);
    const namespace = flags.bool('all-namespaces') ? '' : await session.namespace();
    spec = { resourceAttributes: { namespace, verb: action, group: found?.group ?? '', resource: found?.resource ?? type, subresource: flags.string('subresource'), name } };
  }
  if (flags.bool('no-headers')) throw new KubectlError('--no-headers cannot be set without --list specified');
  const { status } = await session.call<SelfSubjectAccessReview>('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec } });
  const why = [status?.reason, status?.evaluationError].filter(Boolean).map((text) => ` - ${text}`).join('');
  if (!flags.bool('quiet')) io.out(status?.allowed ? 'yes\n' : `no${why}\n`);
  return status?.allowed ? 0 : 1;
}

async function listRules({ flags, session, io }: Call): Promise<number> {
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace: await session.namespace() } };
  const { status } = await session.call<SelfSubjectRulesReview>('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', { body });
  if (status?.incomplete) io.err(`Warning: the list may be incomplete: ${status.evaluationError ?? ''}\n`);
  const rules = compactRules([...(status?.resourceRules ?? []), ...(status?.nonResourceRules ?? [])]);
  const rows = rules.map((rule) => [qualifiedResource(rule), `[${rule.url ?? ''}]`, `[${rule.name ?? ''}]`, `[${rule.verbs.join(' ')}]`]);
  io.out(textTable(flags.bool('no-headers') ? rows : [['Resources', 'Non-Resource URLs', 'Resource Names', 'Verbs'], ...rows]));
  return 0;
}

async function whoAmI({ flags, session, io }: Call): Promise<void> {
  const review = await session.call<SelfSubjectReview>('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' } });
  const printer = objectPrinter(flags);
  if (printer) return io.out(printer(review));
  const { username, uid, groups = [], extra = {} } = review.status?.userInfo ?? {};
  io.out(textTable([
    ['ATTRIBUTE', 'VALUE'], ...(username ? [['Username', username]] : []), ...(uid ? [['UID', uid]] : []), ...(groups.length > 0 ? [['Groups', `[${groups.join(' ')}]`]] : []),
    ...Object.entries(extra).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, values]) => [`Extra: ${key}`, `[${values.join(' ')}]`]),
  ]));
}

async function reconcile(call: Call): Promise<void> {
  const { flags } = call;
  if (call.args.length > 0) throw new KubectlError('no arguments are allowed');
  if (dryRunOf(flags) === 'server') throw new KubectlError('--dry-run=server for command reconcile is not supported yet');
  if (!sourcesGiven(flags)) throw new KubectlError('must specify one of -f and -k');
  for (const target of await manifestTargets(call)) await reconcileRbac(call, target);
}
