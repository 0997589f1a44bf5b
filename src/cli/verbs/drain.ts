import { parseSelector } from '../../api/selector.ts';
import { isReason, StatusError } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import type { ObjectList } from '../../api/object.ts';
import { systemClock } from '../../base/clock.ts';
import { nodesOf, setUnschedulable } from '../nodes/cordon-verb.ts';
import { podsToDrain } from '../nodes/drain-filters.ts';
import { formatDuration, type FlagSpecs } from '../command/flags.ts';
import { dryRunFlag, dryRunOf, printResult } from '../mutation/mutation.ts';
import type { NamedTarget } from '../targets/selected-targets.ts';
import { targetFlags } from '../targets/targets.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  selector: targetFlags.selector, 'dry-run': dryRunFlag,
  force: { type: 'bool', usage: 'Continue even if there are pods that do not declare a controller.' },
  'grace-period': { type: 'int', default: -1, usage: 'Period of time in seconds given to each pod to terminate gracefully. If negative, the default value specified in the pod will be used.' },
  'ignore-daemonsets': { type: 'bool', usage: 'Ignore DaemonSet-managed pods.' },
  'delete-emptydir-data': { type: 'bool', usage: 'Continue even if there are pods using emptyDir (local data that will be deleted when the node is drained).' },
  'disable-eviction': { type: 'bool', usage: 'Force drain to use delete, even if eviction is supported.' },
  'pod-selector': { type: 'string', usage: 'Label selector to filter pods on the node' },
  'skip-wait-for-delete-timeout': { type: 'int', usage: 'If pod DeletionTimestamp older than N seconds, skip waiting for the pod.' },
  timeout: { type: 'duration', usage: 'The length of time to wait before giving up, zero means infinite' },
  'chunk-size': { type: 'int', default: 500, usage: 'Return large lists in chunks rather than all at once.' },
} as const satisfies FlagSpecs;

/** Upstream: kubectl pkg/cmd/drain, pkg/drain. */
export const verb: Verb = {
  usage: 'NODE',
  summary: 'Drain node in preparation for maintenance',
  flags,
  async run(call) {
    const { args, flags: given, io } = call;
    if (args.length === 0 && !given.changed('selector')) throw new KubectlError("USAGE: drain NODE [flags]\nSee 'kubectl drain -h' for help and examples");
    if (args.length > 0 && given.string('selector')) throw new KubectlError("cannot specify both a node name and a --selector option\nSee 'kubectl drain -h' for help and examples");
    if (!isSelector(given.string('pod-selector'))) throw new KubectlError('--pod-selector=<pod_selector> must be a valid label selector');
    const targets = await nodesOf(call);
    await setUnschedulable(call, targets, true);
    let failed: unknown;
    for (const [i, target] of targets.entries()) {
      try {
        await drain(call, target);
        printResult(call, target.resource, { metadata: { name: target.name } }, 'drained');
      } catch (error) {
        if (!(error instanceof KubectlError)) throw error;
        failed = error;
        io.err(`error: unable to drain node "${target.name}" due to error: ${error.message}, continuing command...\n`);
        const pending = targets.slice(i).map(({ name }) => ` ${name}\n`);
        io.err(`There are pending nodes to be drained:\n${pending.join('')}`);
      }
    }
    if (failed instanceof DrainError) {
      for (const message of failed.messages) io.err(`${message}\n`);
      return 1;
    }
    if (failed) {
      for (const part of (failed as KubectlError).message.replace(/^\[|\]$/g, '').split(', cannot delete ')) io.err(part.startsWith('cannot delete') ? `${part}\n` : `cannot delete ${part}\n`);
      return 1;
    }
    return 0;
  },
};

/** Pods that would not go. */
class DrainError extends KubectlError {
  readonly messages: readonly string[];

  constructor(text: string, messages: readonly string[]) {
    super(text);
    this.messages = messages;
  }
}

