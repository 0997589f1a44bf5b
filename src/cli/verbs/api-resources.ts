import { apiVersionOf } from '../../api/object.ts';
import { toKyaml } from '../printers/kyaml.ts';
import { outputFlags } from '../printers/object-printer.ts';
import { sortKeys } from '../printers/sort-keys.ts';
import { textTable } from '../printers/text-table.ts';
import { toYaml } from '../printers/yaml.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

export const verb: Verb = {
  usage: '[flags]',
  summary: 'Print the supported API resources on the server',
  flags: {
    'api-group': { type: 'string', usage: 'Limit to resources in the specified API group.' },
    namespaced: { type: 'bool', default: true, usage: 'If false, non-namespaced resources will be returned, otherwise returning namespaced resources by default.' },
    categories: { type: 'strings', usage: 'Limit to resources that belong to the specified categories.' },
    verbs: { type: 'strings', usage: 'Limit to resources that support the specified verbs.' },
    'no-headers': { type: 'bool', usage: "When using the default or custom-column output format, don't print headers (default print headers)." },
    output: { short: 'o', type: 'string', usage: 'Output format. One of: (json, yaml, kyaml, name, wide).' },
    'show-managed-fields': outputFlags['show-managed-fields'],
    'sort-by': { type: 'string', usage: 'If non-empty, sort list of resources using specified field. One of (name, kind).' },
    cached: { type: 'bool', usage: 'Use the cached list of resources if available.' },
  },
  async run({ flags, session, io, args }) {
    if (args.length > 0) throw new KubectlError(`unexpected arguments: [${args.join(' ')}]\nSee 'kubectl api-resources -h' for help and examples`);
    if (!['', 'name', 'kind'].includes(flags.string('sort-by'))) throw new KubectlError('--sort-by accepts only name or kind');
    const output = flags.string('output');
    if (!['', 'wide', 'name', 'json', 'yaml', 'kyaml'].includes(output)) throw new KubectlError(`unable to match a printer suitable for the output format "${output}", allowed formats are: json,kyaml,name,wide,yaml`);
    // Of a resource served in several versions, that of the first.
    const seen = new Set<string>();
    const resources = (await session.discovered()).resources.filter((r) => !seen.has(`${r.group}/${r.resource}`) && seen.add(`${r.group}/${r.resource}`));
    const shown = resources.filter((r) => (!flags.changed('api-group') || r.group === flags.string('api-group')) && (!flags.changed('namespaced') || r.namespaced === flags.bool('namespaced'))
      && flags.strings('categories').every((c) => r.categories.includes(c)) && flags.strings('verbs').every((v) => r.verbs.includes(v)));
    const by = flags.string('sort-by');
    const key = (r: (typeof shown)[number]): string => (by === 'kind' ? r.kind : by === 'name' ? r.resource : `${r.group}\u0000${r.resource}`);
    const sorted = shown.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
    if (output === 'name') {
      io.out(sorted.map((r) => `${r.resource}${r.group ? `.${r.group}` : ''}\n`).join(''));
      return;
    }
    if (output && output !== 'wide') {
      const described = sorted.map((r) => ({
        ...(r.categories.length > 0 && { categories: r.categories }), ...(r.group && { group: r.group }), kind: r.kind, name: r.resource, namespaced: r.namespaced,
        ...(r.shortNames.length > 0 && { shortNames: r.shortNames }), singularName: r.singular, verbs: r.verbs, version: r.version,
      }));
      const list = sortKeys({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: '', resources: described });
      io.out(output === 'yaml' ? toYaml(list) : output === 'kyaml' ? toKyaml(list) : `${JSON.stringify(list, null, 4)}\n`);
      return;
    }
    const wide = output === 'wide';
    const header = ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND', ...(wide ? ['VERBS', 'CATEGORIES'] : [])];
    const rows = sorted.map((r) => [r.resource, r.shortNames.join(','), apiVersionOf(r), String(r.namespaced), r.kind, ...(wide ? [r.verbs.toSorted().join(','), r.categories.join(',')] : [])]);
    io.out(textTable(flags.bool('no-headers') ? rows : [header, ...rows]));
  },
};
