import { humanDuration } from '../../api/human-duration.ts';
import { systemClock } from '../../base/clock.ts';
import type { KubeObject, ObjectList } from '../../api/object.ts';
import { StatusError } from '../../api/errors.ts';
import { compareQuantities, isQuantity } from '../../api/quantity.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { findAll, relaxedJsonPath } from '../printers/jsonpath.ts';
import { objectPrinter, outputFlags, type ObjectPrinter } from '../printers/object-printer.ts';
import { printTable, tableCells, type ServerTable, type TableOptions } from '../printers/server-table.ts';
import { textTable } from '../printers/text-table.ts';
import { pathOf, qualifiedKind } from '../command/resource-mapper.ts';
import { resolveTargets, sourcesGiven, targetFlags, targetPath, type Target } from '../targets/targets.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { statusText } from '../command/status-text.ts';
import { listFault } from '../targets/list-fault.ts';
import { watchLines } from '../watch/watch-lines.ts';

const flags = {
  ...targetFlags,
  ...outputFlags,
  'all-namespaces': { short: 'A', type: 'bool', usage: 'If present, list the requested object(s) across all namespaces.' },
  'field-selector': { type: 'string', usage: 'Selector (field query) to filter on' },
  'no-headers': { type: 'bool', usage: "When using the default or custom-column output format, don't print headers." },
  'show-labels': { type: 'bool', usage: 'When printing, show all labels as the last column' },
  'show-kind': { type: 'bool', usage: 'If present, list the resource type for the requested object(s).' },
  'label-columns': { short: 'L', type: 'strings', usage: 'Accepts a comma separated list of labels that are going to be presented as columns.' },
  'sort-by': { type: 'string', usage: 'If non-empty, sort list types using this field specification.' },
  'ignore-not-found': { type: 'bool', usage: 'If set to true, suppresses NotFound error for specific objects that do not exist.' },
  watch: { short: 'w', type: 'bool', usage: 'After listing/getting the requested object, watch for changes.' },
  'watch-only': { type: 'bool', usage: 'Watch for changes to the requested object(s), without listing/getting first.' },
  'output-watch-events': { type: 'bool', usage: 'Output watch event objects when --watch or --watch-only is used.' },
  'chunk-size': { type: 'int', default: 500, usage: 'Return large lists in chunks rather than all at once. Pass 0 to disable.' },
  'server-print': { type: 'bool', default: true, usage: 'If true, have the server return the appropriate table output.' },
  subresource: { type: 'string', usage: 'If specified, gets the subresource of the requested object.' },
  raw: { type: 'string', usage: 'Raw URI to request from the server.' },
} as const satisfies FlagSpecs;

export const verb: Verb = {
  usage: '[(-o|--output=)json|yaml|name|jsonpath|custom-columns|wide] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags]',
  summary: 'Display one or many resources',
  flags,
  async run(call) {
    const { flags: given, session, io } = call;
    if (given.string('raw')) {
      if (call.args.length > 0) throw new KubectlError('arguments may not be passed when --raw is specified');
      if (given.bool('watch') || given.bool('watch-only') || given.string('selector')) throw new KubectlError('--raw may not be specified with other flags that filter the server request or alter the output');
      if (given.string('output')) throw new KubectlError('--raw and --output are mutually exclusive');
      if (!given.string('raw').startsWith('/')) throw new KubectlError(`--raw must be a valid URL path: parse ${JSON.stringify(given.string('raw'))}: invalid URI for request`);
      io.out(await session.text('GET', given.string('raw')));
      return 0;
    }
    if (call.args.length === 0 && !sourcesGiven(given)) {
      throw new KubectlError(`You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n\nerror: Required resource not specified.\nUse "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).\nSee 'kubectl get -h' for help and examples`, { bare: true });
    }
    if (given.bool('output-watch-events') && !given.bool('watch') && !given.bool('watch-only')) throw new KubectlError('--output-watch-events option can only be used with --watch or --watch-only');
    if (given.bool('show-labels') && !['', 'wide'].includes(given.string('output'))) throw new KubectlError(`--show-labels option cannot be used with ${given.string('output')} printer`);
    const printer = objectPrinter(given, { columns: true });
    const targets = await resolveTargets(call, { allNamespaces: given.bool('all-namespaces') });
    if (given.string('subresource') && targets.some(({ name }) => name === undefined)) throw new KubectlError('subresource cannot be used when bulk resources are specified');
    if (given.bool('watch') || given.bool('watch-only')) return watch(call, targets, printer);
    return printer ? objects(call, targets, printer) : tables(call, targets);
  },
};

