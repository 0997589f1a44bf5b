import type { Container, Pod } from '../../api/generated/core-v1.ts';
import { DetachKeys } from './detach-keys.ts';
import { openStreams } from './remote-command.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** Init, ordinary and ephemeral ones. */
export const containersOf = ({ spec }: Pod): Container[] => [...(spec.initContainers ?? []), ...spec.containers, ...((spec.ephemeralContainers ?? []) as readonly Container[])];

/** The container that is meant: the one named, that of the annotation, else the first. Upstream: kubectl pkg/cmd/util/podcmd. */
export function containerOf({ io, flags }: Call, pod: Pod, name: string): Container {
  const all = containersOf(pod);
  const wanted = name || pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (wanted) {
    const found = all.find((container) => container.name === wanted);
    if (found) return found;
    if (name) throw new KubectlError(`container ${name} not found in pod ${pod.metadata.name}`);
  }
  const [first] = pod.spec.containers;
  if (all.length > 1 && !(flags.has('quiet') && flags.bool('quiet'))) {
    const names = [...pod.spec.containers.map((one) => one.name), ...(pod.spec.ephemeralContainers ?? []).map((one) => `${one.name} (ephem)`), ...(pod.spec.initContainers ?? []).map((one) => `${one.name} (init)`)];
    io.err(`Defaulted container "${first!.name}" out of: ${names.join(', ')}\n`);
  }
  return first!;
}

/** Joins the streams of a running container's process. Resolves to the exit code. */
export async function attachTo(call: Call, pod: Pod, container: Container, { stdin, tty, quiet, detachKeys = '' }: { readonly stdin: boolean; readonly tty: boolean; readonly quiet: boolean; readonly detachKeys?: string }): Promise<number> {
  const { io, session } = call;
  if (tty && !container.tty && !quiet) io.err(`error: Unable to use a TTY - container ${container.name} did not allocate one\n`);
  const raw = container.tty === true && tty;
  const detach = stdin && raw ? new DetachKeys(detachKeys) : undefined;
  if (!quiet) io.err("If you don't see a command prompt, try pressing enter.\n");
  const query = new URLSearchParams({ container: container.name, stdin: String(stdin), stdout: 'true', stderr: String(!container.tty), tty: String(container.tty === true) });
  const code = await openStreams(await session.http(), `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/attach?${query}`, { stdin, tty: raw, io, redraw: true, detach });
  if (!quiet && stdin && raw && io.terminal && pod.spec.restartPolicy === 'Always') {
    const again = `'kubectl attach ${pod.metadata.name} -c ${container.name} -i -t'`;
    const ephemeral = pod.spec.ephemeralContainers?.some(({ name }) => name === container.name);
    io.out(ephemeral ? `Session ended, the ephemeral container will not be restarted but may be reattached using ${again} if it is still running\n` : `Session ended, resume using ${again} command when the pod is running\n`);
  }
  return code;
}
