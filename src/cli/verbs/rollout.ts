import { isReason } from '../../api/errors.ts';
import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from '../../api/generated/apps-v1.ts';
import type { PodTemplateSpec } from '../../api/generated/core-v1.ts';
import { apiVersionOf, type KubeObject, type ObjectList } from '../../api/object.ts';
import { formatLabelSelector } from '../../api/selector.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { dryRunFlag, dryRunOf, printResult, writeFlags, writeQuery } from '../mutation/mutation.ts';
import { textTable } from '../printers/text-table.ts';
import { pathOf, qualifiedKind } from '../command/resource-mapper.ts';
import { rolloutStatus } from '../watch/rollout-status.ts';
import { describePodTemplate } from '../describe/pod-template.ts';
import { DescribeWriter } from '../describe/writer.ts';
import { listTargets, type NamedTarget } from '../targets/selected-targets.ts';
import { sourcesGiven, targetFlags, targetPath } from '../targets/targets.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { watchLines } from '../watch/watch-lines.ts';
import { objectPrinter, outputFlags } from '../printers/object-printer.ts';

const CHANGE_CAUSE = 'kubernetes.io/change-cause';
const REVISION = 'deployment.kubernetes.io/revision';
const flags = { ...targetFlags, ...outputFlags, 'field-manager': writeFlags('kubectl-rollout')['field-manager'] } as const satisfies FlagSpecs;
const { 'field-manager': _manager, ...unmanaged } = flags;

type Workload = Deployment | DaemonSet | StatefulSet;

/** A type without names means all of them. */
async function targetsOf(call: Call): Promise<NamedTarget[]> {
  if (call.args.length === 0 && !sourcesGiven(call.flags)) throw new KubectlError('required resource not specified');
  const targets = await listTargets(call, { typeMeansAll: true });
  if (targets.length === 0) call.io.err(`No resources found in ${await call.session.namespace()} namespace.\n`);
  return targets;
}

/** A pod template in kubectl's words. */
function templateText(template: unknown): string {
  const out = new DescribeWriter();
  describePodTemplate(out, template as PodTemplateSpec | undefined);
  return out.toString();
}

async function status(call: Call): Promise<number> {
  const { session, io, flags: given } = call;
  const timeout = given.duration('timeout');
  if (given.int('revision') < 0) throw new KubectlError(`revision must be a positive integer: ${given.int('revision')}`);
  const signal = timeout > 0 ? AbortSignal.any([io.signal, AbortSignal.timeout(timeout)]) : io.signal;
  for (const target of await targetsOf(call)) {
    const path = pathOf(target.resource, { namespace: target.namespace });
    const fieldSelector = `metadata.name=${target.name}`;
    let last = '';
    /** Whether the rollout is done, after telling how far it is. */
    const tell = (object: Workload): boolean => {
      const { message, done } = rolloutStatus(object, given.int('revision'));
      if (message !== last) io.out(message);
      last = message;
      return done || !given.bool('watch');
    };
    let done = false;
    while (!done) {
      const list = await session.json<ObjectList<Workload>>(path, { query: { fieldSelector } });
      const [object] = list.items;
      if (!object) throw new KubectlError(`Error from server (NotFound): ${target.resource.resource}${target.resource.group ? `.${target.resource.group}` : ''} "${target.name}" not found`, { bare: true });
      done = tell({ ...object, apiVersion: apiVersionOf(target.resource), kind: target.resource.kind } as Workload);
      if (done) break;
      try {
        for await (const frame of watchLines<Workload>(session, path, { fieldSelector, resourceVersion: list.metadata.resourceVersion }, false, signal)) {
          if (frame.type === 'DELETED') throw new KubectlError('object has been deleted');
          if (frame.type !== 'BOOKMARK' && (done = tell(frame.object))) break;
        }
      } catch (error) {
        if (!isReason(error, 'Expired', 'Gone')) throw error;
      }
      if (!done && signal.aborted) throw new KubectlError(io.signal.aborted ? '' : 'timed out waiting for the condition');
    }
  }
  return 0;
}

