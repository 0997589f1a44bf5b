import { isQuantity, QUANTITY_FAULT } from '../mutation/quantity-fault.ts';
import { changeContainers, checkSetFlags, containersFlag, isChosen, setFlags } from '../mutation/change-containers.ts';
import type { Container } from '../../api/generated/core-v1.ts';
import { currentObjects } from '../mutation/patch-object.ts';
import { podSpecOf } from '../mutation/pod-spec-of.ts';
import { listTargets } from '../targets/selected-targets.ts';
import { NO_RESOURCES, sourcesGiven } from '../targets/targets.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { setEnv } from './set-env.ts';
import { setSelector, setServiceAccount, setSubject } from './set-references.ts';

async function image(call: Call): Promise<void> {
  checkSetFlags(call);
  const isPair = (word: string): boolean => word.includes('=');
  const pairs = call.args.filter(isPair).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const);
  const names = call.args.filter((word) => !isPair(word));
  if (names.length === 0 && !sourcesGiven(call.flags)) throw new KubectlError(NO_RESOURCES);
  const targets = await listTargets(call, { args: names });
  const current = await currentObjects(call, targets);
  const faults = [
    ...(pairs.length === 0 ? ['at least one image update is required'] : []),
    ...(pairs.length > 1 && pairs.some(([name]) => name === '*') ? ['all containers are already specified by *, but saw more than one container_name=container_image pairs'] : []),
  ];
  if (faults.length > 0) throw new KubectlError(faults.length === 1 ? faults[0]! : `[${faults.join(', ')}]`);
  const unknown = new Set<string>();
  for (const [target, live] of current) {
    const { containers, initContainers = [] } = podSpecOf(live, target.resource.resource);
    for (const [name] of pairs) if (name !== '*' && ![...containers, ...initContainers].some((container) => container.name === name)) unknown.add(name);
  }
  await changeContainers(call, targets, 'image updated', 'failed to patch image update to pod template:', (container) => {
    const pair = pairs.find(([name]) => name === '*' || name === container.name);
    return !pair || container.image === pair[1] ? undefined : { image: pair[1] };
  });
  for (const name of unknown) throw new KubectlError(`unable to find container named "${name}"`);
}

async function resources(call: Call): Promise<void> {
  checkSetFlags(call);
  const targets = await listTargets(call);
  const current = await currentObjects(call, targets);
  const parse = (text: string): Record<string, string> => Object.fromEntries(text.split(',').filter(Boolean).map((pair) => {
    const [name, amount, more] = pair.split('=');
    if (!amount || more !== undefined) throw new KubectlError(`Invalid argument syntax ${pair}, expected <resource>=<value>`);
    if (!isQuantity(amount)) throw new KubectlError(QUANTITY_FAULT);
    return [name!, amount];
  }));
  const [limits, requests] = [parse(call.flags.string('limits')), parse(call.flags.string('requests'))];
  if (Object.keys(limits).length + Object.keys(requests).length === 0) throw new KubectlError('you must specify an update to requests or limits (in the form of --requests/--limits)');
  const chosen = (container: Container): boolean => isChosen(container, call.flags.string('containers'));
  for (const [target, live] of current) {
    const { containers, initContainers = [] } = podSpecOf(live, target.resource.resource);
    if (![...containers, ...initContainers].some(chosen)) throw new KubectlError(`unable to find container named ${call.flags.string('containers')}`);
  }
  await changeContainers(call, targets, 'resource requirements updated', 'failed to patch resources update to pod template', (container) =>
    chosen(container) ? { resources: { ...(Object.keys(limits).length > 0 && { limits }), ...(Object.keys(requests).length > 0 && { requests }) } } : undefined);
}

/** Upstream: kubectl pkg/cmd/set. */
export const verb: Verb = {
  usage: 'SUBCOMMAND',
  summary: 'Configure application resources.',
  flags: {},
  verbs: {
    selector: setSelector,
    serviceaccount: setServiceAccount,
    sa: setServiceAccount,
    subject: setSubject,
    env: setEnv,
    image: { usage: '(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N', summary: 'Update the image of a pod template', flags: setFlags, run: image },
    resources: {
      usage: '(-f FILENAME | TYPE NAME) ([--limits=LIMITS & --requests=REQUESTS]', summary: 'Update resource requests/limits on objects with pod templates', run: resources,
      flags: { ...setFlags, ...containersFlag, limits: { type: 'string', usage: 'Limits, cpu=200m,memory=512Mi.' }, requests: { type: 'string', usage: 'Requests, cpu=100m,memory=256Mi.' } },
    },
  },
};
