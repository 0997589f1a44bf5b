import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parse } from 'yaml';
import { KUBERC_VERSION, kubercFile, PreferenceFault, type Alias, type OptionDefault, type Preference } from '../config/kuberc.ts';
import { objectPrinter, outputFlags } from '../printers/object-printer.ts';
import { toYaml } from '../printers/yaml.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

function fileOf({ flags, io }: Call): { readonly path: string; readonly explicit: boolean } {
  try {
    const file = kubercFile(flags.string('kuberc'), io.env);
    if (file) return file;
  } catch (error) {
    if (!(error instanceof PreferenceFault)) throw error;
    throw new KubectlError(error.message);
  }
  throw new KubectlError('KUBERC is disabled via KUBERC=off environment variable');
}

/** Undefined where there is no file. */
function read(path: string): Preference | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new KubectlError(`error reading kuberc file: ${(error as Error).message}`);
  }
  try {
    return (parse(text, { prettyErrors: false, uniqueKeys: false }) as Preference | null) ?? {};
  } catch (error) {
    throw new KubectlError(`error parsing kuberc file: ${(error as Error).message}`);
  }
}

function save(call: Call, path: string, preference: Preference): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, toYaml({ aliases: null, defaults: null, ...preference }), { mode: 0o644 });
  call.io.out(`Updated ${path}\n`);
}

const RECOMMENDED: Preference = {
  apiVersion: KUBERC_VERSION, kind: 'Preference',
  defaults: [{ command: 'apply', options: [{ name: 'server-side', default: 'true' }] }, { command: 'delete', options: [{ name: 'interactive', default: 'true' }] }],
};

const SECTIONS = ['defaults', 'aliases', 'credentialplugin'];
const POLICIES = ['AllowAll', 'DenyAll', 'Allowlist'];

/** Throws what is wrong with the flags of `kuberc set`. */
function checkSet({ flags }: Call): void {
  const [section, name, policy] = [flags.string('section'), flags.string('name'), flags.string('policy')];
  if (!flags.changed('section')) throw new KubectlError('required flag(s) "section" not set');
  if (!SECTIONS.includes(section)) throw new KubectlError(`--section must be "defaults", "aliases", or "credentialplugin", got: ${section}`);
  if (section === 'aliases' && !name) throw new KubectlError('--name is required when --section=aliases');
  if (section === 'defaults' && name) throw new KubectlError('--name should not be specified when --section=defaults');
  if (section === 'defaults' && (flags.strings('prependarg').length > 0 || flags.strings('appendarg').length > 0)) throw new KubectlError('--prependarg and --appendarg are only valid for --section=aliases');
  if (section !== 'credentialplugin') {
    if (!flags.string('command')) throw new KubectlError('--command is required when --section=aliases or --section=defaults');
    return;
  }
  if (!policy) throw new KubectlError('--policy is required when --section=credentialplugin');
  if (!POLICIES.includes(policy)) throw new KubectlError(` --policy must be  "AllowAll", "DenyAll", or "Allowlist", got: ${policy}`);
  const listed = flags.strings('allowlist-entry').length > 0;
  if (policy === 'Allowlist' && !listed) throw new KubectlError('--allowlist-entry is required when --section=credentialplugin and --policy=Allowlist');
  if (policy !== 'Allowlist' && listed) throw new KubectlError('--allowlist-entry may only be used when --section=credentialplugin and --policy=Allowlist');
}

function optionsOf({ flags }: Call): OptionDefault[] {
  return flags.strings('option').map((option) => {
    const equals = option.indexOf('=');
    if (equals < 0) throw new KubectlError(`invalid option format "${option}", expected flag=value`);
    return { name: option.slice(0, equals).replace(/^-+/, ''), default: option.slice(equals + 1) };
  });
}

function allowedOf({ flags }: Call): { readonly command: string }[] {
  return flags.strings('allowlist-entry').flatMap((entry) => entry.split(',')).map((pair) => {
    const equals = pair.indexOf('=');
    if (equals < 0) throw new KubectlError(`improperly formatted allowlist entry: "${pair}"`);
    if (pair.slice(0, equals) === 'name') throw new KubectlError('allowlist entry field "name" is deprecated, use "command" instead');
    if (pair.slice(0, equals) !== 'command') throw new KubectlError(`unrecognized allowlist entry field: "${pair.slice(0, equals)}"`);
    return { command: pair.slice(equals + 1) };
  });
}

