import type { KubeObject } from '../api/object.ts';
import { dryRunOf, mutationFlags, printResult, writeQuery } from './mutation.ts';
import { listTargets } from './selected-targets.ts';
import { targetFlags, targetPath } from './targets.ts';
import { KubectlError, type Verb } from './verb.ts';

/** `kubectl label` and `kubectl annotate`: KEY=VALUE sets, KEY- removes; what is there changes only with --overwrite. */
export function metadataVerb({ field, done, removed, noun, summary }: { readonly field: 'labels' | 'annotations'; readonly done: string; readonly removed: string; readonly noun: string; readonly summary: string }): Verb {
  return {
    usage: `[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]`,
    summary,
    flags: {
      ...mutationFlags, ...targetFlags,
      overwrite: { type: 'bool', usage: `If true, allow ${field} to be overwritten, otherwise reject ${noun} updates that overwrite existing ${field}.` },
      all: { type: 'bool', usage: 'Select all resources, in the namespace of the specified resource types' },
      'all-namespaces': { short: 'A', type: 'bool', usage: 'If true, check the specified action in all namespaces.' },
      'field-selector': { type: 'string', usage: 'Selector (field query) to filter on' },
      list: { type: 'bool', usage: `If true, display the ${field} for a given resource.` },
      'resource-version': { type: 'string', usage: 'If non-empty, the update will only succeed if this is the current resource-version for the object.' },
    },
    async run(call) {
      const { flags, session, io } = call;
      // Keys of labels may hold a slash: only what holds no `=` and ends in no `-` names a resource.
      const isChange = (word: string): boolean => /^[^=]+=/.test(word) || /^[^=]+-$/.test(word);
      const first = call.args.findIndex((word, i) => i > 0 && isChange(word));
      const changes = first < 0 ? (call.args.length > 0 && isChange(call.args[0]!) ? call.args : []) : call.args.slice(first);
      const args = changes === call.args ? [] : first < 0 ? call.args : call.args.slice(0, first);
      if (changes.length === 0 && !flags.bool('list')) throw new KubectlError(`at least one ${noun} update is required`);
      const set: Record<string, string> = {};
      const drop: string[] = [];
      for (const change of changes) {
        if (!isChange(change)) throw new KubectlError(`all resources must be specified before ${noun} changes: ${change}`);
        const equals = change.indexOf('=');
        if (equals > 0) set[change.slice(0, equals)] = change.slice(equals + 1);
        else drop.push(change.slice(0, -1));
      }
      const both = drop.find((key) => Object.hasOwn(set, key));
      if (both !== undefined) throw new KubectlError(`can not both modify and remove a ${noun} in the same command`);
      for (const target of await listTargets(call, { args, allNamespaces: flags.bool('all-namespaces') })) {
        const live = await session.json<KubeObject>(targetPath(target));
        const present: Readonly<Record<string, string>> = live.metadata[field] ?? {};
        if (flags.bool('list')) {
          io.out(Object.entries(present).toSorted().map(([key, value]) => `${key}=${value}\n`).join(''));
          continue;
        }
        if (!flags.bool('overwrite')) {
          for (const [key, value] of Object.entries(set)) {
            if (Object.hasOwn(present, key) && present[key] !== value) throw new KubectlError(field === 'labels' ? `'${key}' already has a value (${present[key]}), and --overwrite is false` : `--overwrite is false but found the following declared ${noun}(s): '${key}' already has a value (${present[key]})`);
          }
        }
        for (const key of drop) if (!Object.hasOwn(present, key)) io.out(`${noun} "${key}" not found.\n`);
        const changed = Object.entries(set).some(([key, value]) => present[key] !== value) || drop.some((key) => Object.hasOwn(present, key));
        const patch = { metadata: { [field]: { ...set, ...Object.fromEntries(drop.map((key) => [key, null])) }, ...(flags.string('resource-version') && { resourceVersion: flags.string('resource-version') }) } };
        const result = changed && dryRunOf(flags) !== 'client'
          ? await session.call('PATCH', targetPath(target), { body: patch, contentType: 'application/merge-patch+json', query: { ...writeQuery(call, field === 'labels' ? 'kubectl-label' : 'kubectl-annotate') } })
          : live;
        printResult(call, target.resource, result, field === 'annotations' ? done : !changed ? `not ${done}` : drop.length > 0 && Object.keys(set).length === 0 ? removed : done);
      }
    },
  };
}
