import { readFileSync } from 'node:fs';
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import type { Kubeconfig } from '../../client/kubeconfig-entries.ts';
import { editKubeconfig, pathsOf } from '../config/kubeconfig-edit.ts';
import { objectPrinter, outputFlags } from '../printers/object-printer.ts';
import { textTable } from '../printers/text-table.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { entryVerbs, unexpected } from './config-entries.ts';

const load = (call: Call): Kubeconfig => loadKubeconfig(pathsOf(call));

/** Certificates and keys are left out of what is shown, unless --raw. */
function redacted(config: Kubeconfig): unknown {
  return {
    ...config,
    clusters: config.clusters?.map((entry) => ({ ...entry, cluster: { ...entry.cluster, ...(entry.cluster['certificate-authority-data'] && { 'certificate-authority-data': 'DATA+OMITTED' }) } })),
    users: config.users?.map((entry) => ({
      ...entry,
      user: {
        ...entry.user, ...(entry.user['client-certificate-data'] && { 'client-certificate-data': 'DATA+OMITTED' }), ...(entry.user['client-key-data'] && { 'client-key-data': 'DATA+OMITTED' }),
        ...(entry.user.token && { token: 'REDACTED' }), ...('password' in entry.user && { password: 'REDACTED' }),
      },
    })),
  };
}

/** With the contents of files in the place of their names. */
function flattened(config: Kubeconfig): Kubeconfig {
  const inline = <T extends object>(entry: T): T => Object.fromEntries(Object.entries(entry).map(([field, value]) => {
    const isFile = ['certificate-authority', 'client-certificate', 'client-key'].includes(field) && typeof value === 'string' && value !== '';
    return isFile ? [`${field}-data`, readFileSync(value).toString('base64')] : [field, value];
  })) as T;
  return { ...config, clusters: config.clusters?.map((entry) => ({ ...entry, cluster: inline(entry.cluster) })) ?? [], users: config.users?.map((entry) => ({ ...entry, user: inline(entry.user) })) ?? [] };
}

export const verb: Verb = {
  usage: 'SUBCOMMAND',
  summary: 'Modify kubeconfig files using subcommands like "kubectl config use-context my-context".',
  flags: {},
  verbs: {
    ...entryVerbs,
    'current-context': {
      usage: '[flags]', summary: 'Display the current-context', flags: {},
      async run(call) {
        const current = load(call)['current-context'];
        if (!current) throw new KubectlError('current-context is not set');
        call.io.out(`${current}\n`);
      },
    },
    'get-contexts': {
      usage: '[(-o|--output=)name)]', summary: 'Describe one or many contexts',
      flags: { output: { short: 'o', type: 'string', usage: 'Output format. One of: (name).' }, 'no-headers': { type: 'bool', usage: "don't print headers" } },
      async run(call) {
        const format = call.flags.string('output');
        if (!['', 'name'].includes(format)) throw new KubectlError(`--output ${format} is not available in kubectl config get-contexts; resetting to default output format`);
        const config = load(call);
        const all = (config.contexts ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1));
        const missing = call.args.filter((name) => !all.some((one) => one.name === name));
        const contexts = call.args.length > 0 ? all.filter(({ name }) => call.args.includes(name)) : all;
        if (call.flags.string('output') === 'name') {
          call.io.out(contexts.map(({ name }) => `${name}\n`).join(''));
          return;
        }
        const rows = contexts.map(({ name, context }) => [name === config['current-context'] ? '*' : '', name, context.cluster ?? '', context.user ?? '', context.namespace ?? '']);
        call.io.out(textTable(call.flags.bool('no-headers') ? rows : [['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE'], ...rows]));
        // Told behind what is shown all the same, as an error.
        if (missing.length > 0) throw new KubectlError(missing.map((name) => `context ${name} not found`).join('\nerror: '));
      },
    },
    'use-context': {
      usage: 'CONTEXT_NAME', summary: 'Set the current-context in a kubeconfig file', flags: {},
      async run(call) {
        const [name] = call.args;
        if (call.args.length !== 1) throw unexpected(call);
        if (!load(call).contexts?.some((context) => context.name === name)) throw new KubectlError(`no context exists with the name: "${name ?? ''}"`);
        editKubeconfig(call, (config) => void (config['current-context'] = name!));
        call.io.out(`Switched to context "${name}".\n`);
      },
    },
    'set-context': {
      usage: '[NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace]', summary: 'Set a context entry in kubeconfig',
      flags: { current: { type: 'bool', usage: 'Modify the current context' } },
      async run(call) {
        const { flags } = call;
        const config = load(call);
        const name = flags.bool('current') ? config['current-context'] : call.args[0];
        if (flags.bool('current') && call.args.length > 0) throw new KubectlError('you cannot specify both a context name and --current');
        if (call.args.length > 1) throw unexpected(call);
        if (!name) throw new KubectlError('you must specify a non-empty context name or --current');
        const change = Object.fromEntries(['cluster', 'user', 'namespace'].flatMap((field) => (flags.changed(field) ? [[field, flags.string(field)]] : [])));
        let known = false;
        editKubeconfig(call, (edited) => {
          const contexts = (edited.contexts ??= []);
          const entry = contexts.find((one) => one.name === name);
          known = entry !== undefined;
          if (entry) entry.context = { ...entry.context, ...change };
          else contexts.push({ name, context: { cluster: '', user: '', ...change } });
          contexts.sort((a, b) => (a.name < b.name ? -1 : 1));
        });
        call.io.out(`Context "${name}" ${known ? 'modified' : 'created'}.\n`);
      },
    },
    view: {
      usage: '[flags]', summary: 'Display merged kubeconfig settings or a specified kubeconfig file',
      flags: { flatten: { type: 'bool', usage: 'Put certificates and keys of files into the output, so that it stands alone' }, merge: { type: 'bool', default: true, usage: 'Merge all kubeconfig files; if not, show the first one only' }, raw: { type: 'bool', usage: 'Display raw byte data and sensitive data' }, minify: { type: 'bool', usage: 'Remove all information not used by current-context from the output' }, ...outputFlags, output: { ...outputFlags.output, default: 'yaml' } },
      async run(call) {
        if (call.args.length > 0) throw new KubectlError(`unexpected arguments: [${call.args.join(' ')}]\nSee 'kubectl config view -h' for help and examples`);
        let config = call.flags.bool('merge') ? load(call) : loadKubeconfig(pathsOf(call).slice(0, 1));
        if (call.flags.bool('minify')) {
          const wanted = call.flags.string('context') || config['current-context'];
          const current = config.contexts?.find(({ name }) => name === wanted);
          if (!current) throw new KubectlError(wanted ? `cannot locate context ${wanted}` : 'current-context must exist in order to minify');
          config = { ...config, ...(wanted && { 'current-context': wanted }), contexts: [current], clusters: config.clusters?.filter(({ name }) => name === current.context.cluster) ?? [], users: config.users?.filter(({ name }) => name === current.context.user) ?? [] };
        }
        if (call.flags.bool('flatten')) config = flattened(config);
        const shown = { apiVersion: 'v1', kind: 'Config', preferences: {}, ...((call.flags.bool('raw') || call.flags.bool('flatten') ? config : redacted(config)) as object) };
        call.io.out(objectPrinter(call.flags)!(shown));
      },
    },
  },
};
