import type { Pod } from '../../api/generated/core-v1.ts';
import type { ObjectList } from '../../api/object.ts';
import { isReason } from '../../api/errors.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { podOf, podsOf } from '../pods/pod-of.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  selector: { short: 'l', type: 'string', usage: 'Selector (label query) to filter on' },
  'all-pods': { type: 'bool', usage: 'The logs of all pods of a workload, each line with its pod.' },
  'insecure-skip-tls-verify-backend': { type: 'bool', usage: 'Do not check the certificate of the node that the log comes from.' },
  'pod-running-timeout': { type: 'duration', default: '20s', usage: 'How long (5s, 2m, 3h; more than zero) to wait until a pod of a workload is there.' },
  'all-containers': { type: 'bool', usage: "Get all containers' logs in the pod(s)." },
  container: { short: 'c', type: 'string', usage: 'Print the logs of this container' },
  follow: { short: 'f', type: 'bool', usage: 'Specify if the logs should be streamed.' },
  'ignore-errors': { type: 'bool', usage: 'If watching / following pod logs, allow for any errors that occur to be non-fatal' },
  'limit-bytes': { type: 'int', usage: 'Maximum bytes of logs to return. Defaults to no limit.' },
  prefix: { type: 'bool', usage: 'Prefix each log line with the log source (pod name and container name)' },
  previous: { short: 'p', type: 'bool', usage: 'If true, print the logs for the previous instance of the container in a pod if it exists.' },
  since: { type: 'duration', usage: 'Only return logs newer than a relative duration like 5s, 2m, or 3h.' },
  'since-time': { type: 'string', usage: 'Only return logs after a specific date (RFC3339).' },
  tail: { type: 'int', default: -1, usage: 'Lines of recent log file to display.' },
  timestamps: { type: 'bool', usage: 'Include timestamps on each line in the log output' },
  'max-log-requests': { type: 'int', default: 5, usage: 'Specify maximum number of concurrent logs to follow when using by a selector.' },
} as const satisfies FlagSpecs;

export const verb: Verb = {
  usage: '[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]',
  summary: 'Print the logs for a container in a pod or specified resource',
  flags,
  async run(call) {
    const { flags: given, args, session } = call;
    const selector = given.string('selector');
    if (args.length === 0 && !selector) throw new KubectlError("expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command\nSee 'kubectl logs -h' for help and examples");
    if (args.length > 2) throw new KubectlError("expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command\nSee 'kubectl logs -h' for help and examples");
    if (args.length > 0 && selector) throw new KubectlError("only a selector (-l) or a POD name is allowed\nSee 'kubectl logs -h' for help and examples");
    if (given.string('since-time') && given.changed('since')) throw new KubectlError('at most one of `sinceTime` or `sinceSeconds` may be specified');
    if (given.string('since-time') && Number.isNaN(Date.parse(given.string('since-time')))) throw new KubectlError(`parsing time "${given.string('since-time')}" as "2006-01-02T15:04:05Z07:00": cannot parse "${given.string('since-time')}" as "2006"`);
    if (given.bool('all-containers') && given.string('container')) throw new KubectlError(`--all-containers=true should not be specified with container name ${given.string('container')}`);
    const namespace = await session.namespace();
    const pods = selector
      ? (await session.json<ObjectList<Pod>>(`/api/v1/namespaces/${namespace}/pods`, { query: { labelSelector: selector } })).items
      : await foundPods(call, args[0]!);
    // What is asked of them is looked at when they have been found.
    if (given.changed('limit-bytes') && given.int('limit-bytes') < 1) throw new KubectlError('--limit-bytes must be greater than 0');
    if (given.changed('since') && given.duration('since') < 0) throw new KubectlError('--since must be greater than 0');
    if (given.int('tail') < -1) throw new KubectlError('--tail must be greater than or equal to -1');
    if (pods.length === 0) {
      call.io.err(`No resources found in ${namespace} namespace.\n`);
      return 0;
    }
    const sources = pods.flatMap((pod) => containersOf(call, pod, args[1]).map((container) => ({ pod, container })));
    if (given.bool('follow') && sources.length > given.int('max-log-requests')) {
      throw new KubectlError(`you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${given.int('max-log-requests')}, use --max-log-requests to increase the limit`);
    }
    if (given.bool('follow') && sources.length > 1) await Promise.all(sources.map((source) => show(call, source.pod, source.container)));
    else for (const source of sources) await show(call, source.pod, source.container);
    return 0;
  },
};

