import type { KubeObject } from '../../api/object.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { parseLabels } from '../generators/pod-template.ts';
import { withLastApplied } from '../apply/last-applied.ts';
import { overridden, overrideFlags } from '../mutation/overrides.ts';
import { parseApiVersion } from '../../api/resources.ts';
import { dryRunOf, printResult, writeFlags, writeQuery } from '../mutation/mutation.ts';
import { NO_RESOURCES, fileFlags, resolveTargets, sourcesGiven, targetPath } from '../targets/targets.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  ...writeFlags('kubectl-expose'), ...fileFlags, ...overrideFlags,
  'save-config': { type: 'bool', usage: 'Keep the object as given in its annotation, so that it can be applied later.' },
  port: { type: 'string', usage: 'The port that the service should serve on.' },
  'target-port': { type: 'string', usage: 'Name or number for the port on the container that the service should direct traffic to.' },
  protocol: { type: 'string', usage: "The network protocol for the service to be created. Default is 'TCP'." },
  type: { type: 'string', usage: "Type for this service: ClusterIP, NodePort, LoadBalancer, or ExternalName. Default is 'ClusterIP'." },
  name: { type: 'string', usage: 'The name for the newly created object.' },
  labels: { short: 'l', type: 'string', usage: 'Labels to apply to the service created by this call.' },
  selector: { type: 'string', usage: 'A label selector to use for this service.' },
  'external-ip': { type: 'string', usage: 'Additional external IP address (not managed by Kubernetes) to accept for the service.' },
  'load-balancer-ip': { type: 'string', usage: 'IP to assign to the LoadBalancer.' },
  'session-affinity': { type: 'string', usage: "If non-empty, set the session affinity for the service to this; legal values: 'None', 'ClientIP'" },
  'cluster-ip': { type: 'string', usage: 'ClusterIP to be assigned to the service.' },
} as const satisfies FlagSpecs;

interface Container { readonly ports?: readonly { readonly containerPort: number; readonly protocol?: string }[] }
interface Exposable extends KubeObject {
  readonly spec: {
    readonly selector?: Readonly<Record<string, string>> | { readonly matchLabels?: Readonly<Record<string, string>>; readonly matchExpressions?: readonly unknown[] };
    readonly ports?: readonly { readonly port: number; readonly protocol?: string }[];
    readonly containers?: readonly Container[];
    readonly template?: { readonly spec: { readonly containers: readonly Container[] } };
  };
}

function selectorOf(object: Exposable): Readonly<Record<string, string>> {
  const { kind, metadata, spec } = object;
  const { group } = parseApiVersion(object.apiVersion ?? 'v1');
  if (kind === 'Pod') {
    if (!metadata.labels) throw new KubectlError("couldn't retrieve selectors via --selector flag or introspection: the pod has no labels and cannot be exposed");
    return metadata.labels;
  }
  if (kind === 'Service' || kind === 'ReplicationController') return (spec.selector ?? {}) as Record<string, string>;
  if (kind === 'Deployment' || kind === 'ReplicaSet') {
    const { matchLabels, matchExpressions } = (spec.selector ?? {}) as { matchLabels?: Record<string, string>; matchExpressions?: readonly unknown[] };
    if (matchExpressions?.length) throw new KubectlError("couldn't retrieve selectors via --selector flag or introspection: couldn't convert expressions - \"matchExpressions\" to map-based selector format");
    return matchLabels ?? {};
  }
  throw new KubectlError(`cannot expose a ${kind}${group ? `.${group}` : ''}`);
}

export const verb: Verb = {
  usage: '(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service] [--type=type]',
  summary: 'Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service',
  flags,
  async run(call) {
    const { flags: given, session } = call;
    if (call.args.length === 0 && !sourcesGiven(given)) throw new KubectlError(NO_RESOURCES);
    const targets = await resolveTargets(call, { selects: false });
    for (const target of targets) {
      if (!target.name) throw new KubectlError('resource(s) were provided, but no name was specified');
      const object = await session.json<Exposable>(targetPath(target));
      const selector = given.string('selector') ? parseLabels(given.string('selector')) : selectorOf(object);
      const named = { Pod: object.spec.containers, Service: undefined }[object.kind as 'Pod'] ?? object.spec.template?.spec.containers ?? [];
      const found = object.kind === 'Service' ? (object.spec.ports ?? []) : named.flatMap(({ ports = [] }) => ports.map(({ containerPort, protocol }) => ({ port: containerPort, ...(protocol && { protocol }) })));
      const asked = given.string('port') ? given.string('port').split(',').map((port) => ({ port: Number(port), protocol: given.string('protocol') || found.find((p) => String(p.port) === port)?.protocol || 'TCP' })) : found;
      if (asked.length === 0) throw new KubectlError("couldn't find port via --port flag or introspection\nSee 'kubectl expose -h' for help and examples");
      for (const { port } of asked) if (!Number.isInteger(port)) throw new KubectlError(`strconv.Atoi: parsing "${given.string('port')}": invalid syntax`);
      const targetPort = given.string('target-port');
      const ports = asked.map(({ port, protocol = 'TCP' }, i) => ({
        ...(asked.length > 1 && { name: `port-${i + 1}` }), port, protocol: given.string('protocol') || protocol,
        targetPort: targetPort === '' ? port : /^\d+$/.test(targetPort) ? Number(targetPort) : targetPort,
      }));
      const name = given.string('name') || object.metadata.name;
      const labels = given.string('labels') ? parseLabels(given.string('labels')) : object.metadata.labels;
      const generated = {
        apiVersion: 'v1', kind: 'Service', metadata: { ...(labels && { labels }), name: name.slice(0, 63) }, status: { loadBalancer: {} },
        spec: {
          ...(given.string('cluster-ip') && { clusterIP: given.string('cluster-ip') }), ...(given.string('external-ip') && { externalIPs: [given.string('external-ip')] }),
          ...(given.string('load-balancer-ip') && { loadBalancerIP: given.string('load-balancer-ip') }), ports, selector,
          ...(given.string('session-affinity') && { sessionAffinity: given.string('session-affinity') }), ...(given.string('type') && { type: given.string('type') }),
        },
      };
      const whole = overridden(given, generated) as typeof generated;
      const service = given.bool('save-config') ? withLastApplied(whole) : whole;
      const resource = (await session.mapper((builtIn) => builtIn.findKind('v1', 'Service'))).byKind('v1', 'Service');
      if (dryRunOf(given) === 'client') {
        printResult(call, resource, service, 'exposed');
        continue;
      }
      const created = await session.call('POST', `/api/v1/namespaces/${target.namespace}/services`, { body: service, query: writeQuery(call, 'kubectl-expose') });
      printResult(call, resource, created, 'exposed');
    }
  },
};