interface Revision {
  readonly revision: number;
  readonly cause: string;
  /** What keeps it. */
  readonly object: KubeObject;
  /** The pod template as it is kept, and as the workload had it. */
  readonly kept: unknown;
  readonly template: unknown;
}

/** A revision keeps its template as a patch that replaces. */
function withoutPatch(template: unknown): unknown {
  const { $patch: _replace, ...rest } = (template ?? {}) as { readonly $patch?: string };
  return rest;
}

/** The revisions of a workload, oldest first, with the pod template and cause of each. */
async function revisions(call: Call, target: NamedTarget, what: 'history' | 'rollbacker' = 'history'): Promise<Revision[]> {
  const { session } = call;
  const owner = await session.json<Workload>(targetPath(target));
  const owned = (object: KubeObject): boolean => object.metadata.ownerReferences?.some((ref) => ref.controller && ref.uid === owner.metadata.uid) === true;
  const labelSelector = formatLabelSelector((owner.spec as Workload['spec'] | undefined)?.selector);
  if (target.resource.kind === 'Deployment') {
    const list = await session.json<ObjectList<ReplicaSet>>(`/apis/apps/v1/namespaces/${target.namespace}/replicasets`, { query: { labelSelector } });
    return list.items.filter(owned).map((rs) => {
      const { 'pod-template-hash': _hash, ...labels } = rs.spec.template?.metadata?.labels ?? {};
      return {
        revision: Number(rs.metadata.annotations?.[REVISION] ?? 0), cause: rs.metadata.annotations?.[CHANGE_CAUSE] ?? '<none>', object: { ...rs, apiVersion: 'apps/v1', kind: 'ReplicaSet' },
        kept: rs.spec.template, template: { ...rs.spec.template, metadata: { ...rs.spec.template?.metadata, labels } },
      };
    }).toSorted((a, b) => a.revision - b.revision);
  }
  if (target.resource.kind !== 'StatefulSet' && target.resource.kind !== 'DaemonSet') throw new KubectlError(`error retrieving ${what} for "${target.resource.kind}", no visitor method exists for {${target.resource.group} ${target.resource.kind}}`);
  const list = await session.json<ObjectList<ControllerRevision>>(`/apis/apps/v1/namespaces/${target.namespace}/controllerrevisions`, { query: { labelSelector } });
  return list.items.filter(owned).map((cr) => {
    const template = (cr.data as { readonly spec?: { readonly template?: unknown } } | undefined)?.spec?.template;
    return { revision: cr.revision, cause: cr.metadata.annotations?.[CHANGE_CAUSE] ?? '<none>', object: { ...owner, apiVersion: 'apps/v1', kind: target.resource.kind, spec: { ...owner.spec, template: withoutPatch(template) } } as unknown as KubeObject, kept: template, template };
  }).toSorted((a, b) => a.revision - b.revision);
}

async function history(call: Call): Promise<void> {
  for (const target of await targetsOf(call)) {
    const found = await revisions(call, target);
    const wanted = call.flags.int('revision');
    const printer = objectPrinter(call.flags);
    if (printer) {
      const chosen = wanted > 0 ? found.filter(({ revision }) => revision === wanted) : found;
      for (const { object } of chosen) call.io.out(printer(object));
      continue;
    }
    if (wanted > 0) {
      const one = found.find(({ revision }) => revision === wanted);
      if (!one) throw new KubectlError(`unable to find the specified revision`);
      call.io.out(`${qualifiedKind(target.resource)}/${target.name} with revision #${wanted}\n${templateText(one.kept)}\n`);
      continue;
    }
    call.io.out(`${qualifiedKind(target.resource)}/${target.name} \n${textTable([['REVISION', 'CHANGE-CAUSE'], ...found.map(({ revision, cause }) => [String(revision), cause])]).replaceAll(/ {3}(?=\S)/g, '  ')}\n`);
  }
}