function listQuery(call: Call): Record<string, string | undefined> {
  const { flags: given } = call;
  return { labelSelector: given.string('selector'), fieldSelector: given.string('field-selector') };
}

function chunk(call: Call): string | undefined {
  const size = call.flags.int('chunk-size');
  return size > 0 ? String(size) : undefined;
}

/** Reports a fault of one target and goes on with the others; the exit code tells. */
function told(call: Call, error: unknown, target: Target): 1 {
  if (!(error instanceof StatusError)) throw error;
  const { flags: given } = call;
  call.io.err(`${statusText(target.name === undefined ? (listFault(error, target.resource, given.string('selector'), given.string('field-selector')) as StatusError) : error)}\n`);
  return 1;
}

async function objects(call: Call, targets: readonly Target[], printer: ObjectPrinter): Promise<number> {
  const { session, flags: given, io } = call;
  const found: unknown[] = [];
  let code = 0;
  const single = targets.length === 1 && targets[0]!.name !== undefined;
  for (const target of targets) {
    try {
      if (target.name !== undefined) {
        found.push(await session.verbatim(targetPath(target, given.string('subresource') || undefined)));
        continue;
      }
      let next: string | undefined;
      do {
        const list: ObjectList<KubeObject> = await session.verbatim(targetPath(target), { query: { ...listQuery(call), limit: chunk(call), continue: next } });
        const kind = { apiVersion: list.apiVersion, kind: list.kind.replace(/List$/, '') };
        found.push(...list.items.map((item) => ({ ...kind, ...item })));
        next = list.metadata.continue;
      } while (next);
    } catch (error) {
      if (given.bool('ignore-not-found') && error instanceof StatusError && error.reason === 'NotFound') continue;
      code = told(call, error, target);
    }
  }
  if (single) {
    if (found.length > 0) io.out(printer(found[0]));
    return code;
  }
  if (code !== 0 && found.length === 0) return code;
  const sortBy = given.string('sort-by');
  const items = sortBy ? sorted(found, sortBy, (item) => item) : found;
  if (given.string('output').startsWith('name')) io.out(items.map((item) => printer(item)).join(''));
  else io.out(printer({ apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '' } }));
  return code;
}

async function fetchTable(call: Call, target: Target): Promise<ServerTable> {
  const { session, flags: given } = call;
  // Sorting and label columns need the whole objects or their metadata in the rows.
  const includeObject = given.string('sort-by') ? 'Object' : undefined;
  if (!given.bool('server-print')) return plainTable(call, target);
  if (target.name !== undefined) return session.table<ServerTable>(targetPath(target, given.string('subresource') || undefined), { includeObject });
  let table: ServerTable | undefined;
  let next: string | undefined;
  do {
    const page: ServerTable = await session.table<ServerTable>(targetPath(target), { ...listQuery(call), limit: chunk(call), continue: next, includeObject });
    table = table ? { ...page, columnDefinitions: table.columnDefinitions, rows: [...table.rows, ...page.rows] } : page;
    next = page.metadata.continue;
  } while (next);
  return table;
}

/** Names and ages, put together here: what kubectl knows of objects that no server describes. */
async function plainTable(call: Call, target: Target): Promise<ServerTable> {
  const { session } = call;
  const items = target.name === undefined ? (await session.json<ObjectList<KubeObject>>(targetPath(target), { query: listQuery(call) })).items : [await session.json<KubeObject>(targetPath(target))];
  return {
    kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: {}, columnDefinitions: [{ name: 'Name', type: 'string', priority: 0 }, { name: 'Age', type: 'string', priority: 0 }],
    rows: items.map((object) => ({ cells: [object.metadata.name, humanDuration(systemClock.now() - Date.parse(object.metadata.creationTimestamp))], object })),
  } as unknown as ServerTable;
}

function tableOptions(call: Call, target: Target, severalKinds: boolean): TableOptions {
  const { flags: given } = call;
  return {
    wide: given.string('output') === 'wide', headers: !given.bool('no-headers'), showNamespace: given.bool('all-namespaces') && target.resource.namespaced,
    ...((given.bool('show-kind') || severalKinds) && { kindPrefix: qualifiedKind(target.resource) }),
    showLabels: given.bool('show-labels'), labelColumns: given.strings('label-columns'),
  };
}

