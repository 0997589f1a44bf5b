import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import { editKubeconfig, pathsOf, setProperty, type EditableKubeconfig } from '../config/kubeconfig-edit.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** A wrong number of arguments is told behind the help. */
export function unexpected(call: Call, word = 'Unexpected'): KubectlError {
  return new KubectlError(`${word} args: [${call.args.join(' ')}]`, { helped: true });
}

const bytes = (file: string, noun: string): string => {
  if (!existsSync(file)) throw new KubectlError(`could not stat ${noun} file ${file}: stat ${file}: no such file or directory`);
  return readFileSync(file).toString('base64');
};

/** Puts an entry's fields over those it has. */
function put(config: EditableKubeconfig, list: 'clusters' | 'users', inner: 'cluster' | 'user', name: string, fields: Readonly<Record<string, unknown>>): void {
  const entries = (config[list] ??= []) as { name: string; [key: string]: unknown }[];
  const known = entries.find((entry) => entry.name === name);
  const next = Object.fromEntries(Object.entries({ ...(known?.[inner] as object | undefined), ...fields }).filter(([, value]) => value !== undefined));
  if (known) known[inner] = next;
  else entries.push({ name, [inner]: next });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The verbs of `kubectl config` that change or list single entries. Upstream: kubectl pkg/cmd/config. */
export const entryVerbs: Readonly<Record<string, Verb>> = {
  'get-clusters': {
    usage: '', summary: 'Display clusters defined in the kubeconfig', flags: {},
    async run(call) { call.io.out(['NAME', ...(loadKubeconfig(pathsOf(call)).clusters ?? []).map(({ name }) => name).toSorted()].map((name) => `${name}\n`).join('')); },
  },
  'get-users': {
    usage: '', summary: 'Display users defined in the kubeconfig', flags: {},
    async run(call) { call.io.out(['NAME', ...(loadKubeconfig(pathsOf(call)).users ?? []).map(({ name }) => name).toSorted()].map((name) => `${name}\n`).join('')); },
  },
  'delete-cluster': { usage: 'NAME', summary: 'Delete the specified cluster from the kubeconfig', flags: {}, run: (call) => remove(call, 'clusters', 'cluster') },
  'delete-context': { usage: 'NAME', summary: 'Delete the specified context from the kubeconfig', flags: {}, run: (call) => remove(call, 'contexts', 'context') },
  'delete-user': { usage: 'NAME', summary: 'Delete the specified user from the kubeconfig', flags: {}, run: (call) => remove(call, 'users', 'user') },
  'rename-context': {
    usage: 'CONTEXT_NAME NEW_NAME', summary: 'Rename a context from the kubeconfig file', flags: {},
    async run(call) {
      const [from, to] = call.args;
      if (call.args.length !== 2) throw unexpected(call);
      editKubeconfig(call, (config, path) => {
        const found = config.contexts?.find(({ name }) => name === from);
        if (!found) throw new KubectlError(`cannot rename the context "${from}", it's not in ${path}`);
        if (config.contexts!.some(({ name }) => name === to)) throw new KubectlError(`cannot rename the context "${from}", the context "${to}" already exists in ${path}`);
        found.name = to!;
        if (config['current-context'] === from) config['current-context'] = to!;
      });
      call.io.out(`Context "${from}" renamed to "${to}".\n`);
    },
  },
  set: {
    usage: 'PROPERTY_NAME PROPERTY_VALUE', summary: 'Set an individual value in a kubeconfig file',
    flags: { 'set-raw-bytes': { type: 'bool', usage: 'When writing a []byte PROPERTY_VALUE, write the given string directly without base64 decoding.' } },
    async run(call) {
      const [property, value] = call.args;
      if (call.args.length !== 2) throw unexpected(call);
      editKubeconfig(call, (config) => setProperty(config, property!, property!.endsWith('-data') && call.flags.bool('set-raw-bytes') ? Buffer.from(value!).toString('base64') : value));
      call.io.out(`Property "${property}" set.\n`);
    },
  },
  unset: {
    usage: 'PROPERTY_NAME', summary: 'Unset an individual value in a kubeconfig file', flags: {},
    async run(call) {
      if (call.args.length !== 1) throw unexpected(call);
      editKubeconfig(call, (config) => setProperty(config, call.args[0]!, undefined));
      call.io.out(`Property "${call.args[0]}" unset.\n`);
    },
  },
  'set-cluster': {
    usage: 'NAME [--server=server] [--certificate-authority=path/to/certificate/authority] [--insecure-skip-tls-verify=true] [--tls-server-name=example.com]', summary: 'Set a cluster entry in kubeconfig',
    flags: { 'embed-certs': { type: 'bool', usage: 'embed-certs for the cluster entry in kubeconfig' }, 'proxy-url': { type: 'string', usage: 'proxy-url for the cluster entry in kubeconfig' } },
    async run(call) {
      const { flags, args } = call;
      if (args.length !== 1) throw unexpected(call);
      const authority = flags.string('certificate-authority');
      if (flags.bool('insecure-skip-tls-verify') && authority) throw new KubectlError('you cannot specify a certificate authority and insecure mode at the same time');
      if (flags.bool('embed-certs') && !authority) throw new KubectlError('you must specify a --certificate-authority to embed');
      const embed = flags.bool('embed-certs');
      editKubeconfig(call, (config) => put(config, 'clusters', 'cluster', args[0]!, {
        ...(flags.string('server') && { server: flags.string('server').replace(/\/$/, '') }), ...(flags.string('tls-server-name') && { 'tls-server-name': flags.string('tls-server-name') }), ...(flags.string('proxy-url') && { 'proxy-url': flags.string('proxy-url') }),
        ...(flags.changed('insecure-skip-tls-verify') && { 'insecure-skip-tls-verify': flags.bool('insecure-skip-tls-verify') || undefined, ...(flags.bool('insecure-skip-tls-verify') && { 'certificate-authority': undefined, 'certificate-authority-data': undefined }) }),
        ...(authority && { 'insecure-skip-tls-verify': undefined, 'certificate-authority': embed ? undefined : resolve(authority), 'certificate-authority-data': embed ? bytes(authority, 'certificate-authority') : undefined }),
      }));
      call.io.out(`Cluster "${args[0]}" set.\n`);
    },
  },
  'set-credentials': {
    usage: 'NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile] [--token=bearer_token] [--username=basic_user] [--password=basic_password] [--auth-provider=provider_name] [--auth-provider-arg=key=value] [--exec-command=exec_command] [--exec-api-version=exec_api_version] [--exec-arg=arg] [--exec-env=key=value]', summary: 'Set a user entry in kubeconfig',
    flags: {
      'embed-certs': { type: 'bool', usage: 'Embed client cert/key for the user entry in kubeconfig' }, username: { type: 'string', usage: 'username for the user entry in kubeconfig' }, password: { type: 'string', usage: 'password for the user entry in kubeconfig' },
      'auth-provider': { type: 'string', usage: 'Auth provider for the user entry in kubeconfig' }, 'auth-provider-arg': { type: 'array', usage: "'key=value' arguments for the auth provider" },
      'exec-interactive-mode': { type: 'string', usage: 'InteractiveMode of the exec credentials plugin for the user entry' }, 'exec-provide-cluster-info': { type: 'bool', usage: 'ProvideClusterInfo of the exec credentials plugin for the user entry' },
      'exec-command': { type: 'string', usage: 'Command for the exec credential plugin for the user entry in kubeconfig' }, 'exec-api-version': { type: 'string', usage: 'API version of the exec credential plugin' },
      'exec-arg': { type: 'array', usage: 'New arguments for the exec credential plugin command' }, 'exec-env': { type: 'array', usage: "'key=value' environment values for the exec credential plugin" },
    },
    async run(call) {
      const { flags, args } = call;
      if (args.length !== 1) throw unexpected(call, 'unexpected');
      const [certificate, key, embed] = [flags.string('client-certificate'), flags.string('client-key'), flags.bool('embed-certs')];
      if (flags.string('token') && (flags.string('username') || flags.string('password'))) throw new KubectlError('you cannot specify more than one authentication method at the same time: --token, --username/--password');
      if (embed && !certificate && !key) throw new KubectlError('you must specify a --client-certificate or --client-key to embed');
      const mode = flags.string('exec-interactive-mode');
      if (mode && !['IfAvailable', 'Never', 'Always'].includes(mode)) throw new KubectlError('invalid interactive mode type, can be only IfAvailable, Never, Always');
      const env = flags.strings('exec-env').map((pair) => ({ name: pair.split('=')[0], value: pair.slice(pair.indexOf('=') + 1) }));
      editKubeconfig(call, (config) => put(config, 'users', 'user', args[0]!, {
        ...(certificate && { 'client-certificate': embed ? undefined : resolve(certificate), 'client-certificate-data': embed ? bytes(certificate, 'client-certificate') : undefined }),
        ...(key && { 'client-key': embed ? undefined : resolve(key), 'client-key-data': embed ? bytes(key, 'client-key') : undefined }),
        ...(flags.string('token') && { token: flags.string('token'), username: undefined, password: undefined }),
        ...(flags.string('username') && { username: flags.string('username'), token: undefined }), ...(flags.string('password') && { password: flags.string('password'), token: undefined }),
        ...(flags.string('exec-command') && { exec: { apiVersion: flags.string('exec-api-version'), args: flags.strings('exec-arg'), command: flags.string('exec-command'), env: env.length > 0 ? env : null, ...(flags.string('exec-interactive-mode') && { interactiveMode: flags.string('exec-interactive-mode') }), provideClusterInfo: flags.bool('exec-provide-cluster-info') } }),
        ...(flags.string('auth-provider') && { 'auth-provider': { name: flags.string('auth-provider'), config: Object.fromEntries(flags.strings('auth-provider-arg').map((pair) => [pair.split('=')[0], pair.slice(pair.indexOf('=') + 1)])) } }),
      }));
      call.io.out(`User "${args[0]}" set.\n`);
    },
  },
};

async function remove(call: Call, list: 'clusters' | 'contexts' | 'users', noun: string): Promise<void> {
  const [name] = call.args;
  // Of clusters and contexts kubectl only shows the help, and counts it as done.
  if (call.args.length !== 1) throw noun === 'user' ? new KubectlError(`user to delete is required\nSee '${call.path} -h' for help and examples`) : new KubectlError('', { code: 0, helped: true });
  const path = editKubeconfig(call, (config, file) => {
    const entries = (config[list] ?? []) as { name: string }[];
    const at = entries.findIndex((entry) => entry.name === name);
    if (at < 0) throw new KubectlError(`cannot delete ${noun} ${name}, not in ${file}`);
    if (list === 'contexts' && config['current-context'] === name) call.io.err('warning: this removed your active context, use "kubectl config use-context" to select a different one\n');
    entries.splice(at, 1);
  });
  call.io.out(`deleted ${noun} ${name} from ${path}\n`);
}
