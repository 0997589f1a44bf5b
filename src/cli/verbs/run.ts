import type { FlagSpecs } from '../flags.ts';
import { parseEnv, parseLabels } from '../generators/pod-template.ts';
import { createObject, mutationFlags } from '../mutation.ts';
import { KubectlError, type Verb } from '../verb.ts';

const flags = {
  ...mutationFlags,
  image: { type: 'string', usage: 'The image for the container to run.' },
  port: { type: 'string', usage: 'The port that this container exposes.' },
  env: { type: 'array', usage: 'Environment variables to set in the container.' },
  labels: { short: 'l', type: 'string', usage: 'Comma separated labels to apply to the pod. Will override previous values.' },
  annotations: { type: 'array', usage: 'Annotations to apply to the pod.' },
  restart: { type: 'string', default: 'Always', usage: 'The restart policy for this Pod.  Legal values [Always, OnFailure, Never].' },
  command: { type: 'bool', usage: 'If true and extra arguments are present, use them as the \'command\' field in the container, rather than the \'args\' field which is the default.' },
  expose: { type: 'bool', usage: 'If true, create a ClusterIP service associated with the pod. Requires `--port`.' },
  'image-pull-policy': { type: 'string', usage: 'The image pull policy for the container.' },
  privileged: { type: 'bool', usage: 'If true, run the container in privileged mode.' },
  stdin: { short: 'i', type: 'bool', usage: 'Keep stdin open on the container in the pod, even if nothing is attached.' },
  tty: { short: 't', type: 'bool', usage: 'Allocate a TTY for the container in the pod.' },
  overrides: { type: 'string', usage: 'An inline JSON override for the generated object.' },
} as const satisfies FlagSpecs;

export const verb: Verb = {
  usage: 'NAME --image=image [--env="key=value"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...]',
  summary: 'Run a particular image on the cluster',
  flags,
  async run(call) {
    const { flags: given, args } = call;
    const [name, ...rest] = args;
    if (!name) throw new KubectlError("NAME is required for run\nSee 'kubectl run -h' for help and examples");
    const image = given.string('image');
    if (!image) throw new KubectlError('required flag(s) "image" not set');
    if (!/^[\w.:/@-]+$/.test(image)) throw new KubectlError(`Invalid image name "${image}": invalid reference format`);
    const port = given.string('port');
    if (port && !/^\d+$/.test(port)) throw new KubectlError(`strconv.ParseInt: parsing "${port}": invalid syntax`, { bare: false });
    const labels = given.string('labels') ? parseLabels(given.string('labels')) : { run: name };
    const annotations = Object.fromEntries(given.strings('annotations').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
    const env = parseEnv(given.strings('env'));
    const container = {
      ...(rest.length > 0 && (given.bool('command') ? { command: rest } : { args: rest })),
      ...(env.length > 0 && { env }), image, ...(given.string('image-pull-policy') && { imagePullPolicy: given.string('image-pull-policy') }), name,
      ...(port && { ports: [{ containerPort: Number(port) }] }), resources: {},
      ...(given.bool('privileged') && { securityContext: { privileged: true } }),
      ...(given.bool('stdin') && { stdin: true, stdinOnce: true }), ...(given.bool('tty') && { tty: true }),
    };
    const pod = {
      apiVersion: 'v1', kind: 'Pod', metadata: { ...(Object.keys(annotations).length > 0 && { annotations }), labels, name },
      spec: { containers: [container], dnsPolicy: 'ClusterFirst', restartPolicy: given.string('restart') },
      status: {},
    };
    if (given.bool('expose')) {
      if (!port) throw new KubectlError('--port must be set when exposing a service');
      await createObject(call, { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: Number(port), protocol: 'TCP', targetPort: Number(port) }], selector: labels }, status: { loadBalancer: {} } } as never, 'kubectl-run');
      if (given.string('output') === 'yaml') call.io.out('---\n');
    }
    const overrides = given.string('overrides') ? (JSON.parse(given.string('overrides')) as object) : undefined;
    await createObject(call, (overrides ? deepMerge(pod, overrides) : pod) as typeof pod, 'kubectl-run');
  },
};

/** JSON merge patch of `--overrides`. */
function deepMerge(base: unknown, over: unknown): unknown {
  if (typeof over !== 'object' || over === null || Array.isArray(over)) return over;
  const result: Record<string, unknown> = { ...(base as object | undefined) };
  for (const [key, value] of Object.entries(over)) {
    if (value === null) delete result[key];
    else result[key] = deepMerge(result[key], value);
  }
  return result;
}
