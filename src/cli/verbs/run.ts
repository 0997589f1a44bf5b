import { isReason } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { attachToRun } from '../pods/attach-when-running.ts';
import { DEFAULT_DETACH_KEYS } from '../pods/detach-keys.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { parseEnv, parseLabels } from '../generators/pod-template.ts';
import { LAST_APPLIED, withLastApplied } from '../apply/last-applied.ts';
import { createObject, dryRunOf, writeFlags } from '../mutation/mutation.ts';
import { overridden, overrideFlags } from '../mutation/overrides.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  ...writeFlags('kubectl-run'), ...overrideFlags,
  image: { type: 'string', usage: 'The image for the container to run.' },
  port: { type: 'string', usage: 'The port that this container exposes.' },
  env: { type: 'array', usage: 'Environment variables to set in the container.' },
  labels: { short: 'l', type: 'string', usage: 'Comma separated labels to apply to the pod. Will override previous values.' },
  annotations: { type: 'array', usage: 'Annotations to apply to the pod.' },
  'detach-keys': { type: 'string', default: DEFAULT_DETACH_KEYS, usage: 'The keys that end the attachment to a terminal and leave the container running, typed one after another.' },
  attach: { type: 'bool', usage: "Wait until the pod runs, then attach to it as 'kubectl attach' does. Holds by default where -i is given." },
  restart: { type: 'string', default: 'Always', usage: 'The restart policy for this Pod.  Legal values [Always, OnFailure, Never].' },
  rm: { type: 'bool', usage: 'Delete the pod once the session has ended. Only of attached containers.' },
  'leave-stdin-open': { type: 'bool', usage: 'Leave the standard input of the container open when the session ends, so that one can attach to it again.' },
  'pod-running-timeout': { type: 'duration', default: '1m0s', usage: 'How long (5s, 2m, 3h; more than zero) to wait until a pod runs.' },
  quiet: { short: 'q', type: 'bool', usage: 'Print nothing but the output of the container.' },
  command: { type: 'bool', usage: 'If true and extra arguments are present, use them as the \'command\' field in the container, rather than the \'args\' field which is the default.' },
  expose: { type: 'bool', usage: 'If true, create a ClusterIP service associated with the pod. Requires `--port`.' },
  'image-pull-policy': { type: 'string', usage: 'The image pull policy for the container.' },
  privileged: { type: 'bool', usage: 'If true, run the container in privileged mode.' },
  stdin: { short: 'i', type: 'bool', usage: 'Keep stdin open on the container in the pod, even if nothing is attached.' },
  tty: { short: 't', type: 'bool', usage: 'Allocate a TTY for the container in the pod.' },
  'save-config': { type: 'bool', usage: `Keep the object as given in its annotation ${LAST_APPLIED}, so that it can be applied later.` },
  cascade: { type: 'string', default: 'background', bare: 'background', usage: 'With --rm, what happens to what depends on the pod: background, orphan or foreground.' },
  // Of deletion, without a meaning here: kubectl takes them too.
  filename: { short: 'f', type: 'strings', usage: 'Not used by run.' },
  kustomize: { short: 'k', type: 'string', usage: 'Not used by run.' },
  recursive: { short: 'R', type: 'bool', usage: 'Not used by run.' },
  force: { type: 'bool', usage: 'Not used by run.' },
  'grace-period': { type: 'int', default: -1, usage: 'Not used by run.' },
  timeout: { type: 'duration', usage: 'Not used by run.' },
  wait: { type: 'bool', usage: 'Not used by run.' },
} as const satisfies FlagSpecs;

