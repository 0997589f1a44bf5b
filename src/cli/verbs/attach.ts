import type { FlagSpecs } from '../command/flags.ts';
import { attachTo, containerOf, containersOf } from '../pods/attach-to.ts';
import { DEFAULT_DETACH_KEYS } from '../pods/detach-keys.ts';
import { podOf } from '../pods/pod-of.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  container: { short: 'c', type: 'string', usage: 'Container name.' },
  stdin: { short: 'i', type: 'bool', usage: 'Pass stdin to the container' },
  tty: { short: 't', type: 'bool', usage: 'Stdin is a TTY' },
  quiet: { short: 'q', type: 'bool', usage: 'Only print output from the remote session' },
  'detach-keys': { type: 'string', default: DEFAULT_DETACH_KEYS, usage: 'The keys that end the attachment to a terminal and leave the container running, typed one after another.' },
  'pod-running-timeout': { type: 'duration', default: '1m0s', usage: 'The length of time to wait until at least one pod is running' },
} as const satisfies FlagSpecs;

/** Upstream: kubectl pkg/cmd/attach. */
export const verb: Verb = {
  usage: '(POD | TYPE/NAME) -c CONTAINER',
  summary: 'Attach to a running container',
  flags,
  async run(call) {
    const { args, flags: given } = call;
    if (args.length === 0) throw new KubectlError('at least 1 argument is required for attach');
    if (args.length > 2) throw new KubectlError(`expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw ${args.length}: [${args.join(' ')}]`);
    const pod = await podOf(call, args.join('/'));
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') throw new KubectlError(`cannot attach a container in a completed pod; current phase is ${pod.status.phase}`);
    const name = given.string('container');
    if (name && !containersOf(pod).some((one) => one.name === name)) throw new KubectlError(`cannot attach to the container: container ${name} not found in pod ${pod.metadata.name}`);
    return attachTo(call, pod, containerOf(call, pod, name), { stdin: given.bool('stdin'), tty: given.bool('tty'), quiet: given.bool('quiet'), detachKeys: given.string('detach-keys') });
  },
};
