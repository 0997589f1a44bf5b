import type { Container } from '../../api/generated/core-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import type { FlagSpecs } from '../flags.ts';
import { dryRunOf, mutationFlags, printResult, writeQuery } from '../mutation.ts';
import { listTargets, type NamedTarget } from '../selected-targets.ts';
import { targetFlags, targetPath } from '../targets.ts';
import { KubectlError, type Call, type Verb } from '../verb.ts';
import { environmentText, setSelector, setServiceAccount, setSubject } from './set-references.ts';

const flags = { ...mutationFlags, ...targetFlags, all: { type: 'bool', usage: 'Select all resources, in the namespace of the specified resource types' } } as const satisfies FlagSpecs;

interface PodSpec { readonly containers: readonly Container[]; readonly initContainers?: readonly Container[] }

/** Where the pod spec is in a kind that has one. */
function podSpecPath(kind: string): readonly string[] {
  if (kind === 'Pod') return ['spec'];
  return kind === 'CronJob' ? ['spec', 'jobTemplate', 'spec', 'template', 'spec'] : ['spec', 'template', 'spec'];
}

function at(object: unknown, path: readonly string[]): PodSpec {
  let value = object;
  for (const key of path) value = (value as Record<string, unknown> | undefined)?.[key];
  if (!value) throw new KubectlError('the object is not a pod or does not have a pod template');
  return value as PodSpec;
}

/** Patches containers of each target as `change` says, and prints `done`. */
async function changeContainers(call: Call, targets: readonly NamedTarget[], done: string, change: (container: Container) => Partial<Container> | undefined): Promise<void> {
  const { session } = call;
  for (const target of targets) {
    const live = await session.json<KubeObject>(targetPath(target));
    const path = podSpecPath(target.resource.kind);
    const spec = at(live, path);
    const lists = (['initContainers', 'containers'] as const).map((list) => [list, (spec[list] ?? []).flatMap((container) => {
      const patch = change(container);
      return patch ? [{ name: container.name, ...patch }] : [];
    })] as const).filter(([, patches]) => patches.length > 0);
    if (lists.length === 0) continue;
    const body = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), Object.fromEntries(lists));
    const next = dryRunOf(call.flags) === 'client' ? live
      : await session.call<KubeObject>('PATCH', targetPath(target), { body, contentType: 'application/strategic-merge-patch+json', query: writeQuery(call, 'kubectl-set') });
    if (next.metadata.resourceVersion !== live.metadata.resourceVersion || dryRunOf(call.flags) !== 'none') printResult(call, target.resource, next, done);
  }
}

async function image(call: Call): Promise<void> {
  const isPair = (word: string): boolean => word.includes('=');
  const pairs = call.args.filter(isPair).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const);
  if (pairs.length === 0) throw new KubectlError('at least one image update is required');
  const targets = await listTargets(call, { args: call.args.filter((word) => !isPair(word)) });
  const found = new Set<string>();
  await changeContainers(call, targets, 'image updated', (container) => {
    const pair = pairs.find(([name]) => name === '*' || name === container.name);
    if (!pair) return undefined;
    found.add(pair[0]);
    return container.image === pair[1] ? undefined : { image: pair[1] };
  });
  for (const [name] of pairs) if (!found.has(name)) throw new KubectlError(`unable to find container named "${name}"`);
}

async function env(call: Call): Promise<void> {
  const isChange = (word: string): boolean => /^[^/]+(=.*|-)$/s.test(word);
  const changes = call.args.filter((word, i) => i > 0 && isChange(word));
  const container = call.flags.string('containers');
  if (call.flags.bool('list')) {
    for (const target of await listTargets(call, { args: call.args.filter((word) => !changes.includes(word)) })) {
      const spec = at(await call.session.json<KubeObject>(targetPath(target)), podSpecPath(target.resource.kind));
      call.io.out(environmentText(`${target.resource.kind} ${target.name}`, [...spec.containers, ...(spec.initContainers ?? [])]));
    }
    return;
  }
  if (changes.length === 0) return;
  await changeContainers(call, await listTargets(call, { args: call.args.filter((word) => !changes.includes(word)) }), 'env updated', ({ name }) =>
    container === '*' || name === container ? {
      env: changes.map((change) => (change.includes('=') ? { name: change.slice(0, change.indexOf('=')), value: change.slice(change.indexOf('=') + 1) } : { name: change.slice(0, -1), $patch: 'delete' } as never)),
    } : undefined);
}

async function resources(call: Call): Promise<void> {
  const parse = (text: string): Record<string, string> => Object.fromEntries(text.split(',').filter(Boolean).map((pair) => pair.split('=') as [string, string]));
  const [limits, requests] = [parse(call.flags.string('limits')), parse(call.flags.string('requests'))];
  if (Object.keys(limits).length + Object.keys(requests).length === 0) throw new KubectlError('you must specify an update to requests or limits (in the form of --requests/--limits)');
  const container = call.flags.string('containers');
  await changeContainers(call, await listTargets(call), 'resource requirements updated', ({ name }) =>
    container === '*' || name === container ? { resources: { ...(Object.keys(limits).length > 0 && { limits }), ...(Object.keys(requests).length > 0 && { requests }) } } : undefined);
}

const containers = { short: 'c', type: 'string', default: '*', usage: 'The names of containers in the selected pod templates to change, all containers are selected by default' } as const;
export const verb: Verb = {
  usage: 'SUBCOMMAND',
  summary: 'Configure application resources.',
  flags: {},
  verbs: {
    selector: setSelector,
    serviceaccount: setServiceAccount,
    sa: setServiceAccount,
    subject: setSubject,
    env: { usage: 'RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N', summary: 'Update environment variables on a pod template', flags: { ...flags, containers, list: { type: 'bool', usage: 'If true, display the environment and any changes in the standard format.' } }, run: env },
    image: { usage: '(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N', summary: 'Update the image of a pod template', flags, run: image },
    resources: {
      usage: '(-f FILENAME | TYPE NAME) ([--limits=LIMITS & --requests=REQUESTS]', summary: 'Update resource requests/limits on objects with pod templates', run: resources,
      flags: { ...flags, containers, limits: { type: 'string', usage: 'The resource requirement limits for this container.' }, requests: { type: 'string', usage: 'The resource requirement requests for this container.' } },
    },
  },
};