export const verb: Verb = {
  usage: 'NAME --image=image [--env="key=value"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...]',
  summary: 'Run a particular image on the cluster',
  flags,
  async run(call) {
    const { flags: given, args } = call;
    const [name, ...rest] = args;
    if (!given.changed('image')) throw new KubectlError('required flag(s) "image" not set');
    if (!name || call.dashAt === 0) throw misused('NAME is required for run');
    const image = given.string('image');
    if (!image) throw new KubectlError('--image is required');
    if (!/^(?:[\w.-]+(?::\d+)?\/)?[a-z\d]+(?:[._-]+[a-z\d]+)*(?:\/[a-z\d]+(?:[._-]+[a-z\d]+)*)*(?::\w[\w.-]{0,127})?(?:@[\w+.-]+:[\da-fA-F]{32,})?$/.test(image)) throw new KubectlError(`Invalid image name "${image}": invalid reference format`);
    if (given.bool('tty') && !given.bool('stdin')) throw misused('-i/--stdin is required for containers with -t/--tty=true');
    const port = given.string('port');
    if (given.bool('expose') && !port) throw misused('--port must be set when exposing a service');
    if (!['Always', 'OnFailure', 'Never'].includes(given.string('restart'))) throw misused(`invalid restart policy: ${given.string('restart')}`);
    const attached = given.changed('attach') ? given.bool('attach') : given.bool('stdin');
    if (given.bool('rm') && !attached) throw misused('--rm should only be used for attached containers');
    if (attached && dryRunOf(given) !== 'none') throw misused("--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)");
    if (!['', 'Always', 'IfNotPresent', 'Never'].includes(given.string('image-pull-policy'))) throw misused(`invalid image pull policy: ${given.string('image-pull-policy')}`);
    if (port && !/^\d+$/.test(port)) throw new KubectlError(`strconv.Atoi: parsing "${port}": invalid syntax`, { bare: false });
    const labels = given.string('labels') ? parseLabels(given.string('labels')) : { run: name };
    const annotations = Object.fromEntries(given.strings('annotations').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
    const env = parseEnv(given.strings('env'));
    const container = {
      ...(rest.length > 0 && (given.bool('command') ? { command: rest } : { args: rest })),
      ...(env.length > 0 && { env }), image, ...(given.string('image-pull-policy') && { imagePullPolicy: given.string('image-pull-policy') }), name,
      ...(port && { ports: [{ containerPort: Number(port) }] }), resources: {},
      ...(given.bool('privileged') && { securityContext: { privileged: true } }),
      ...(given.bool('stdin') && { stdin: true, ...(!given.bool('leave-stdin-open') && { stdinOnce: true }) }), ...(given.bool('tty') && { tty: true }),
    };
    const pod = {
      apiVersion: 'v1', kind: 'Pod', metadata: { ...(Object.keys(annotations).length > 0 && { annotations }), labels, name },
      spec: { containers: [container], dnsPolicy: 'ClusterFirst', restartPolicy: given.string('restart') },
      status: {},
    };
    const whole = overridden(given, pod) as typeof pod;
    const body = given.bool('save-config') && dryRunOf(given) !== 'client' ? withLastApplied(whole) : whole;
    if (!attached) {
      if (given.bool('expose')) await createService(call, name, Number(port), labels);
      await createObject(call, body, 'kubectl-run');
      return;
    }
    const namespace = await call.session.namespace();
    const created = await call.session.call<Pod>('POST', `/api/v1/namespaces/${namespace}/pods`, { body, query: { fieldManager: given.string('field-manager') || 'kubectl-run' } });
    if (given.bool('expose')) await createService(call, name, Number(port), labels);
    const restart = created.spec.restartPolicy;
    try {
      await attachToRun(call, created, { stdin: given.bool('stdin'), tty: given.bool('tty'), quiet: given.bool('quiet'), detachKeys: given.string('detach-keys') }, {
        timeoutMs: given.duration('pod-running-timeout'), awaitEnd: given.bool('leave-stdin-open') || restart === 'Always' ? undefined : restart === 'Never' ? 'completed' : 'succeeded',
      });
    } finally {
      if (given.bool('rm')) await remove(call, namespace, name);
    }
  },
};

function misused(text: string): KubectlError {
  return new KubectlError(`${text}\nSee 'kubectl run -h' for help and examples`);
}

async function createService(call: Call, name: string, port: number, selector: Readonly<Record<string, string>>): Promise<void> {
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port, protocol: 'TCP', targetPort: port }], selector }, status: { loadBalancer: {} } };
  await createObject(call, service, 'kubectl-run');
  if (call.flags.string('output') === 'yaml') call.io.out('---\n');
}

/** What `--rm` promises: the pod goes, and its service with it. */
async function remove({ session, flags: given, io }: Call, namespace: string, name: string): Promise<void> {
  const policy = { background: 'Background', orphan: 'Orphan', foreground: 'Foreground' }[given.string('cascade')] ?? 'Background';
  for (const resource of given.bool('expose') ? ['pods', 'services'] : ['pods']) {
    try {
      await session.call('DELETE', `/api/v1/namespaces/${namespace}/${resource}/${encodeURIComponent(name)}`, { body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: policy } });
      if (!given.bool('quiet')) io.out(`${resource.slice(0, -1)} "${name}" deleted from ${namespace} namespace\n`);
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error; // gone already, as wanted
    }
  }
}
