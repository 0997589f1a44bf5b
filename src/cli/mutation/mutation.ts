import type { KubeObject } from '../../api/object.ts';
import type { Flags, FlagSpec, FlagSpecs } from '../command/flags.ts';
import { objectPrinter, outputFlags } from '../printers/object-printer.ts';
import { pathOf, qualifiedKind, type DiscoveredResource } from '../command/resource-mapper.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** Upstream: kubectl cmd/util GetDryRunStrategy. */
export const dryRunFlag = {
  type: 'string', default: 'none', bare: 'unchanged', usage: 'Must be "none", "server", or "client".', formerly: { unchanged: 'client', true: 'client', false: 'none' },
} as const satisfies FlagSpec;

/** Flags of all verbs that write; `manager` is whose name the write bears unless the flag says another. */
export const writeFlags = (manager: string) => ({
  ...outputFlags,
  'dry-run': dryRunFlag,
  'field-manager': { type: 'string', default: manager, usage: 'Name of the manager used to track field ownership.' },
}) as const satisfies FlagSpecs;

/** Those of verbs whose writes bear kubectl's own name. */
export const plainWriteFlags = { ...outputFlags, 'dry-run': dryRunFlag } as const satisfies FlagSpecs;

/** Those of verbs that send whole objects: the server checks their fields. */
export const checkedWriteFlags = (manager: string) => ({
  ...writeFlags(manager),
  validate: { type: 'string', default: 'strict', bare: 'strict', usage: 'Must be one of: strict (or true), warn, ignore (or false).' },
}) as const satisfies FlagSpecs;

export type DryRun = 'none' | 'client' | 'server';

export function dryRunOf(flags: Flags): DryRun {
  if (!flags.has('dry-run')) return 'none';
  const value = flags.string('dry-run');
  if (value !== 'none' && value !== 'client' && value !== 'server') throw new KubectlError(`Invalid dry-run value (${value}). Must be "none", "server", or "client".`);
  return value;
}

function validationOf(flags: Flags): string | undefined {
  if (!flags.has('validate')) return undefined;
  const value = flags.string('validate');
  const levels: Readonly<Record<string, string>> = { strict: 'Strict', true: 'Strict', warn: 'Warn', ignore: 'Ignore', false: 'Ignore' };
  const level = levels[value];
  if (!level) throw new KubectlError(`invalid - validate option "${value}"; must be one of: strict (or true), warn, ignore (or false)`);
  return level;
}

/** Query parameters of a write by this call. */
export function writeQuery(call: Call, manager: string): Record<string, string | undefined> {
  const { flags } = call;
  return { fieldManager: (flags.has('field-manager') && flags.string('field-manager')) || manager, fieldValidation: validationOf(flags), dryRun: dryRunOf(flags) === 'server' ? 'All' : undefined };
}

/** Prints `deployment.apps/kubia created`, or the object where `-o` asks for it; some verbs do not say that nothing was written. */
export function printResult(call: Call, resource: Pick<DiscoveredResource, 'group' | 'kind'>, object: unknown, done: string, { sayDryRun = true } = {}): void {
  const printer = call.flags.has('output') ? objectPrinter(call.flags) : undefined;
  if (printer) {
    call.io.out(printer(object));
    return;
  }
  const suffix = !sayDryRun ? '' : { none: '', client: ' (dry run)', server: ' (server dry run)' }[dryRunOf(call.flags)];
  call.io.out(`${qualifiedKind(resource)}/${(object as KubeObject).metadata.name} ${done}${suffix}\n`);
}

/** Creates `object` (or only says so with `--dry-run=client`) and prints the result. */
export async function createObject(call: Call, object: { readonly apiVersion: string; readonly kind: string; readonly metadata: { readonly name?: string; readonly namespace?: string } }, manager = 'kubectl-create', done = 'created'): Promise<void> {
  const { session, flags } = call;
  const resource = (await session.mapper((builtIn) => builtIn.findKind(object.apiVersion, object.kind))).byKind(object.apiVersion, object.kind);
  const namespace = resource.namespaced ? (object.metadata.namespace ?? (await session.namespace())) : undefined;
  if (dryRunOf(flags) === 'client') {
    printResult(call, resource, { ...object, metadata: { ...object.metadata, ...(session.namespaceGiven && namespace && { namespace }) } }, done);
    return;
  }
  const created = await session.call('POST', pathOf(resource, { namespace }), { body: object, query: writeQuery(call, manager) });
  printResult(call, resource, created, done);
}
