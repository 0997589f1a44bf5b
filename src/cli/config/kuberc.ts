import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, normalize } from 'node:path';
import { parseAllDocuments } from 'yaml';

export interface OptionDefault { readonly name: string; readonly default: string }
export interface CommandDefaults { readonly command: string; readonly options?: readonly OptionDefault[] | null }
export interface Alias extends CommandDefaults {
  readonly name: string;
  readonly prependArgs?: readonly string[] | null;
  readonly appendArgs?: readonly string[] | null;
}

/** A person's preferences: other defaults of options, other names of verbs, and which programs may give credentials. */
export interface Preference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly defaults?: readonly CommandDefaults[] | null;
  readonly aliases?: readonly Alias[] | null;
  readonly credentialPluginPolicy?: string;
  readonly credentialPluginAllowlist?: readonly { readonly name?: string; readonly command?: string }[] | null;
}

export const KUBERC_VERSION = 'kubectl.config.k8s.io/v1beta1';

/** What is wrong with preferences; the whole line is worded. */
export class PreferenceFault extends Error {}

/** Where preferences stand: `--kuberc`, `KUBERC`, else ~/.kube/kuberc; undefined where `KUBERC=off`. Upstream: kubectl pkg/kuberc. */
export function kubercFile(given: string, env: Readonly<Record<string, string | undefined>>): { readonly path: string; readonly explicit: boolean } | undefined {
  const named = env['KUBERC'] ?? '';
  if (named === 'off') {
    if (given) throw new PreferenceFault('disabling kuberc via KUBERC=off and passing kuberc flag are mutually exclusive');
    return undefined;
  }
  return { path: given || named || join(env['HOME'] || homedir(), '.kube', 'kuberc'), explicit: given !== '' || named !== '' };
}

/** The value of `--kuberc` among the words of a call: it counts before they are read. */
export function explicitKuberc(argv: readonly string[]): string {
  for (const [i, word] of argv.entries()) {
    if (word === '--') break;
    if (word !== '--kuberc' && !word.startsWith('--kuberc=')) continue;
    const value = word === '--kuberc' ? argv[i + 1] : word.slice('--kuberc='.length);
    if (!value) throw new PreferenceFault('kuberc file is not found');
    return value;
  }
  return '';
}

const FIELDS = new Set(['apiVersion', 'kind', 'defaults', 'aliases', 'credentialPluginPolicy', 'credentialPluginAllowlist']);

/** The preferences of a call; undefined where there are none. Tells `warn` of what is left out; throws PreferenceFault for what was asked for and cannot be had. */
export function loadPreference(argv: readonly string[], env: Readonly<Record<string, string | undefined>>, warn: (text: string) => void): Preference | undefined {
  const file = kubercFile(explicitKuberc(argv), env);
  if (!file) return undefined;
  let found: Preference | undefined;
  try {
    found = readPreference(file.path, warn);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const text = code === 'ENOENT' ? `open ${file.path}: no such file or directory` : message;
    if (file.explicit) throw new PreferenceFault(`kuberc error kuberc: ${text}`);
    if (code !== 'ENOENT') warn(`kuberc: no preferences loaded from ${file.path}: ${text}`);
    return undefined;
  }
  if (found) checkPreference(found);
  return found;
}

/** The first document of a version that we know. */
function readPreference(path: string, warn: (text: string) => void): Preference | undefined {
  const documents = parseAllDocuments(readFileSync(path, 'utf8'), { uniqueKeys: false });
  const all = Array.isArray(documents) ? documents : [];
  let tried = 0;
  for (const document of all) {
    const value = document.errors.length > 0 ? 'broken' : (document.toJS() as Preference | string | null);
    if (value === null) continue;
    tried++;
    if (typeof value !== 'object' || value.kind !== 'Preference' || !/^kubectl\.config\.k8s\.io\/v1(?:alpha1|beta1)$/.test(value.apiVersion ?? '')) continue;
    const unknown = Object.keys(value).filter((field) => !FIELDS.has(field));
    if (unknown.length > 0) warn(`kuberc: ignoring strict decoding error in ${path}: strict decoding error: ${unknown.map((field) => `unknown field "${field}"`).join(', ')}`);
    return value;
  }
  if (tried > 0) throw new Error(`no valid preferences found in ${path}, use --v=5 to see details`);
  return undefined;
}

function checkPreference({ aliases, defaults, credentialPluginPolicy: policy = '', credentialPluginAllowlist: allowed }: Preference): void {
  const names = new Set<string>();
  const checkOptions = ({ options }: CommandDefaults): void => {
    for (const { name } of options ?? []) if (name.startsWith('-')) throw new PreferenceFault(`flag name ${name} should be in long form without dashes`);
  };
  for (const alias of aliases ?? []) {
    if (!/^[a-zA-Z]+$/.test(alias.name)) throw new PreferenceFault('invalid alias name, can only include alphabetical characters');
    checkOptions(alias);
    if (names.has(alias.name)) throw new PreferenceFault(`duplicate alias name ${alias.name}`);
    names.add(alias.name);
  }
  for (const one of defaults ?? []) checkOptions(one);
  if (policy === 'Allowlist') {
    if (!allowed) throw new PreferenceFault('credential plugin policy set to "Allowlist", but allowlist is unspecified');
    if (allowed.length === 0) throw new PreferenceFault('credential plugin policy set to "Allowlist", but allowlist is empty; use "DenyAll" policy instead');
    allowed.forEach(({ command = '', name = '' }, i) => {
      if (command === '' && name === '') throw new PreferenceFault(`misconfigured credential plugin allowlist: empty allowlist entry #${i + 1}`);
      if (command !== '' && normalize(command) !== command) throw new PreferenceFault(`non-normalized file path: "${command}" vs "${normalize(command)}"`);
    });
  } else if (!['', 'AllowAll', 'DenyAll'].includes(policy)) throw new PreferenceFault(`unknown plugin policy: "${policy}"`);
  else if (allowed) throw new PreferenceFault(`misconfigured credential plugin allowlist: plugin policy is "${policy}" but allowlist is non-nil`);
}

/** The words that an alias stands for; undefined where none is of that name. Options of the alias that the call does not give stand behind the verb. */
export function expandAlias({ aliases }: Preference, name: string, rest: readonly string[]): { readonly words: readonly string[]; readonly alias: Alias } | undefined {
  const alias = aliases?.find((one) => one.name === name);
  return alias && { alias, words: [...alias.command.split(/\s+/).filter((word) => word !== ''), ...(alias.prependArgs ?? []), ...rest, ...(alias.appendArgs ?? [])] };
}

/** Whether a call gives the option by any of its spellings. */
export function isGiven(name: string, short: string | undefined, shorts: ReadonlySet<string>, words: readonly string[]): boolean {
  return words.some((word) => word === `--${name}` || word.startsWith(`--${name}=`) ||
    (short !== undefined && (word.startsWith(`-${short}`) || (/^-[a-zA-Z]+$/.test(word) && shorts.has(short) && word.slice(1).includes(short)))));
}
