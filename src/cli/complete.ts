import { StatusError } from '../api/errors.ts';
import type { KubeObject, ObjectList } from '../api/object.ts';
import { ConnectionError } from '../client/connection-error.ts';
import { parseFlags, type FlagSpecs } from './flags.ts';
import { pathOf } from './resource-mapper.ts';
import { globalFlags, Session } from './session.ts';
import { KubectlError, type KubectlIo, type Verb } from './verb.ts';
import { verbs } from './verbs.ts';

/** Verbs whose first argument is a pod, and those that take a type and then names. */
const OF_PODS = ['logs', 'exec', 'attach', 'port-forward', 'cp', 'debug'];
const OF_NODES = ['cordon', 'uncordon', 'drain'];

/** What may stand for the last of `words`, one candidate each. A cluster that does not answer offers none. */
export async function complete(words: readonly string[], io: KubectlIo): Promise<string[]> {
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const [name, ...rest] = before.filter((word) => !word.startsWith('-'));
  const fitting = (candidates: readonly string[]): string[] => candidates.filter((candidate) => candidate.startsWith(last)).toSorted();
  if (name === undefined || !Object.hasOwn(verbs, name)) return fitting(Object.keys(verbs));
  let verb: Verb = (await verbs[name]!.load()).verb;
  const args = [...rest];
  while (verb.verbs && args[0] !== undefined && Object.hasOwn(verb.verbs, args[0])) verb = verb.verbs[args.shift()!]!;
  const specs: FlagSpecs = { ...globalFlags, ...verb.flags };
  if (last.startsWith('-')) return fitting(Object.keys(specs).map((flag) => `--${flag}`));
  try {
    const session = new Session(parseFlags(specs, before).flags, io);
    if (before.at(-1) === '-n' || before.at(-1) === '--namespace') return fitting(await names(session, 'namespaces'));
    if (verb.verbs && args.length === 0) return fitting(Object.keys(verb.verbs));
    if (OF_PODS.includes(name) && args.length === 0) return fitting(await names(session, 'pods'));
    if (OF_NODES.includes(name)) return fitting(await names(session, 'nodes'));
    if (args.length > 0) return fitting(await names(session, args.at(-1)!.split('/')[0]!));
    const slash = last.indexOf('/');
    if (slash > 0) return fitting((await names(session, last.slice(0, slash))).map((one) => `${last.slice(0, slash)}/${one}`));
    return fitting([...new Set((await session.discovered()).resources.map(({ resource, group }) => (group && !group.endsWith('.k8s.io') && group.includes('.') ? `${resource}.${group}` : resource)))]);
  } catch (error) {
    if (error instanceof StatusError || error instanceof ConnectionError || error instanceof KubectlError) return [];
    throw error;
  }
}

async function names(session: Session, type: string): Promise<string[]> {
  const resource = (await session.mapper((builtIn) => builtIn.find(type))).mustFind(type);
  const path = pathOf(resource, { namespace: resource.namespaced ? await session.namespace() : undefined });
  return (await session.json<ObjectList<KubeObject>>(path, { query: { limit: '500' } })).items.map(({ metadata }) => metadata.name);
}
