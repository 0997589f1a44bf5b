import { StatusError } from '../api/errors.ts';
import type { Pod } from '../api/generated/core-v1.ts';
import type { KubeObject, ObjectList } from '../api/object.ts';
import { ConnectionError } from '../client/connection-error.ts';
import { loadKubeconfig } from '../client/kubeconfig.ts';
import { parseFlags, UsageError, type FlagSpec, type FlagSpecs } from './command/flags.ts';
import { pathsOf } from './config/kubeconfig-edit.ts';
import { pathOf } from './command/resource-mapper.ts';
import { globalFlags, Session } from './command/session.ts';
import type { Verb } from './command/verb.ts';
import type { KubectlIo } from './command/kubectl-io.ts';
import { KubectlError } from './command/kubectl-error.ts';
import { verbs } from './verbs.ts';

/** What stands before the word in question. */
interface Position {
  readonly words: readonly string[];
  readonly path: string;
  readonly verb: Verb | undefined;
  readonly args: readonly string[];
  readonly session: Session;
  readonly io: KubectlIo;
}

type Candidates = (position: Position) => Promise<readonly string[]> | readonly string[];

/** What may stand for the last of `words`, one candidate each. A cluster that does not answer offers none; nothing at all leaves it to the shell, which knows files. */
export async function complete(words: readonly string[], io: KubectlIo): Promise<string[]> {
  // bash takes the equals sign of --flag=value for a word of its own.
  const joined = words.at(-2) === '=' ? [...words.slice(0, -3), `${words.at(-3)}=`, words.at(-1)!] : words.at(-1) === '=' ? [...words.slice(0, -2), `${words.at(-2)}=`, ''] : words;
  const last = joined.at(-1) ?? '';
  const before = joined.slice(0, -1);
  const fitting = (candidates: readonly string[], start = last): string[] => [...new Set(candidates)].filter((candidate) => candidate.startsWith(start)).toSorted();
  try {
    const position = await positionOf(before, io);
    if (position.path === '') {
      const flag = pendingFlag(before, globalFlags);
      return flag ? fitting(await valuesOf(flag, position)) : last.startsWith('-') ? fitting(Object.keys(globalFlags).map((name) => `--${name}`)) : fitting(Object.keys(verbs));
    }
    const specs: FlagSpecs = { ...globalFlags, ...position.verb?.flags };
    const flag = pendingFlag(before, specs);
    if (flag) return fitting(await valuesOf(flag, position));
    const [, name, value] = /^--([\w-]+)=(.*)$/.exec(last) ?? [];
    if (name !== undefined) return fitting(await valuesOf(name, position), value).map((one) => `--${name}=${one}`);
    if (last.startsWith('-')) return fitting(Object.keys(specs).map((one) => `--${one}`));
    return fitting(await argumentsOf(position, last));
  } catch (error) {
    if (error instanceof StatusError || error instanceof ConnectionError || error instanceof KubectlError || error instanceof UsageError) return [];
    throw error;
  }
}

/** The flag whose value the next word is. */
function pendingFlag(before: readonly string[], specs: FlagSpecs): string | undefined {
  const previous = before.at(-1) ?? '';
  if (previous === '-' || !previous.startsWith('-') || /=./.test(previous)) return undefined;
  const bare = previous.replace(/=$/, '');
  const found = bare.startsWith('--') ? bare.slice(2) : Object.entries(specs).find(([, { short }]) => short === bare.at(-1))?.[0];
  const spec: FlagSpec | undefined = found === undefined ? undefined : specs[found];
  return spec && (spec.type !== 'bool' || previous.endsWith('=')) && (spec.bare === undefined || previous.endsWith('=')) ? found : undefined;
}

/** Finds the verb among the words, which flags of every verb may precede. */
async function positionOf(before: readonly string[], io: KubectlIo): Promise<Position> {
  const parsed = tolerant(globalFlags, before);
  const [name] = parsed.args;
  if (name === undefined || !Object.hasOwn(verbs, name)) return { words: before, path: '', verb: undefined, args: [], session: new Session(parsed.flags, io), io };
  let verb: Verb = (await verbs[name]!.load()).verb;
  let path = name;
  let { flags, args } = tolerant({ ...globalFlags, ...verb.flags }, before);
  args = args.slice(1);
  while (verb.verbs && args[0] !== undefined && Object.hasOwn(verb.verbs, args[0])) {
    path += ` ${args[0]}`;
    const depth = path.split(' ').length;
    verb = verb.verbs[args[0]]!;
    ({ flags, args } = tolerant({ ...globalFlags, ...verb.flags }, before));
    args = args.slice(depth);
  }
  return { words: before, path, verb, args, session: new Session(flags, io), io };
}

/** Reads what can be read: a flag at the end has no value yet, and one that is not known is another verb's. */
function tolerant(specs: FlagSpecs, words: readonly string[]): ReturnType<typeof parseFlags> {
  for (let end = words.length; end > 0; end--) {
    try {
      return parseFlags(specs, words.slice(0, end));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
    }
  }
  return parseFlags(specs, []);
}

