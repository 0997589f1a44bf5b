import type { Node, Pod } from '../../api/generated/core-v1.ts';
import type { ObjectList } from '../../api/object.ts';
import { addQuantities, milliValue, quantityValue } from '../../api/quantity.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { textTable } from '../printers/text-table.ts';
import { targetFlags } from '../targets/targets.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

type Usage = Readonly<Record<string, string>>;
interface NodeMetrics { readonly metadata: { readonly name: string }; readonly usage: Usage }
interface PodMetrics { readonly metadata: { readonly name: string; readonly namespace: string }; readonly containers: readonly { readonly name: string; readonly usage: Usage }[] }

const flags = {
  selector: targetFlags.selector,
  'sort-by': { type: 'string', usage: "If non-empty, sort the list using specified field. The field can be either 'cpu' or 'memory'." },
  'show-swap': { type: 'bool', usage: 'Print resources related to swap memory, too.' },
  'no-headers': { type: 'bool', usage: 'If present, print output without headers' },
  'use-protocol-buffers': { type: 'bool', default: true, usage: 'Enables using protocol-buffers to access Metrics API.' },
} as const satisfies FlagSpecs;

const METRICS = '/apis/metrics.k8s.io/v1beta1';

/** Upstream: kubectl pkg/cmd/top. */
const nodeVerb: Verb = {
  usage: '[NAME | -l label]', summary: 'Display resource (CPU/memory) usage of nodes', run: topNode,
  flags: { ...flags, 'show-capacity': { type: 'bool', usage: 'Print node resources based on Capacity instead of Allocatable(default) of the nodes.' } },
};

const podVerb: Verb = {
  usage: '[NAME | -l label]', summary: 'Display resource (CPU/memory) usage of pods', run: topPod,
  flags: {
    ...flags, 'all-namespaces': { short: 'A', type: 'bool', usage: 'If present, list the requested object(s) across all namespaces.' }, containers: { type: 'bool', usage: 'If present, print usage of containers within a pod.' },
    'field-selector': { type: 'string', usage: 'Selector (field query) to filter on' }, sum: { type: 'bool', usage: 'Print the sum of the resource usage' },
  },
};

export const verb: Verb = {
  usage: '', summary: 'Display resource (CPU/memory) usage', flags: {},
  verbs: { node: nodeVerb, nodes: nodeVerb, no: nodeVerb, pod: podVerb, pods: podVerb, po: podVerb },
};

async function check(call: Call, noun: string): Promise<void> {
  const { flags: given, args, session, path } = call;
  if (args.length > 1) throw new KubectlError(`${path.replace('kubectl top ', '')} [NAME | -l label]\nSee '${path} -h' for help and examples`);
  if (!['', 'cpu', 'memory'].includes(given.string('sort-by'))) throw new KubectlError('--sort-by accepts only cpu or memory');
  if (args.length > 0 && given.string('selector')) throw new KubectlError(`only one of NAME or ${noun === 'node' ? '--' : ''}selector can be provided`);
  const { resources } = await session.discovered();
  if (!resources.some(({ group }) => group === 'metrics.k8s.io')) throw new KubectlError('Metrics API not available');
}

async function listed<T>({ args, session, flags: given }: Call, path: string, fieldSelector?: string): Promise<readonly T[]> {
  if (args[0] !== undefined) return [await session.json<T>(`${path}/${encodeURIComponent(args[0])}`)];
  return (await session.json<{ readonly items: readonly T[] }>(path, { query: { labelSelector: given.string('selector'), fieldSelector } })).items;
}

const cpuText = (usage: Usage): string => `${milliValue(usage['cpu'] ?? '0')}m`;
const mebibytes = (quantity = '0'): string => `${Math.trunc(quantityValue(quantity) / (1024 * 1024))}Mi`;
const memoryText = (usage: Usage): string => mebibytes(usage['memory']);
const share = (part: number, whole: number): string => (whole === 0 ? '0%' : `${Math.trunc((part / whole) * 100)}%`);

function order(by: string): (a: Usage, b: Usage) => number {
  if (by === 'cpu') return (a, b) => milliValue(b['cpu'] ?? '0') - milliValue(a['cpu'] ?? '0');
  return by === 'memory' ? (a, b) => quantityValue(b['memory'] ?? '0') - quantityValue(a['memory'] ?? '0') : () => 0;
}