/** The pod or pods, or their absence in the words of this verb. */
async function foundPods(call: Call, text: string): Promise<readonly Pod[]> {
  try {
    return call.flags.bool('all-pods') ? await podsOf(call, text) : [await podOf(call, text, { tell: true })];
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    throw new KubectlError(`error from server (NotFound): ${error.message} in namespace "${await call.session.namespace()}"`);
  }
}

function containersOf(call: Call, pod: Pod, second: string | undefined): (string | undefined)[] {
  const { flags: given, io } = call;
  const wanted = given.string('container') || second;
  if (given.bool('all-containers')) return [...(pod.spec.initContainers ?? []), ...pod.spec.containers, ...(pod.spec.ephemeralContainers ?? [])].map(({ name }) => name);
  if (wanted) {
    const known = [...(pod.spec.initContainers ?? []), ...pod.spec.containers, ...(pod.spec.ephemeralContainers ?? [])];
    if (!known.some(({ name }) => name === wanted)) throw new KubectlError(`container ${wanted} is not valid for pod ${pod.metadata.name}`);
    return [wanted];
  }
  const annotated = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (annotated && pod.spec.containers.some(({ name }) => name === annotated)) return [annotated];
  const names = [...pod.spec.containers.map(({ name }) => name), ...(pod.spec.ephemeralContainers ?? []).map(({ name }) => `${name} (ephem)`), ...(pod.spec.initContainers ?? []).map(({ name }) => `${name} (init)`)];
  if (names.length > 1 && !given.bool('all-pods')) {
    io.err(`Defaulted container "${pod.spec.containers[0]!.name}" out of: ${names.join(', ')}\n`);
  }
  return [pod.spec.containers[0]!.name];
}

async function show(call: Call, pod: Pod, container: string | undefined): Promise<void> {
  const { flags: given, session, io } = call;
  const tail = given.changed('tail') ? given.int('tail') : given.string('selector') ? 10 : -1;
  const query = {
    container, follow: given.bool('follow') ? 'true' : undefined, previous: given.bool('previous') ? 'true' : undefined, timestamps: given.bool('timestamps') ? 'true' : undefined,
    sinceSeconds: given.duration('since') > 0 ? String(Math.ceil(given.duration('since') / 1000)) : undefined, sinceTime: given.string('since-time') || undefined,
    tailLines: tail >= 0 ? String(tail) : undefined, limitBytes: given.int('limit-bytes') > 0 ? String(given.int('limit-bytes')) : undefined,
  };
  const prefix = given.bool('prefix') || given.bool('all-pods') ? `[pod/${pod.metadata.name}/${container}] ` : '';
  try {
    const answer = await session.open('GET', `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/log`, { query });
    let atLineStart = true;
    answer.body.setEncoding('utf8');
    for await (const chunk of answer.body as AsyncIterable<string>) {
      if (!prefix) {
        io.out(chunk);
        continue;
      }
      for (const line of chunk.split(/(?<=\n)/)) {
        io.out(atLineStart ? prefix + line : line);
        atLineStart = line.endsWith('\n');
      }
    }
  } catch (error) {
    if (io.signal.aborted) return;
    if (given.bool('ignore-errors') && error instanceof Error) io.err(`error: ${error.message}\n`);
    else if (isReason(error, 'NotFound') || error instanceof Error) throw error;
  }
}
