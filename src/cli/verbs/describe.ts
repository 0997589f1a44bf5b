import { isReason, StatusError } from '../../api/errors.ts';
import { systemClock } from '../../base/clock.ts';
import type { KubeObject, ObjectList } from '../../api/object.ts';
import { describeObject } from '../describe/describers.ts';
import { describeEvents } from '../describe/events.ts';
import { DescribeWriter } from '../describe/writer.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { statusText } from '../command/status-text.ts';
import { pathOf } from '../command/resource-mapper.ts';
import { resolveTargets, sourcesGiven, targetFlags, targetPath, type Target } from '../targets/targets.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  ...targetFlags,
  'all-namespaces': { short: 'A', type: 'bool', usage: 'If present, list the requested object(s) across all namespaces.' },
  'show-events': { type: 'bool', default: true, usage: 'If true, display events related to the described object.' },
  'chunk-size': { type: 'int', default: 500, usage: 'Return large lists in chunks rather than all at once.' },
} as const satisfies FlagSpecs;

export const verb: Verb = {
  usage: '(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)',
  summary: 'Show details of a specific resource or group of resources',
  flags,
  async run(call) {
    const { flags: given, io, session } = call;
    if (call.args.length === 0 && !sourcesGiven(given)) throw new KubectlError('You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.');
    const targets = await resolveTargets(call, { allNamespaces: given.bool('all-namespaces') });
    const found: { readonly target: Target; readonly object: KubeObject; readonly exact: boolean }[] = [];
    const faults: StatusError[] = [];
    for (const target of targets) {
      try {
        found.push(...(await objectsOf(call, target)).map(([object, exact]) => ({ target, object, exact })));
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        faults.push(error);
      }
    }
    // Events are shown of one object that is called by its whole name, else only where they are asked for.
    const single = faults.length === 0 && found.length === 1 && found[0]!.exact;
    const withEvents = given.bool('show-events') && (single || given.changed('show-events'));
    const texts: string[] = [];
    for (const { target, object, exact } of found) {
      const out = new DescribeWriter();
      const hasEvents = await describeObject(object, target.resource.group, { session, out, nowMs: systemClock.now() });
      if (hasEvents && withEvents) await describeEvents(session, object, out, systemClock.now());
      texts.push(exact ? out.toString() : `${out.toString()}\n`);
    }
    for (const fault of faults) io.err(`${statusText(fault)}\n`);
    const code = faults.length > 0 ? 1 : 0;
    if (texts.length === 0 && code === 0) io.err(!given.bool('all-namespaces') ? `No resources found in ${await session.namespace()} namespace.\n` : 'No resources found\n');
    // kubectl takes two arguments for a type and the beginning of a name, and shows nothing then where something is missing.
    if (code === 0 || call.args.length !== 2) io.out(texts.join('\n\n'));
    return code;
  },
};

/** With each, whether it is called by its whole name. */
async function objectsOf(call: Call, target: Target): Promise<(readonly [KubeObject, boolean])[]> {
  const { session, flags: given } = call;
  const { resource } = target;
  const typed = (object: KubeObject): KubeObject => ({ ...object, apiVersion: resource.group ? `${resource.group}/${resource.version}` : resource.version, kind: resource.kind });
  const list = async (): Promise<readonly KubeObject[]> => (await session.json<ObjectList<KubeObject>>(pathOf(resource, { namespace: target.namespace }), { query: { labelSelector: given.string('selector') } })).items;
  if (target.name === undefined) return (await list()).map((object) => [typed(object), true]);
  try {
    return [[typed(await session.json<KubeObject>(targetPath(target))), true]];
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    // The name may be the beginning of one.
    const matching = (await list()).filter(({ metadata }) => metadata.name.startsWith(target.name!));
    if (matching.length === 0) throw error;
    return matching.map((object) => [typed(object), false]);
  }
}
