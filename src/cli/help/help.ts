import { flagHelp } from '../command/flag-help.ts';
import type { ManualPage } from './manual.ts';
import type { Verb } from '../command/verb.ts';
import { verbs } from '../verbs.ts';
import { wordWrap } from '../command/word-wrap.ts';

/** Columns of running text. */
const WIDTH = 100;

/** What `--help` prints of a verb: what it does, examples, verbs below it, options and usage. `path` is `kubectl create deployment`. */
export function verbHelp(path: string, verb: Verb, page: ManualPage | undefined): string {
  const parts = [`${verb.summary.replace(/\.$/, '')}.\n`];
  if (page?.about) parts.push(`${wordWrap(page.about, WIDTH)}\n`);
  if (page) parts.push(`Examples:\n${page.examples.map(([purpose, command]) => `  # ${purpose[0]!.toUpperCase()}${purpose.slice(1)}\n  ${command}\n`).join('\n')}`);
  const below = verbsBelow(verb);
  if (below.length > 0) {
    const width = Math.max(...below.map(([name]) => name.length));
    parts.push(`Available Commands:\n${below.map(([name, { summary }]) => `  ${name.padEnd(width)}   ${summary}\n`).join('')}`);
  }
  const flags = flagHelp(verb.flags);
  if (flags && verb.run) parts.push(`Options:\n${flags}`);
  parts.push(`Usage:\n  ${path} ${verb.usage ? `${verb.usage} ` : ''}[options]\n`);
  parts.push(`${below.length > 0 ? `Use "${path} <command> --help" for more information about a given command.\n` : ''}Use "kubectl options" for a list of global command-line options (applies to all commands).\n`);
  return parts.join('\n');
}

/** Without the shorter names: `create deploy` is `create deployment`. */
function verbsBelow({ verbs: below = {} }: Verb): [string, Verb][] {
  return Object.entries(below).filter(([name, verb]) => Object.keys(below).find((one) => below[one] === verb) === name).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

const GROUPS: readonly (readonly [title: string, names: readonly string[]])[] = [
  ['Basic Commands (Beginner)', ['create', 'expose', 'run', 'set']],
  ['Basic Commands (Intermediate)', ['explain', 'get', 'edit', 'delete']],
  ['Deploy Commands', ['rollout', 'scale', 'autoscale']],
  ['Cluster Management Commands', ['certificate', 'cluster-info', 'top', 'cordon', 'uncordon', 'drain', 'taint']],
  ['Troubleshooting and Debugging Commands', ['describe', 'logs', 'attach', 'exec', 'port-forward', 'proxy', 'cp', 'auth', 'debug', 'events']],
  ['Advanced Commands', ['diff', 'apply', 'patch', 'replace', 'wait', 'kustomize']],
  ['Settings Commands', ['label', 'annotate', 'completion']],
  ['Other Commands', ['api-resources', 'api-versions', 'config', 'kuberc', 'plugin', 'version']],
];

/** What `kubectl` alone prints. */
export function overview(): string {
  const width = Math.max(...Object.keys(verbs).map((name) => name.length));
  const groups = GROUPS.map(([title, names]) => `${title}:\n${names.map((name) => `  ${name.padEnd(width)}   ${verbs[name]!.summary}\n`).join('')}`);
  return `kubectl controls the Kubernetes cluster manager.\n\n${groups.join('\n')}\nUsage:\n  kubectl [flags] [options]\n\nUse "kubectl <command> --help" for more information about a given command.\nUse "kubectl options" for a list of global command-line options (applies to all commands).\n`;
}
