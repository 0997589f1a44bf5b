import { isReason, StatusError } from '../../api/errors.ts';
import { apiVersionOf, type KubeObject } from '../../api/object.ts';
import { systemClock } from '../../base/clock.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { objectPrinter, outputFlags } from '../printers/object-printer.ts';
import { pathOf, qualifiedKind } from '../command/resource-mapper.ts';
import { listTargets, type NamedTarget } from '../targets/selected-targets.ts';
import { localFlag } from '../mutation/patch-object.ts';
import { NO_RESOURCES, fileFlags, manifestTargets, targetFlags } from '../targets/targets.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { waitCondition, type WaitCondition } from '../watch/wait-condition.ts';
import { watchLines } from '../watch/watch-lines.ts';

const flags = {
  filename: fileFlags.filename, recursive: { ...fileFlags.recursive, default: true }, selector: targetFlags.selector, ...outputFlags,
  all: { type: 'bool', usage: 'Select all resources in the namespace of the specified resource types' },
  'all-namespaces': { short: 'A', type: 'bool', usage: 'If present, list the requested object(s) across all namespaces.' },
  'field-selector': { type: 'string', usage: 'Selector (field query) to filter on' },
  for: { type: 'array', usage: "The condition to wait on: [create|delete|condition=condition-name[=condition-value]|jsonpath='{JSONPath expression}'=[JSONPath value]]." },
  ...localFlag,
  timeout: { type: 'duration', default: '30s', usage: "The length of time to wait before giving up. Zero means check once and don't wait, negative means wait for a week." },
} as const satisfies FlagSpecs;

export const verb: Verb = {
  usage: "([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]]",
  summary: 'Wait for a specific condition on one or many resources',
  flags,
  async run(call) {
    const { flags: given, io } = call;
    const conditions = given.strings('for').map((text) => waitCondition(text));
    if (conditions.length === 0) throw new KubectlError('unrecognized condition: []');
    if (given.bool('local')) return checkLocally(call, conditions);
    if (call.args.length === 0 && given.strings('filename').length === 0) throw new KubectlError(NO_RESOURCES);
    const timeout = given.duration('timeout');
    const deadline = systemClock.monotonic() + (timeout < 0 ? 7 * 24 * 3_600_000 : timeout);
    const faults: (StatusError | KubectlError)[] = [];
    for (const condition of conditions) {
      const targets = await targetsOf(call, condition, deadline);
      for (const target of targets) {
        try {
          const object = await until(call, target, condition, deadline, timeout === 0);
          if (!object) continue;
          const printer = objectPrinter(given);
          io.out(printer ? printer({ ...object, apiVersion: apiVersionOf(target.resource), kind: target.resource.kind }) : `${qualifiedKind(target.resource)}/${target.name} condition met\n`);
        } catch (error) {
          if (!(error instanceof StatusError) && !(error instanceof KubectlError)) throw error;
          faults.push(error);
        }
      }
    }
    if (faults.length === 1) throw faults[0]!;
    // Several are told line by line as they are.
    if (faults.length > 1) throw new KubectlError([...new Set(faults.map(({ message }) => message))].join('\n'), { bare: true });
  },
};

/** `--local`: whether the objects of the files meet the conditions as they are. */
async function checkLocally(call: Call, conditions: readonly WaitCondition[]): Promise<number> {
  let code = 0;
  for (const { resource, name, object } of await manifestTargets(call)) {
    const met = conditions.every((condition) => condition.kind === 'create' || (condition.kind === 'met' && condition.isMet(object as unknown as KubeObject)));
    if (met) call.io.out(`${qualifiedKind(resource)}/${name} condition met\n`);
    else call.io.err(`error: timed out waiting for the condition on ${resource.resource}/${name}\n`);
    if (!met) code = 1;
  }
  return code;
}

/** For `create`, what a selector picks may come into being only later. */
async function targetsOf(call: Call, condition: WaitCondition, deadline: number): Promise<NamedTarget[]> {
  for (;;) {
    const targets = await listTargets(call, { allNamespaces: call.flags.bool('all-namespaces') });
    if (targets.length > 0 || condition.kind === 'delete') return targets;
    if (condition.kind !== 'create' || systemClock.monotonic() >= deadline) throw new KubectlError(condition.kind === 'create' ? 'timed out waiting for the condition' : 'no matching resources found');
    await systemClock.sleep(500, call.io.signal);
  }
}

/** Resolves to the object once it meets the condition; to its last state once it is gone, where that is waited for (undefined where it never was). */
async function until(call: Call, { resource, namespace, name }: NamedTarget, condition: WaitCondition, deadline: number, once: boolean): Promise<KubeObject | undefined> {
  const { session, io } = call;
  const path = pathOf(resource, { namespace });
  const fieldSelector = `metadata.name=${name}`;
  let last: KubeObject | undefined;
  for (;;) {
    const list = await session.json<{ readonly metadata: { readonly resourceVersion: string }; readonly items: readonly KubeObject[] }>(path, { query: { fieldSelector } });
    const [present] = list.items;
    if (condition.kind === 'delete') {
      if (!present) return last;
      last = present;
    } else if (present) {
      if (condition.kind === 'create' || condition.isMet(present)) return present;
    } else if (condition.kind === 'met') {
      // Not there at all is said as the server says it.
      return await session.json<KubeObject>(pathOf(resource, { namespace, name }));
    }
    if (once) throw new KubectlError(`condition not met for ${resource.resource}/${name}`);
    const left = deadline - systemClock.monotonic();
    if (left > 0) {
      const signal = AbortSignal.any([io.signal, AbortSignal.timeout(Math.min(Math.ceil(left), 2 ** 31 - 1))]);
      try {
        for await (const { type, object } of watchLines<KubeObject>(session, path, { fieldSelector, resourceVersion: list.metadata.resourceVersion }, false, signal)) {
          if (type === 'ERROR') break;
          if (type === 'DELETED' && condition.kind === 'delete') return object;
          if ((type === 'ADDED' || type === 'MODIFIED') && (condition.kind === 'create' || (condition.kind === 'met' && condition.isMet(object)))) return object;
        }
      } catch (error) {
        if (!signal.aborted && !isReason(error, 'Expired', 'Gone')) throw error; // an expired watch starts anew from a list
      }
    }
    if (io.signal.aborted) throw new KubectlError('');
    if (systemClock.monotonic() >= deadline) throw new KubectlError(condition.kind === 'create' ? 'timed out waiting for the condition' : `timed out waiting for the condition on ${resource.resource}/${name}`);
  }
}
