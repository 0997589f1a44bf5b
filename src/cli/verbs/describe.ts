import { isReason, StatusError } from '../../api/errors.ts';
import { systemClock } from '../../base/clock.ts';
import type { KubeObject, ObjectList } from '../../api/object.ts';
import { describeObject } from '../describe/describers.ts';
import { describeEvents } from '../describe/events.ts';
import { DescribeWriter } from '../describe/writer.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { statusText } from '../command/kubectl-errors.ts';
import { pathOf } from '../command/resource-mapper.ts';
import { resolveTargets, sourcesGiven, targetFlags, targetPath, type Target } from '../targets/targets.ts';
import { KubectlError, type Call, type Verb } from '../command/verb.ts';

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
    const texts: string[] = [];
    let code = 0;
    for (const target of targets) {
      try {
        for (const object of await objectsOf(call, target)) {
          const out = new DescribeWriter();
          const hasEvents = await describeObject(object, target.resource.group, { session, out, nowMs: systemClock.now() });
          if (hasEvents && given.bool('show-events')) await describeEvents(session, object, out, systemClock.now());
          texts.push(out.toString());
        }
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        io.err(`${statusText(error)}\n`);
        code = 1;
      }
    }
    if (texts.length === 0 && code === 0) io.err(!given.bool('all-namespaces') ? `No resources found in ${await session.namespace()} namespace.\n` : 'No resources found\n');
    io.out(texts.join('\n\n'));
    return code;
  },
};

async function objectsOf(call: Call, target: Target): Promise<KubeObject[]> {
  const { session, flags: given } = call;
  const { resource } = target;
  const typed = (object: KubeObject): KubeObject => ({ ...object, apiVersion: resource.group ? `${resource.group}/${resource.version}` : resource.version, kind: resource.kind });
  const list = async (): Promise<readonly KubeObject[]> => (await session.json<ObjectList<KubeObject>>(pathOf(resource, { namespace: target.namespace }), { query: { labelSelector: given.string('selector') } })).items;
  if (target.name === undefined) return (await list()).map(typed);
  try {
    return [typed(await session.json<KubeObject>(targetPath(target)))];
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    // The name may be the beginning of one.
    const matching = (await list()).filter(({ metadata }) => metadata.name.startsWith(target.name!));
    if (matching.length === 0) throw error;
    return matching.map(typed);
  }
}