async function tables(call: Call, targets: readonly Target[]): Promise<number> {
  const { io, flags: given, session } = call;
  const severalKinds = new Set(targets.map(({ resource }) => `${resource.group}/${resource.resource}`)).size > 1;
  let code = 0;
  const blocks: { target: Target; table: ServerTable }[] = [];
  for (const target of targets) {
    try {
      const table = await fetchTable(call, target);
      const last = blocks.at(-1);
      // Rows of named objects of one kind go under one header.
      if (last && last.target.resource === target.resource && target.name !== undefined) last.table = { ...last.table, rows: [...last.table.rows, ...table.rows] };
      else blocks.push({ target, table });
    } catch (error) {
      if (given.bool('ignore-not-found') && error instanceof StatusError && error.reason === 'NotFound') continue;
      code = told(call, error, target);
    }
  }
  const shown = blocks.filter(({ table }) => table.rows.length > 0);
  if (shown.length === 0) {
    if (code === 0 && !given.bool('ignore-not-found')) {
      const namespaced = targets.every(({ resource }) => resource.namespaced) && !given.bool('all-namespaces');
      io.err(namespaced ? `No resources found in ${await session.namespace()} namespace.\n` : 'No resources found\n');
    }
    return code;
  }
  const sortBy = given.string('sort-by');
  io.out(shown.map(({ target, table }) => {
    const rows = sortBy ? sorted(table.rows, sortBy, (row) => row.object) : table.rows;
    return printTable({ ...table, rows }, tableOptions(call, target, severalKinds));
  }).join('\n'));
  return code;
}

/** Sorts stably by the field of a relaxed JSONPath: numbers as numbers, quantities by amount, else text. Upstream: get/sorter.go. */
function sorted<T>(items: readonly T[], path: string, objectOf: (item: T) => unknown): T[] {
  const template = relaxedJsonPath(path);
  const keyed = items.map((item) => ({ item, key: findAll(template, objectOf(item), { allowMissingKeys: true })[0] }));
  if (items.length > 1 && keyed.every(({ key }) => key === undefined)) throw new KubectlError(`couldn't find any field with path "${template}" in the list of objects`);
  return keyed.toSorted((a, b) => compareValues(a.key, b.key)).map(({ item }) => item);
}

function compareValues(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string' && isQuantity(a) && isQuantity(b)) return compareQuantities(a, b);
  const [left, right] = [String(a), String(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

async function watch(call: Call, targets: readonly Target[], printer: ObjectPrinter | undefined): Promise<number> {
  const { flags: given, io, session } = call;
  if (targets.length !== 1) throw new KubectlError('you may only specify a single resource type');
  const target = targets[0]!;
  // Who waits for one object by name is told that there is none.
  if (target.name !== undefined) await session.json(targetPath(target));
  const query = { ...listQuery(call), ...(target.name !== undefined && { fieldSelector: `metadata.name=${target.name}` }) };
  const path = pathOf(target.resource, { namespace: target.namespace });
  const events = given.bool('output-watch-events');
  let header = !given.bool('no-headers');
  const options = tableOptions(call, target, false);
  const widths: number[] = [];
  const show = (type: string, value: ServerTable | KubeObject): void => {
    if (printer) {
      io.out(printer(events ? { type, object: value } : value));
      return;
    }
    const cells = tableCells(value as ServerTable, { ...options, headers: header });
    io.out(textTable(events ? cells.map((row, i) => [header && i === 0 ? 'EVENT' : type, ...row]) : cells, widths));
    header = false;
  };
  const first = printer
    ? await session.verbatim<ObjectList<KubeObject>>(path, { query })
    : await session.table<ServerTable>(path, query);
  const { resourceVersion } = first.metadata;
  if (!given.bool('watch-only')) {
    if ('rows' in first) {
      if (first.rows.length > 0) show('ADDED', first);
    } else {
      const whole = given.string('output').startsWith('custom-columns') && !events;
      if (whole && first.items.length > 0) io.out(printer!(first));
      else for (const item of first.items) show('ADDED', { ...item, apiVersion: first.apiVersion, kind: first.kind.replace(/List$/, '') });
    }
  }
  for await (const { type, object } of watchLines<ServerTable | KubeObject>(session, path, { ...query, resourceVersion }, printer === undefined, io.signal)) {
    if (type === 'ERROR') throw new StatusError(object as never);
    if (type !== 'BOOKMARK') show(type, object);
  }
  return 0;
}
