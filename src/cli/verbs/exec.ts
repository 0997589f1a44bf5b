import type { FlagSpecs } from '../command/flags.ts';
import { containerOf } from '../pods/attach-to.ts';
import { podOf } from '../pods/pod-of.ts';
import { manifestTargets } from '../targets/targets.ts';
import { openStreams } from '../pods/remote-command.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  container: { short: 'c', type: 'string', usage: 'Container name. If omitted, use the kubectl.kubernetes.io/default-container annotation for selecting the container to be attached or the first container in the pod will be chosen' },
  stdin: { short: 'i', type: 'bool', usage: 'Pass stdin to the container' },
  tty: { short: 't', type: 'bool', usage: 'Stdin is a TTY' },
  quiet: { short: 'q', type: 'bool', usage: 'Only print output from the remote session' },
  'pod-running-timeout': { type: 'duration', default: '1m0s', usage: 'How long (5s, 2m, 3h; more than zero) to wait until a pod of a workload is there.' },
  filename: { short: 'f', type: 'strings', usage: 'to use to exec into the resource' },
} as const satisfies FlagSpecs;

export const verb: Verb = {
  usage: '(POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]',
  summary: 'Execute a command in a container',
  flags,
  async run(call) {
    const { flags: given, args, dashAt, io, session } = call;
    const files = given.strings('filename').length > 0;
    const command = dashAt >= 0 ? args.slice(dashAt) : args.slice(files ? 0 : 1);
    if (!files && (args.length === 0 || dashAt === 0)) throw new KubectlError("pod, type/name or --filename must be specified");
    if (command.length === 0) throw new KubectlError('you must specify at least one command for the container');
    if (dashAt < 0) throw new KubectlError(`exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\nSee 'kubectl exec -h' for help and examples`);
    const [target] = files ? await manifestTargets(call) : [];
    const pod = await podOf(call, target ? `${target.resource.resource}${target.resource.group ? `.${target.resource.group}` : ''}/${target.name}` : args[0]!);
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') throw new KubectlError(`cannot exec into a container in a completed pod; current phase is ${pod.status.phase}`);
    // One that is not there is the server's to refuse.
    const container = given.string('container') || containerOf(call, pod, '').name;
    const tty = given.bool('tty') && given.bool('stdin') && io.terminal;
    if (given.bool('tty') && !tty) io.err('Unable to use a TTY - input is not a terminal or the right kind of file\n');
    const query = new URLSearchParams({ container, stdout: 'true', ...(given.bool('stdin') && { stdin: 'true' }), ...(tty ? { tty: 'true' } : { stderr: 'true' }) });
    for (const word of command) query.append('command', word);
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/exec?${query.toString()}`;
    return openStreams(await session.http(), path, { stdin: given.bool('stdin'), tty, io });
  },
};