const kubeconfigNames = (list: 'contexts' | 'clusters' | 'users'): Candidates => ({ session, io }) =>
  (loadKubeconfig(pathsOf({ flags: session.flags, io }))[list] ?? []).map(({ name }) => name);
const ofType = (type: string): Candidates => ({ session }) => names(session, type);
const fixed = (...values: string[]): Candidates => () => values;

/** Values of flags, by name; where a verb knows more of them, it is not asked. */
const FLAG_VALUES: Readonly<Record<string, Candidates>> = {
  namespace: ofType('namespaces'), context: kubeconfigNames('contexts'), cluster: kubeconfigNames('clusters'), user: kubeconfigNames('users'),
  output: ({ path }) => (path.startsWith('config get-contexts') ? ['name'] : ['custom-columns=', 'custom-columns-file=', 'go-template=', 'go-template-file=', 'json', 'jsonpath=', 'jsonpath-as-json=', 'jsonpath-file=', 'name', 'wide', 'yaml']),
  'dry-run': fixed('client', 'none', 'server'), cascade: fixed('background', 'foreground', 'orphan'), validate: fixed('ignore', 'strict', 'warn'), restart: fixed('Always', 'Never', 'OnFailure'),
  'image-pull-policy': fixed('Always', 'IfNotPresent', 'Never'), type: ({ path }) => (path === 'patch' ? ['json', 'merge', 'strategic'] : path === 'expose' ? ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'] : []),
  profile: fixed('baseline', 'general', 'legacy', 'netadmin', 'restricted', 'sysadmin'), for: fixed('condition=', 'create', 'delete', 'jsonpath='), 'sort-by': ({ path }) => (path.startsWith('top') ? ['cpu', 'memory'] : path === 'api-resources' ? ['kind', 'name'] : []),
  container: async ({ session, args }) => {
    const pod = args[0]?.replace(/^pods?\//, '');
    if (!pod || pod.includes('/')) return [];
    const { spec } = await session.json<Pod>(`/api/v1/namespaces/${await session.namespace()}/pods/${encodeURIComponent(pod)}`);
    return [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])].map(({ name }) => name);
  },
};

function valuesOf(flag: string, position: Position): Promise<readonly string[]> | readonly string[] {
  return FLAG_VALUES[flag]?.(position) ?? [];
}

const CONTEXT_VERBS = ['config use-context', 'config delete-context', 'config rename-context', 'config get-contexts', 'config set-context'];
/** Verbs whose first argument is a pod, those that take nodes, and those whose words are nothing that can be looked up. */
const OF_PODS = ['logs', 'exec', 'attach', 'port-forward', 'cp', 'debug', 'top pod', 'top pods', 'top po'];
const OF_NODES = ['cordon', 'uncordon', 'drain', 'top node', 'top nodes', 'top no'];
const OF_NOTHING = ['version', 'options', 'api-resources', 'api-versions', 'cluster-info', 'cluster-info dump', 'run', 'kustomize', 'proxy', 'events', 'plugin', 'diff', 'replace', 'apply', 'auth whoami', 'auth reconcile'];

/** What an argument may be: verbs below, types, names of a type, TYPE/NAME. */
async function argumentsOf({ path, verb, args, session, io, words }: Position, last: string): Promise<readonly string[]> {
  if (verb?.verbs && args.length === 0 && (!verb.run || path === 'create' || path === 'apply')) return Object.keys(verb.verbs);
  if (path === 'completion') return ['bash', 'fish', 'zsh'];
  const position = { path, verb, args, session, io, words };
  if (CONTEXT_VERBS.includes(path)) return kubeconfigNames('contexts')(position);
  if (path === 'config delete-cluster' || path === 'config set-cluster') return kubeconfigNames('clusters')(position);
  if (path === 'config delete-user' || path === 'config set-credentials') return kubeconfigNames('users')(position);
  if (path.startsWith('config') || path.startsWith('create') || OF_NOTHING.includes(path)) return path === 'create token' ? names(session, 'serviceaccounts') : [];
  if (path.startsWith('certificate')) return names(session, 'certificatesigningrequests');
  if (OF_NODES.includes(path)) return (await names(session, 'nodes')).filter((node) => !args.includes(node));
  const slash = last.indexOf('/');
  if (slash > 0) return (await names(session, last.slice(0, slash))).map((one) => `${last.slice(0, slash)}/${one}`);
  if (OF_PODS.includes(path)) return args.length === 0 ? names(session, 'pods') : [];
  if (args.length > 0 && path !== 'explain') return args.at(-1)!.includes('/') ? [] : (await names(session, args[0]!.split(',')[0]!)).filter((one) => !args.includes(one));
  return path === 'explain' && args.length > 0 ? [] : (await session.discovered()).resources.map(({ resource, group }) => (group && !group.endsWith('.k8s.io') && group.includes('.') ? `${resource}.${group}` : resource));
}

async function names(session: Session, type: string): Promise<string[]> {
  const resource = (await session.mapper((builtIn) => builtIn.find(type))).mustFind(type);
  const path = pathOf(resource, { namespace: resource.namespaced ? await session.namespace() : undefined });
  return (await session.json<ObjectList<KubeObject>>(path, { query: { limit: '500' } })).items.map(({ metadata }) => metadata.name);
}