async function undo(call: Call): Promise<void> {
  const { session, flags: given } = call;
  for (const target of await targetsOf(call)) {
    const found = await revisions(call, target, 'rollbacker');
    const wanted = given.int('to-revision');
    const to = wanted > 0 ? found.find(({ revision }) => revision === wanted) : found.at(-2);
    if (!to) throw new KubectlError(wanted > 0 ? `unable to find specified revision ${wanted} in history` : target.resource.kind === 'Deployment' ? `no rollout history found for deployment "${target.name}"` : 'no last revision to roll back to');
    const live = await session.json<Workload>(targetPath(target));
    if (found.at(-1) === to) {
      printResult(call, target.resource, live, `skipped rollback (current template already matches revision ${to.revision})`);
      continue;
    }
    if (target.resource.kind === 'Deployment' && (live as Deployment).spec.paused) throw new KubectlError('you cannot rollback a paused deployment; resume it first with \'kubectl rollout resume\' and try again');
    const body = [{ op: 'replace', path: '/spec/template', value: to.template }];
    if (dryRunOf(given) === 'client') {
      printResult(call, target.resource, live, templateText(to.kept), { sayDryRun: false });
      continue;
    }
    const next = await session.call('PATCH', targetPath(target), { body, contentType: 'application/json-patch+json', query: writeQuery(call, 'kubectl-rollout') });
    printResult(call, target.resource, next, 'rolled back');
  }
}

const unsupported = ({ resource, name }: NamedTarget, doing: string): KubectlError => new KubectlError(`${resource.resource}${resource.group ? `.${resource.group}` : ''} "${name}" ${doing} is not supported`);

async function restart(call: Call): Promise<void> {
  for (const target of await targetsOf(call)) {
    const live = await call.session.json<Deployment>(targetPath(target));
    if (!['Deployment', 'StatefulSet', 'DaemonSet'].includes(target.resource.kind)) throw unsupported(target, 'restarting');
    if (live.spec.paused) throw new KubectlError(`${target.resource.resource}.${target.resource.group} "${target.name}" can't restart paused deployment (run rollout resume first)`);
    const restartedAt = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const body = { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': restartedAt } } } } };
    printResult(call, target.resource, await call.session.call('PATCH', targetPath(target), { body, contentType: 'application/strategic-merge-patch+json', query: writeQuery(call, 'kubectl-rollout') }), 'restarted');
  }
}

const pausing = (paused: boolean) => async (call: Call): Promise<void> => {
  for (const target of await targetsOf(call)) {
    const live = await call.session.json<Deployment>(targetPath(target));
    if (target.resource.kind !== 'Deployment') throw unsupported(target, paused ? 'pausing' : 'resuming');
    if ((live.spec.paused ?? false) === paused) throw new KubectlError(`${target.resource.resource}.${target.resource.group} "${target.name}" is ${paused ? 'already paused' : 'not paused'}`);
    const body = { spec: { paused: paused ? true : null } };
    printResult(call, target.resource, await call.session.call('PATCH', targetPath(target), { body, contentType: 'application/merge-patch+json', query: writeQuery(call, 'kubectl-rollout') }), paused ? 'paused' : 'resumed');
  }
};

const usage = '(TYPE NAME | TYPE/NAME) [flags]';
export const verb: Verb = {
  usage: 'SUBCOMMAND',
  summary: 'Manage the rollout of one or many resources.',
  flags: {},
  withoutVerb: { helpTo: 'out', code: 1 },
  verbs: {
    history: { usage, summary: 'View rollout history', flags: { ...unmanaged, revision: { type: 'int', usage: 'See the details, including podTemplate of the revision specified' } }, run: history },
    pause: { usage, summary: 'Mark the provided resource as paused', flags, run: pausing(true) },
    restart: { usage, summary: 'Restart a resource', flags, run: restart },
    resume: { usage, summary: 'Resume a paused resource', flags, run: pausing(false) },
    status: {
      usage, summary: 'Show the status of the rollout', run: status,
      flags: {
        ...targetFlags, revision: { type: 'int', usage: 'Pin to a specific revision for showing its status.' }, timeout: { type: 'duration', usage: 'The length of time to wait before ending watch, zero means never.' },
        watch: { short: 'w', type: 'bool', default: true, usage: 'Watch the status of the rollout until it\'s done.' },
      },
    },
    undo: { usage, summary: 'Undo a previous rollout', flags: { ...unmanaged, 'dry-run': dryRunFlag, 'to-revision': { type: 'int', usage: 'The revision to rollback to. Default to 0 (last revision).' } }, run: undo },
  },
};
