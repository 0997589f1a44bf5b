import { isReason } from '../../api/errors.ts';
import type { Event } from '../../api/generated/core-v1.ts';
import { events } from '../../api/generated/resources.ts';
import type { KubeObject } from '../../api/object.ts';
import { UserError } from '../../base/user-error.ts';
import { ConnectionError } from '../../client/connection-error.ts';
import { lines } from '../../client/lines.ts';
import type { HttpClient } from '../../client/http-client.ts';
import { resourcePath, withQuery } from '../../client/resource-path.ts';
import { parseFlags, UsageError, type FlagSpecs } from '../../cli/command/flags.ts';
import { pathOf, type DiscoveredResource } from '../../cli/command/resource-mapper.ts';
import { globalFlags, Session } from '../../cli/command/session.ts';
import { KubectlError } from '../../cli/command/kubectl-error.ts';
import type { LedgerEntry } from '../../ledger/entry.ts';
import { ledgerQuery } from '../../ledger/ledger-query.ts';
import { accountOf, type Account, type Subject } from '../../why/account.ts';
import { renderFindings, renderStory, since, type RenderOptions } from '../../why/render.ts';
import { storyOf, type StoryNode } from '../../why/story.ts';
import { kindWords, sentence, tell } from '../../why/words.ts';
import type { Io } from '../command.ts';
import { systemClock } from '../tools.ts';

const flags: FlagSpecs = {
  follow: { short: 'f', type: 'bool', usage: 'stay, and tell what happens as it happens' },
  output: { short: 'o', type: 'string', usage: 'json: machine-readable' },
  all: { type: 'bool', usage: 'leave nothing out: each of many alike, and writes that changed nothing worth telling' },
};
const shown = ['namespace', 'context', 'kubeconfig'];

const help = `Tells how something came to be as it is: who did what because of what, when, and how long it took; and what it waits for, and what would help.

Usage: wherry why TYPE/NAME [-n NAMESPACE] [-f] [-o json] [--all] [--context NAME]

The first line says how it stands. Then comes the tree of what led there: each step stands under the one that caused it, with the time since the beginning. Last, where something
is stuck, what it waits for, what is known of that, and what would help.

Examples:
  # From the command to the running containers
  wherry why deployment/kubia

  # One pod, in another namespace
  wherry why pod/kubia-7d4f5-x2k8q -n harbour

  # Where a service's traffic goes, or why nowhere
  wherry why svc/kubia

  # What a volume claim, an ingress, an autoscaler, a namespace or a node waits for
  wherry why pvc/data

  # Stay, and see what a command in another terminal sets off
  wherry why -f deployment/kubia

  # What a program can read: only what is waited for
  wherry why deployment/kubia -o json | jq '.waiting'

  # On another cluster of the kubeconfig, also one that is not wherry's
  wherry why deployment/web --context production

Options:
${[...Object.entries(flags), ...shown.map((name) => [name, globalFlags[name]!] as const)].map(([name, { short, usage }]) => `  ${`${short ? `-${short}, ` : '    '}--${name}`.padEnd(18)}  ${usage}\n`).join('')}

Exit codes: 0 it was told, also where something is stuck; 1 there is no such object, or the cluster does not answer.
Works on other Kubernetes clusters as well, as far as their objects, managed fields and events tell; what it cannot know there it says.
`;

/** `wherry why TYPE/NAME`: reads the cluster of the kubeconfig, as kubectl does. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h') || argv.length === 0) {
    io.out(help);
    return argv.length === 0 ? 1 : 0;
  }
  try {
    const parsed = parseFlags({ ...globalFlags, ...flags }, argv);
    const output = parsed.flags.string('output');
    if (output !== '' && output !== 'json') throw new UserError(`--output takes json, not "${output}"`);
    const session = new Session(parsed.flags, { ...io, env: process.env, stdin: process.stdin, stdout: process.stdout, readInput: async () => '' });
    using client = await session.http().catch((error: unknown) => {
      // What is wrong with the kubeconfig is the reader's to mend.
      throw error instanceof Error && !(error instanceof ConnectionError) ? new UserError(error.message, 'see what there is: wherry kubectl config get-contexts') : error;
    });
    const subject = await findSubject(session, client, parsed.args);
    const account = await accountOf(client, subject, systemClock.now());
    const options: RenderOptions = { reader: { name: await whoAmI(client) }, alike: parsed.flags.bool('all') ? 0 : 3, clockTime };
    if (!account) {
      const where = `${subject.resource}/${subject.name}${subject.namespace ? ` in the namespace ${subject.namespace}` : ''}`;
      if (!parsed.flags.bool('follow')) throw new UserError(`there is no ${where}, and nothing is known of one`, 'with -f it waits for one');
      io.err(`There is no ${where} yet; waiting for one.\n`);
      const { group, resource, namespace, name } = subject;
      await follow(client, subject, { entries: [], ledger: true, related: { uids: [], named: [{ group, resource, name, ...(namespace && { namespace }) }] } }, options, io);
      return 0;
    }
    const roots = storyOf(account.entries, { bookkeeping: parsed.flags.bool('all'), focus: account.focus });
    if (output === 'json') io.out(`${JSON.stringify(asJson(account, roots, options), null, 2)}\n`);
    else io.out(`${textOf(account, roots, options).join('\n')}\n`);
    if (parsed.flags.bool('follow')) await follow(client, subject, account, options, io);
    return 0;
  } catch (error) {
    if (error instanceof ConnectionError) throw new UserError(error.message, 'see whether the cluster runs, and which one is meant: --context, --kubeconfig');
    if (error instanceof UsageError || error instanceof KubectlError) throw new UserError(error.message, 'wherry why --help');
    throw error;
  }
}

/** `pod/web`, or `pod web`. */
async function findSubject(session: Session, client: HttpClient, args: readonly string[]): Promise<Subject> {
  const [type, name, ...more] = args.flatMap((arg) => arg.split('/'));
  if (!type || !name || more.length > 0) throw new UserError('what is it about?', 'wherry why TYPE/NAME, as in: wherry why deployment/kubia');
  const resource: DiscoveredResource = (await session.mapper((builtIn) => builtIn.find(type))).mustFind(type);
  const namespace = resource.namespaced ? await session.namespace() : undefined;
  const { group, resource: plural, kind } = resource;
  let object: KubeObject | undefined;
  try {
    object = JSON.parse((await client.raw('GET', pathOf(resource, { namespace, name }))).body.toString()) as KubeObject;
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
  return { group, resource: plural, kind, namespace, name, object };
}

/** The name that the server knows us by; empty where it does not say. */
async function whoAmI(client: HttpClient): Promise<string> {
  try {
    const { body } = await client.raw('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' } });
    return (JSON.parse(body.toString()) as { readonly status?: { readonly userInfo?: { readonly username?: string } } }).status?.userInfo?.username ?? '';
  } catch (error) {
    if (!isReason(error, 'NotFound', 'Forbidden')) throw error;
    return '';
  }
}

