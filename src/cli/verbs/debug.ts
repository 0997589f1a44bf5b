import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { MANIFEST_YAML } from '../../base/manifest-yaml.ts';
import type { Container, Node, Pod } from '../../api/generated/core-v1.ts';
import { nameSuffix, systemRandom } from '../../base/random.ts';
import { attachToDebugger } from '../pods/attach-when-running.ts';
import { debugProfiles, withCustomContainer, withProfile, type DebugProfile, type DebugStyle } from '../pods/debug-profile.ts';
import { UsageError, type FlagSpecs } from '../command/flags.ts';
import { parseEnv } from '../generators/pod-template.ts';
import { listTargets, type NamedTarget } from '../targets/selected-targets.ts';
import { targetFlags, targetPath } from '../targets/targets.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  filename: targetFlags.filename,
  'arguments-only': { type: 'bool', usage: 'If specified, everything after -- will be passed to the new container as Args instead of Command.' },
  attach: { type: 'bool', usage: "If true, wait for the container to start running, and then attach as if 'kubectl attach ...' were called." },
  container: { short: 'c', type: 'string', usage: 'Container name to use for debug container.' },
  'copy-to': { type: 'string', usage: 'Create a copy of the target Pod with this name.' },
  custom: { type: 'string', usage: 'A JSON or YAML file with part of a container spec that is laid over what the profile makes.' },
  env: { type: 'array', usage: 'Environment variables to set in the container.' },
  image: { type: 'string', usage: 'Container image to use for debug container.' },
  'image-pull-policy': { type: 'string', usage: 'The image pull policy for the container.' },
  'keep-annotations': { type: 'bool', usage: 'With --copy-to: the copy keeps the annotations.' },
  'keep-init-containers': { type: 'bool', default: true, usage: 'With --copy-to: the copy runs the init containers.' },
  'keep-labels': { type: 'bool', usage: 'With --copy-to: the copy keeps the labels, so that services send it traffic.' },
  'keep-liveness': { type: 'bool', usage: 'With --copy-to: the copy keeps the liveness probes.' },
  'keep-readiness': { type: 'bool', usage: 'With --copy-to: the copy keeps the readiness probes.' },
  'keep-startup': { type: 'bool', usage: 'With --copy-to: the copy keeps the startup probes.' },
  profile: { type: 'string', default: 'general', usage: 'Options are "legacy", "general", "baseline", "netadmin", "restricted" or "sysadmin".' },
  quiet: { short: 'q', type: 'bool', usage: 'If true, suppress informational messages.' },
  replace: { type: 'bool', usage: "When used with '--copy-to', delete the original Pod." },
  'same-node': { type: 'bool', usage: "When used with '--copy-to', schedule the copy of target Pod on the same node." },
  'set-image': { type: 'strings', usage: "When used with '--copy-to', a list of name=image pairs for changing container images" },
  'share-processes': { type: 'bool', default: true, usage: "When used with '--copy-to', enable process namespace sharing in the copy." },
  stdin: { short: 'i', type: 'bool', usage: "Keep stdin open on the container(s) in the pod, even if nothing is attached." },
  target: { type: 'string', usage: 'When using an ephemeral container, target processes in this container name.' },
  tty: { short: 't', type: 'bool', usage: 'Allocate a TTY for the debugging container.' },
} as const satisfies FlagSpecs;

/** A reference to an image: host and path in lower case, a tag, a digest. */
const IMAGE = /^(?:[A-Za-z\d.-]+(?::\d+)?\/|\[[\da-fA-F:]+\](?::\d+)?\/)?[a-z\d]+(?:(?:[._]|__|-+)[a-z\d]+)*(?:\/[a-z\d]+(?:(?:[._]|__|-+)[a-z\d]+)*)*(?::\w[\w.-]{0,127})?(?:@[A-Za-z][\w.+-]*:[\da-fA-F]{32,})?$/;

