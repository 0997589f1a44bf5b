import type { KubeObject } from '../../api/object.ts';
import { dryRunOf, printResult, writeFlags } from './mutation.ts';
import { currentObject, isLocal, localFlag, patchObject } from './patch-object.ts';
import { listTargets } from '../targets/selected-targets.ts';
import { sourcesGiven, targetFlags } from '../targets/targets.ts';
import { labelValueFault } from './valid-keys.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** `kubectl label` and `kubectl annotate`: KEY=VALUE sets, KEY- removes; what is there changes only with --overwrite. */
export function metadataVerb({ field, done, removed, noun, summary }: { readonly field: 'labels' | 'annotations'; readonly done: string; readonly removed: string; readonly noun: string; readonly summary: string }): Verb {
  return {
    usage: `[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]`,
    summary,
    flags: {
      ...writeFlags(`kubectl-${noun === 'label' ? 'label' : 'annotate'}`), ...targetFlags, ...localFlag,
      overwrite: { type: 'bool', usage: `If true, allow ${field} to be overwritten, otherwise reject ${noun} updates that overwrite existing ${field}.` },
      all: { type: 'bool', usage: 'Select all resources, in the namespace of the specified resource types' },
      'all-namespaces': { short: 'A', type: 'bool', usage: 'If true, check the specified action in all namespaces.' },
      'field-selector': { type: 'string', usage: 'Selector (field query) to filter on' },
      list: { type: 'bool', usage: `If true, display the ${field} for a given resource.` },
      'resource-version': { type: 'string', usage: 'If non-empty, the update will only succeed if this is the current resource-version for the object.' },
    },
    async run(call) {
      const { flags, io } = call;
      // Keys of labels may hold a slash: only what holds no `=` and ends in no `-` names a resource.
      const isChange = (word: string): boolean => /^[^=]+=/.test(word) || /^[^=]+-$/.test(word);
      const first = call.args.findIndex((word, i) => i > 0 && isChange(word));
      const changes = first < 0 ? (call.args.length > 0 && isChange(call.args[0]!) ? call.args : []) : call.args.slice(first);
      const args = changes === call.args ? [] : first < 0 ? call.args : call.args.slice(0, first);
      const file = noun === 'label' ? 'pod' : 'rsrc';
      if (flags.bool('list') && flags.string('output')) throw new KubectlError('--list and --output may not be specified together');
      if (flags.bool('all') && flags.string('selector')) throw new KubectlError('cannot set --all and --selector at the same time');
      if (flags.bool('all') && flags.string('field-selector')) throw new KubectlError('cannot set --all and --field-selector at the same time');
      if (isLocal(flags)) {
        if (dryRunOf(flags) === 'server') throw new KubectlError('cannot specify --local and --dry-run=server - did you mean --dry-run=client?');
        if (args.length > 0) throw new KubectlError(`can only use local files by -f ${file}.yaml or --filename=${file}.json when --local=true is set`);
        if (!sourcesGiven(flags)) throw new KubectlError(`one or more files must be specified as -f ${file}.yaml or --filename=${file}.json`);
      } else if (args.length === 0 && !sourcesGiven(flags)) throw new KubectlError('one or more resources must be specified as <resource> <name> or <resource>/<name>');
      if (changes.length === 0 && !flags.bool('list')) throw new KubectlError(`at least one ${noun} update is required`);
      const set: Record<string, string> = {};
      const drop: string[] = [];
      for (const change of changes) {
        if (!isChange(change)) throw new KubectlError(`all resources must be specified before ${noun} changes: ${change}`);
        const equals = change.indexOf('=');
        const value = change.slice(equals + 1);
        if (field === 'labels' && equals > 0 && value.includes('=')) throw new KubectlError(`invalid label spec: ${change}`);
        const wrong = field === 'labels' && equals > 0 ? labelValueFault(value) : undefined;
        if (wrong) throw new KubectlError(`invalid label value: "${change}": ${wrong}`);
        if (equals > 0) set[change.slice(0, equals)] = change.slice(equals + 1);
        else drop.push(change.slice(0, -1));
      }
      const both = drop.filter((key) => Object.hasOwn(set, key));
      if (both.length > 0) throw new KubectlError(field === 'labels' ? 'can not both modify and remove a label in the same command' : `can not both modify and remove the following annotation(s) in the same command: ${both.join(', ')}`);
      const targets = await listTargets(call, { args, allNamespaces: flags.bool('all-namespaces') });
      if (flags.string('resource-version') && (targets.length > 1 || flags.bool('all'))) throw new KubectlError('--resource-version may only be used with a single resource');
      for (const target of targets) {
        const live = await currentObject<KubeObject>(call, target);
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
        if (field === 'labels' && dryRunOf(flags) !== 'client') for (const key of drop) if (!Object.hasOwn(present, key)) io.out(`${noun} "${key}" not found.\n`);
        const changed = Object.entries(set).some(([key, value]) => present[key] !== value) || drop.some((key) => Object.hasOwn(present, key));
        const patch = { metadata: { [field]: { ...set, ...Object.fromEntries(drop.map((key) => [key, null])) }, ...(flags.string('resource-version') && { resourceVersion: flags.string('resource-version') }) } };
        const result = changed ? await patchObject(call, target, live, { kind: 'merge', body: patch, manager: noun === 'label' ? 'kubectl-label' : 'kubectl-annotate' }) : live;
        printResult(call, target.resource, result, field === 'annotations' ? done : !changed ? `not ${done}` : drop.length > 0 && Object.keys(set).length === 0 ? removed : done);
      }
    },
  };
}