async function drain(call: Call, node: NamedTarget): Promise<void> {
  const { session, flags: given, io } = call;
  const { items } = await session.json<ObjectList<Pod>>('/api/v1/pods', { query: { fieldSelector: `spec.nodeName=${node.name}`, labelSelector: given.string('pod-selector') } });
  const daemonSets = new Set<string>();
  for (const pod of items) {
    const owner = pod.metadata.ownerReferences?.find(({ controller, kind }) => controller && kind === 'DaemonSet');
    if (owner) daemonSets.add(`${pod.metadata.namespace}/${owner.name}`);
  }
  const live = new Set<string>();
  for (const key of daemonSets) {
    const [namespace, name] = key.split('/');
    try {
      await session.json(`/apis/apps/v1/namespaces/${namespace}/daemonsets/${name}`);
      live.add(key);
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error; // its pods are orphans then
    }
  }
  const { pods, errors, warnings } = podsToDrain(items, {
    force: given.bool('force'), ignoreDaemonSets: given.bool('ignore-daemonsets'), deleteEmptyDirData: given.bool('delete-emptydir-data'),
    skipDeletedForSeconds: given.int('skip-wait-for-delete-timeout'), nowMs: systemClock.now(), liveDaemonSets: live,
  });
  if (errors.length > 0) throw new KubectlError(errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`);
  if (warnings) io.err(`Warning: ${warnings}\n`);
  const dryRun = dryRunOf(given);
  if (dryRun === 'client') {
    for (const { metadata } of pods) io.out(`evicting pod ${metadata.namespace}/${metadata.name} (dry run)\n`);
    return;
  }
  const limit = given.duration('timeout');
  const deadline = limit > 0 ? systemClock.monotonic() + limit : Number.POSITIVE_INFINITY;
  const outcomes = await Promise.allSettled(pods.map((pod) => removePod(call, pod, deadline)));
  const faults = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
  const foreign = faults.find((fault) => !(fault instanceof KubectlError) && !(fault instanceof StatusError));
  if (foreign) throw foreign;
  if (faults.length === 0) return;
  const messages = faults.map(({ message }) => message);
  const text = messages.length === 1 ? messages[0]! : `[${messages.join(', ')}]`;
  const left = pods.filter((_pod, i) => outcomes[i]!.status === 'rejected');
  io.err(`There are pending pods in node "${node.name}" when an error occurred: ${text}\n${left.map(({ metadata }) => `pod/${metadata.name}\n`).join('')}`);
  throw new DrainError(text, messages);
}

/** Evicts (or deletes) a pod and waits until it is gone; an eviction that a budget forbids is tried again. */
async function removePod(call: Call, { metadata }: Pod, deadline: number): Promise<void> {
  const { session, flags: given, io } = call;
  const { namespace, name, uid } = metadata;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  const grace = given.int('grace-period');
  const dryRun = dryRunOf(given) === 'server';
  const deleteOptions = { ...(grace >= 0 && { gracePeriodSeconds: grace }), ...(dryRun && { dryRun: ['All'] }) };
  const byDeletion = given.bool('disable-eviction');
  const late = (): KubectlError => new KubectlError(`error when evicting pods/"${name}" -n "${namespace}": global timeout reached: ${formatDuration(given.duration('timeout'))}`);
  for (;;) {
    if (!byDeletion) io.out(`evicting pod ${namespace}/${name}${dryRun ? ' (server dry run)' : ''}\n`);
    try {
      if (byDeletion) await session.call('DELETE', path, { body: { apiVersion: 'v1', kind: 'DeleteOptions', ...deleteOptions } });
      else await session.call('POST', `${path}/eviction`, { body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, deleteOptions } });
      break;
    } catch (error) {
      if (isReason(error, 'NotFound')) return;
      if (!isReason(error, 'TooManyRequests')) throw error;
      io.err(`error when evicting pods/"${name}" -n "${namespace}" (will retry after 5s): ${error.message}\n`);
    }
    if (systemClock.monotonic() + 5000 > deadline) throw late();
    await systemClock.sleep(5000, io.signal);
  }
  if (dryRun) return;
  for (;;) {
    try {
      const pod = await session.json<Pod>(path);
      if (pod.metadata.uid !== uid) break;
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      break;
    }
    if (systemClock.monotonic() > deadline) throw late();
    await systemClock.sleep(500, io.signal);
  }
  io.out(`pod/${name} ${byDeletion ? 'deleted' : 'evicted'}\n`);
}

function isSelector(text: string): boolean {
  try {
    parseSelector(text);
    return true;
  } catch {
    return false; // What is wrong with it, kubectl does not say.
  }
}
