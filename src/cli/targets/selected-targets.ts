import type { KubeObject, ObjectList } from '../../api/object.ts';
import { listFault } from './list-fault.ts';
import { pathOf } from '../command/resource-mapper.ts';
import { resolveTargets, sourcesGiven, type Target } from './targets.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** A target that names one object. */
export type NamedTarget = Target & { readonly name: string };

/** The objects that a call names: by name, by file, by `-l`/`--field-selector`, or `--all` of a type. Types without any of these are refused. */
export async function listTargets(call: Call, options: { readonly args?: readonly string[]; readonly allNamespaces?: boolean; readonly typeMeansAll?: boolean } = {}): Promise<NamedTarget[]> {
  const { flags, session } = call;
  const selector = flags.has('selector') ? flags.string('selector') : '';
  const fieldSelector = flags.has('field-selector') ? flags.string('field-selector') : '';
  const all = options.typeMeansAll === true || (flags.has('all') && flags.bool('all'));
  const named: NamedTarget[] = [];
  for (const target of await resolveTargets(call, options)) {
    if (target.name !== undefined) {
      if (selector && !sourcesGiven(flags)) throw new KubectlError('name cannot be provided when a selector is specified');
      named.push(target as NamedTarget);
      continue;
    }
    if (!selector && !fieldSelector && !all) throw new KubectlError('resource(s) were provided, but no name was specified');
    const path = pathOf(target.resource, { namespace: target.namespace });
    const list = await session.verbatim<ObjectList<KubeObject>>(path, { query: { labelSelector: selector, fieldSelector } }).catch((error: unknown) => {
      throw listFault(error, target.resource, selector, fieldSelector);
    });
    named.push(...list.items.map(({ metadata }) => ({ ...target, namespace: metadata.namespace ?? target.namespace, name: metadata.name })));
  }
  return named;
}