function clockTime(ms: number): string {
  const date = new Date(ms);
  const day = date.toDateString() === new Date(systemClock.now()).toDateString() ? '' : `${date.toLocaleDateString('sv-SE')} `;
  return `${day}${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

function textOf(account: Account, roots: readonly StoryNode[], options: RenderOptions): string[] {
  const story = renderStory(roots, options);
  return [account.state, ...(story.length > 0 ? ['', ...story] : []), ...renderFindings(account.findings), ...(account.gaps.length > 0 ? ['', ...account.gaps] : [])];
}

function asJson(account: Account, roots: readonly StoryNode[], { reader }: RenderOptions): unknown {
  const node = ({ entry, children }: StoryNode): unknown => ({ ...entry, told: tell(entry, reader), caused: children.map(node) });
  const { state, findings, gaps, ledger } = account;
  return { state, waiting: findings, gaps, ledger, story: roots.map(node) };
}

/** Tells each further entry in a line, until the reader has had enough. */
async function follow(client: HttpClient, about: Subject, { entries, related, ledger }: Pick<Account, 'entries' | 'related' | 'ledger'>, { reader, clockTime: at }: RenderOptions, io: Io): Promise<void> {
  if (!ledger) return followEvents(client, about, at, io);
  const { body } = await client.stream('GET', ledgerQuery(related, true), { signal: io.signal });
  let began = entries[0];
  let last = Math.max(0, ...entries.map(({ id }) => id));
  try {
    for await (const line of lines(body)) {
      const entry = JSON.parse(line) as LedgerEntry;
      if (entry.id <= last) continue;
      last = entry.id;
      // What tells nothing alone is left out, as in the tree.
      if (storyOf([entry]).length === 0 || (entry.kind === 'write' && entry.subresource === 'binding')) continue;
      began ??= entry;
      const told = tell(entry, reader);
      io.out([`${at(entry.at)}  ${since(entry, began.at)}  ${sentence(told)}${namedIn(told.did, entry) ? '' : ` (${entry.about.name})`}`, ...told.more.map((text) => `    ${text}`)].join('\n').concat('\n'));
    }
  } catch (error) {
    if (!io.signal.aborted) throw error;
  } finally {
    body.destroy();
  }
}

/** Without a ledger: the events about it, and about what is called after it, as replica sets and pods are. */
async function followEvents(client: HttpClient, { namespace, name }: Subject, at: RenderOptions['clockTime'], io: Io): Promise<void> {
  const where = namespace === undefined ? {} : { namespace };
  const { metadata } = await client.list(events, { ...where, limit: 1 });
  const { body } = await client.stream('GET', withQuery(resourcePath(events, namespace), { watch: true, resourceVersion: metadata.resourceVersion ?? '' }), { signal: io.signal });
  try {
    for await (const line of lines(body)) {
      const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: Event };
      if (type !== 'ADDED' && type !== 'MODIFIED') continue;
      const { involvedObject: concerned, reason = '', message = '', lastTimestamp, eventTime, metadata: { creationTimestamp } } = object;
      if (concerned.name !== name && !concerned.name?.startsWith(`${name}-`)) continue;
      io.out(`${at(Date.parse(lastTimestamp ?? eventTime ?? creationTimestamp))}  the ${kindWords(concerned.kind ?? 'object')} ${concerned.name}: ${reason}${message ? ` – ${message}` : ''}\n`);
    }
  } catch (error) {
    if (!io.signal.aborted) throw error;
  } finally {
    body.destroy();
  }
}

const namedIn = (text: string, { about }: LedgerEntry): boolean => text.includes(about.name);