/** Upstream: kubectl pkg/cmd/debug. */
export const verb: Verb = {
  usage: '(POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ]',
  summary: 'Create debugging sessions for troubleshooting workloads and nodes',
  flags,
  async run(call) {
    const { flags: given, args, dashAt } = call;
    const names = dashAt >= 0 ? args.slice(0, dashAt) : args.slice(0, 1);
    const copies = given.string('copy-to') !== '';
    for (const pair of given.strings('set-image')) if (!pair.includes('=')) throw new UsageError(`invalid argument "${given.strings('set-image').join(',')}" for "--set-image" flag: ${pair} must be formatted as key=value`);
    if (!copies) {
      if (given.bool('replace')) throw new KubectlError('--replace may only be used with --copy-to.');
      if (given.bool('same-node')) throw new KubectlError('--same-node may only be used with --copy-to.');
      if (given.strings('set-image').length > 0) throw new KubectlError('--set-image may only be used with --copy-to.');
      if (!given.string('image')) throw new KubectlError('you must specify --image when not using --copy-to.');
    } else if (!given.string('image') && given.strings('set-image').length === 0 && names.length === args.length) {
      throw new KubectlError('you must specify --image, --set-image or command arguments.');
    }
    if (names.length === 0) throw new KubectlError('NAME or filename is required for debug');
    const [image, policy, custom] = [given.string('image'), given.string('image-pull-policy'), given.string('custom')];
    if (image && !IMAGE.test(image)) throw new KubectlError(`invalid image name ${JSON.stringify(image)}: invalid reference format`);
    if (policy && !['Always', 'IfNotPresent', 'Never'].includes(policy)) throw new KubectlError(`invalid image pull policy: ${policy}`);
    if (custom && !existsSync(custom)) throw new KubectlError(`must pass a container spec json file for custom profile: open ${custom}: no such file or directory`);
    if (given.bool('tty') && !given.bool('stdin')) throw new KubectlError('-i/--stdin is required for containers with -t/--tty=true');
    if (given.string('target') && copies) throw new KubectlError('--target is incompatible with --copy-to. Use --share-processes instead.');
    if (!(debugProfiles as readonly string[]).includes(given.string('profile'))) throw new KubectlError(`unknown profile: ${given.string('profile')}`);
    for (const target of await listTargets(call, { args: names.map((name) => (name.includes('/') ? name : `pods/${name}`)) })) {
      if (target.resource.kind === 'Node') await debugNode(call, target);
      else if (target.resource.kind === 'Pod') await (copies ? debugCopy(call, target) : debugEphemeral(call, target));
      else throw new KubectlError(`"${target.resource.group}/${target.resource.version}, Kind=${target.resource.kind}" not supported by debug`);
    }
  },
};

const suffix = (): string => nameSuffix(systemRandom);

/** What the flags say of the container that is added. */
function containerFlags({ flags: given, args, dashAt }: Call, name: string): Container {
  const command = dashAt >= 0 ? args.slice(dashAt) : args.slice(1);
  const env = parseEnv(given.strings('env'));
  return {
    name, image: given.string('image'), ...(given.string('image-pull-policy') && { imagePullPolicy: given.string('image-pull-policy') as Container['imagePullPolicy'] }),
    ...(command.length > 0 && (given.bool('arguments-only') ? { args: command } : { command })), ...(env.length > 0 && { env: env as Container['env'] }),
    stdin: given.bool('stdin'), tty: given.bool('tty'), terminationMessagePolicy: 'File',
  } as Container;
}

/** The pod as profile and custom spec make it. */
function profiled<T extends Pick<Pod, 'metadata' | 'spec'>>({ flags: given }: Call, pod: T, container: string, style: DebugStyle): T {
  const made = withProfile(pod, container, given.string('profile') as DebugProfile, style, {
    labels: given.bool('keep-labels'), annotations: given.bool('keep-annotations'), liveness: given.bool('keep-liveness'), readiness: given.bool('keep-readiness'), startup: given.bool('keep-startup'),
    initContainers: given.bool('keep-init-containers'),
  });
  const file = given.string('custom');
  return file ? withCustomContainer(made, container, parse(readFileSync(file, 'utf8'), MANIFEST_YAML) as Record<string, unknown>) : made;
}

function nameFor({ flags: given, io }: Call, pod: Pod | undefined): string {
  if (given.string('container')) return given.string('container');
  const taken = new Set([...(pod?.spec.containers ?? []), ...(pod?.spec.initContainers ?? []), ...(pod?.spec.ephemeralContainers ?? [])].map(({ name }) => name));
  let name: string;
  do name = `debugger-${suffix()}`; while (taken.has(name));
  if (!given.bool('quiet')) io.out(`Defaulting debug container name to ${name}.\n`);
  return name;
}