/** The entries with one more, or with one in the place of that which has its key; what is not given anew stays. */
function put<T extends { readonly options?: readonly OptionDefault[] | null }>(entries: readonly T[], at: number, entry: T, call: Call, noun: string): T[] {
  if (at < 0) return [...entries, entry];
  if (!call.flags.bool('overwrite')) throw new KubectlError(`${noun} already exist${noun.startsWith('alias') ? 's' : ''}, use --overwrite to replace`);
  const given = Object.fromEntries(Object.entries(entry).filter(([, value]) => !Array.isArray(value) || value.length > 0));
  return entries.with(at, { ...entries[at]!, ...given });
}

/** Upstream: kubectl pkg/cmd/kuberc. */
export const verb: Verb = {
  usage: 'SUBCOMMAND',
  summary: 'Manage user preferences (kuberc) file',
  flags: {},
  verbs: {
    view: {
      usage: '', summary: 'Display the current kuberc configuration', flags: { ...outputFlags, output: { ...outputFlags.output, default: 'yaml' } },
      async run(call) {
        const { path, explicit } = fileOf(call);
        const preference = read(path);
        if (preference) {
          call.io.out(objectPrinter(call.flags)!(preference));
          return;
        }
        if (explicit) throw new KubectlError(`kuberc file not found at ${path}`);
        call.io.out(`kuberc file not found at ${path}\nWould you like to generate a default kuberc file with recommended options? (y/N): `);
        if (/^y$/i.test((await call.io.readInput()).trim())) save(call, path, RECOMMENDED);
      },
    },
    set: {
      usage: '--section (defaults|aliases) --command COMMAND', summary: 'Set values in the kuberc configuration',
      flags: {
        section: { type: 'string', usage: "Section to modify: 'defaults', 'aliases', or 'credentialplugin'" }, command: { type: 'string', usage: "Command to configure (e.g., 'get', 'create', 'set env')" },
        name: { type: 'string', usage: 'Alias name (required for --section=aliases)' }, option: { type: 'array', usage: 'Flag option in the form flag=value (can be specified multiple times)' },
        prependarg: { type: 'array', usage: 'Argument to prepend to the command (can be specified multiple times, for aliases only)' }, appendarg: { type: 'array', usage: 'Argument to append to the command (can be specified multiple times, for aliases only)' },
        policy: { type: 'string', usage: "Plugin policy to use for exec credential plugins, must be one of 'AllowAll', 'DenyAll' or 'Allowlist'" }, 'allowlist-entry': { type: 'array', usage: 'Allowlist entry of the form field=value (can be specified multiple times)' },
        overwrite: { type: 'bool', usage: 'Allow overwriting existing entries' },
      },
      async run(call) {
        const { flags } = call;
        const { path } = fileOf(call);
        checkSet(call);
        const preference: Preference = { apiVersion: KUBERC_VERSION, kind: 'Preference', ...read(path) };
        const [command, options] = [flags.string('command'), optionsOf(call)];
        switch (flags.string('section')) {
          case 'defaults': {
            const defaults = preference.defaults ?? [];
            save(call, path, { ...preference, defaults: put(defaults, defaults.findIndex((one) => one.command === command), { command, options }, call, `defaults for command "${command}"`) });
            break;
          }
          case 'aliases': {
            const aliases = preference.aliases ?? [];
            const name = flags.string('name');
            const [prependArgs, appendArgs] = [flags.strings('prependarg'), flags.strings('appendarg')];
            const alias: Alias = { name, command, ...(options.length > 0 && { options }), ...(prependArgs.length > 0 && { prependArgs }), ...(appendArgs.length > 0 && { appendArgs }) };
            save(call, path, { ...preference, aliases: put(aliases, aliases.findIndex((one) => one.name === name), alias, call, `alias "${name}"`) });
            break;
          }
          default: {
            const policy = flags.string('policy');
            save(call, path, { ...preference, credentialPluginPolicy: policy, ...(policy === 'Allowlist' && { credentialPluginAllowlist: allowedOf(call) }) });
          }
        }
      },
    },
  },
};