async function topNode(call: Call): Promise<void> {
  await check(call, 'node');
  const { flags: given, session, io } = call;
  const metrics = await listed<NodeMetrics>(call, `${METRICS}/nodes`);
  if (metrics.length === 0) throw new KubectlError('metrics not available yet');
  const nodes = new Map((await session.json<ObjectList<Node>>('/api/v1/nodes', { query: { labelSelector: given.string('selector') } })).items.map((node) => [node.metadata.name, node]));
  const byName = metrics.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const rows = byName.toSorted((a, b) => order(given.string('sort-by'))(a.usage, b.usage)).map(({ metadata, usage }) => {
    const status = nodes.get(metadata.name)?.status;
    const whole = (given.bool('show-capacity') ? status?.capacity : status?.allocatable) ?? {};
    const swap = nodes.get(metadata.name)?.status?.nodeInfo?.swap?.capacity;
    const swapCells = !given.bool('show-swap') ? [] : swap === undefined ? ['<unknown>', '<unknown>'] : [mebibytes(usage['swap']), share(quantityValue(usage['swap'] ?? '0'), swap)];
    return [metadata.name, cpuText(usage), share(milliValue(usage['cpu'] ?? '0'), milliValue(whole['cpu'] ?? '0')), memoryText(usage), share(quantityValue(usage['memory'] ?? '0'), quantityValue(whole['memory'] ?? '0')), ...swapCells];
  });
  io.out(table(given.bool('no-headers') ? rows : [['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)', ...(given.bool('show-swap') ? ['SWAP(bytes)', 'SWAP(%)'] : [])], ...rows]));
}

async function topPod(call: Call): Promise<void> {
  await check(call, 'pod');
  const { flags: given, session, io, args } = call;
  const everywhere = given.bool('all-namespaces');
  const namespace = await session.namespace();
  const scope = everywhere ? '' : `/namespaces/${namespace}`;
  const metrics = await listed<PodMetrics>(call, `${METRICS}${scope}/pods`, given.string('field-selector'));
  if (metrics.length === 0) {
    const pods = args.length > 0 ? [] : (await session.json<ObjectList<Pod>>(`/api/v1${scope}/pods`, { query: { labelSelector: given.string('selector'), fieldSelector: given.string('field-selector') } })).items;
    if (pods.length > 0 || args.length > 0) throw new KubectlError('metrics not available yet');
    io.err(everywhere ? 'No resources found\n' : `No resources found in ${namespace} namespace.\n`);
    return;
  }
  const total = ({ containers }: PodMetrics): Usage => sum(containers.map(({ usage }) => usage));
  const compare = order(given.string('sort-by'));
  const key = ({ metadata }: PodMetrics): string => `${metadata.namespace}\u0000${metadata.name}`;
  const sorted = metrics.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)).toSorted((a, b) => compare(total(a), total(b)));
  const byContainer = given.bool('containers');
  const swapOf = (usage: Usage): string[] => (given.bool('show-swap') ? [mebibytes(usage['swap'])] : []);
  const rows = sorted.flatMap((pod) => {
    const head = [...(everywhere ? [pod.metadata.namespace] : []), pod.metadata.name];
    return byContainer ? pod.containers.map(({ name, usage }) => [...head, name, cpuText(usage), memoryText(usage), ...swapOf(usage)]) : [[...head, cpuText(total(pod)), memoryText(total(pod)), ...swapOf(total(pod))]];
  });
  const header = [...(everywhere ? ['NAMESPACE'] : []), ...(byContainer ? ['POD'] : []), 'NAME', 'CPU(cores)', 'MEMORY(bytes)', ...(given.bool('show-swap') ? ['SWAP(bytes)'] : [])];
  const all = sum(sorted.map(total));
  const blanks = Array<string>((everywhere ? 1 : 0) + (byContainer ? 1 : 0)).fill('');
  // As kubectl has it, the line stands under the last two columns and the sums begin where they do without swap.
  const swapBlank = given.bool('show-swap') ? [''] : [];
  const footer = given.bool('sum') ? [[...blanks, ...swapBlank, '', '________', '________'], [...blanks, ...swapBlank, '', cpuText(all), memoryText(all), ...swapOf(all)]] : [];
  io.out(table([...(given.bool('no-headers') ? [] : [header]), ...rows, ...footer]));
}

function sum(usages: readonly Usage[]): Usage {
  return { cpu: addQuantities('0', ...usages.map((usage) => usage['cpu'])), memory: addQuantities('0', ...usages.map((usage) => usage['memory'])), swap: addQuantities('0', ...usages.map((usage) => usage['swap'])) };
}

/** The last column is padded too. */
function table(rows: readonly (readonly string[])[]): string {
  return textTable(rows.map((row) => [...row, '']));
}