async function debugEphemeral(call: Call, target: NamedTarget): Promise<void> {
  const { session, flags: given, io } = call;
  const pod = await session.json<Pod>(targetPath(target));
  if (given.string('target') && !given.bool('quiet')) io.out(`Targeting container "${given.string('target')}". If you don't see processes from this container it may be because the container runtime doesn't support this feature.\n`);
  const name = nameFor(call, pod);
  const added = { ...containerFlags(call, name), ...(given.string('target') && { targetContainerName: given.string('target') }) };
  const { ephemeralContainers = [] } = profiled(call, { ...pod, spec: { ...pod.spec, ephemeralContainers: [added as never] } }, name, 'ephemeral').spec;
  await session.call('PATCH', targetPath(target, 'ephemeralcontainers'), { body: { spec: { ephemeralContainers } }, contentType: 'application/strategic-merge-patch+json' });
  await attach(call, target.namespace!, target.name, name);
}

/** A pod on the node that sees its processes, network and files. */
async function debugNode(call: Call, target: NamedTarget): Promise<void> {
  const { session, flags: given, io } = call;
  const node = await session.json<Node>(targetPath(target));
  const namespace = await session.namespace();
  const container = given.string('container') || 'debugger';
  const name = `node-debugger-${node.metadata.name}-${suffix()}`;
  const draft = {
    apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'kubectl-debug' } } as unknown as Pod['metadata'],
    spec: { containers: [containerFlags(call, container)], nodeName: node.metadata.name, restartPolicy: 'Never', tolerations: [{ operator: 'Exists' }] } as Pod['spec'],
  };
  const pod = profiled(call, draft, container, 'node');
  if (!given.bool('quiet')) io.out(`Creating debugging pod ${name} with container ${container} on node ${node.metadata.name}.\n`);
  await session.call('POST', `/api/v1/namespaces/${namespace}/pods`, { body: pod });
  await attach(call, namespace, name, container);
}

async function debugCopy(call: Call, target: NamedTarget): Promise<void> {
  const { session, flags: given } = call;
  const { metadata, spec } = await session.json<Pod>(targetPath(target));
  const images = new Map(given.strings('set-image').map((pair) => pair.split('=') as [string, string]));
  const { nodeName, ephemeralContainers: _ephemeral, ...rest } = spec;
  const containers: Container[] = spec.containers.map((container) => ({ ...container, image: images.get(container.name) ?? images.get('*') ?? container.image! }));
  const draft = {
    apiVersion: 'v1', kind: 'Pod',
    metadata: { name: given.string('copy-to'), namespace: metadata.namespace, ...(metadata.annotations && { annotations: metadata.annotations }), ...(metadata.labels && { labels: metadata.labels }) } as Pod['metadata'],
    spec: { ...rest, containers, ...(given.bool('same-node') && nodeName && { nodeName }), ...(given.changed('share-processes') && { shareProcessNamespace: given.bool('share-processes') }) } as Pod['spec'],
  };
  const existing = containers.find(({ name }) => name === given.string('container'));
  let copy = draft;
  let name = given.string('container');
  if (existing || given.string('image')) {
    if (!existing) name ||= nameFor(call, { metadata, spec } as Pod);
    const { image, ...changes } = containerFlags(call, name);
    const debugged: Container = existing ? { ...existing, ...changes, ...(changes.command && { args: undefined as never }), image: image || existing.image! } : { ...changes, image: image! };
    const all = existing ? containers.map((one) => (one === existing ? debugged : one)) : [...containers, debugged];
    copy = profiled(call, { ...draft, spec: { ...draft.spec, containers: all } }, name, 'copy');
  } else if (images.size === 0) {
    throw new KubectlError('you must specify image when creating new container');
  }
  if (given.bool('replace')) await session.call('DELETE', targetPath(target), { body: { apiVersion: 'v1', kind: 'DeleteOptions' } });
  await session.call('POST', `/api/v1/namespaces/${metadata.namespace}/pods`, { body: copy });
  if (name) await attach(call, metadata.namespace!, given.string('copy-to'), name);
}

/** Attaches where the flags ask for it. */
async function attach(call: Call, namespace: string, name: string, container: string): Promise<void> {
  const { flags: given } = call;
  const wanted = given.changed('attach') ? given.bool('attach') : given.bool('stdin');
  if (wanted) await attachToDebugger(call, namespace, name, container, { stdin: given.bool('stdin'), tty: given.bool('tty'), quiet: given.bool('quiet') });
}
