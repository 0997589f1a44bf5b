import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StatusError } from '../../api/errors.ts';
import type { Pod, Service } from '../../api/generated/core-v1.ts';
import type { KubeObject, ObjectList } from '../../api/object.ts';
import { outputFlags } from '../printers/object-printer.ts';
import { toYaml } from '../printers/yaml.ts';
import { sortKeys } from '../printers/sort-keys.ts';
import type { Call, Verb } from '../command/verb.ts';

const GREEN = '\u001B[0;32m';
const YELLOW = '\u001B[0;33m';
const PLAIN = '\u001B[0m';

/** Upstream: kubectl pkg/cmd/clusterinfo. */
export const verb: Verb = {
  usage: '',
  summary: 'Display cluster information',
  flags: {},
  verbs: {
    dump: {
      usage: '', summary: 'Dump relevant information for debugging and diagnosis', run: dump,
      flags: {
        ...outputFlags, output: { ...outputFlags.output, default: 'json' },
        'pod-running-timeout': { type: 'duration', default: '20s', usage: 'How long (5s, 2m, 3h; more than zero) to wait until a pod runs.' },
        'output-directory': { type: 'string', usage: 'Where to output the files. If empty or \'-\' uses stdout, otherwise creates a directory hierarchy in that directory' },
        namespaces: { type: 'strings', usage: 'A comma separated list of namespaces to dump.' },
        'all-namespaces': { short: 'A', type: 'bool', usage: 'If true, dump all namespaces.' },
      },
    },
  },
  async run({ session, io }) {
    const { options } = await session.http();
    const line = (name: string, url: string): void => io.out(io.terminal ? `${GREEN}${name}${PLAIN} is running at ${YELLOW}${url}${PLAIN}\n` : `${name} is running at ${url}\n`);
    line('Kubernetes control plane', options.server);
    const { items } = await session.json<ObjectList<Service>>('/api/v1/namespaces/kube-system/services', { query: { labelSelector: 'kubernetes.io/cluster-service=true' } });
    for (const { metadata, spec, status } of items) {
      const [ingress] = status?.loadBalancer?.ingress ?? [];
      const port = spec.ports?.[0];
      const scheme = port?.name === 'https' || port?.port === 443 ? 'https:' : '';
      const address = ingress ? (spec.ports ?? []).map((one) => `http://${ingress.ip ?? ingress.hostname}:${one.port} `).join('') : `${options.server}/api/v1/namespaces/${metadata.namespace}/services/${scheme}${metadata.name}${port?.name || scheme ? `:${port?.name ?? ''}` : ''}/proxy`;
      line(metadata.labels?.['kubernetes.io/name'] ?? metadata.name, address);
    }
    io.out("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n");
  },
};

async function dump(call: Call): Promise<void> {
  const { session, io, flags } = call;
  const folder = flags.string('output-directory');
  const toFiles = folder !== '' && folder !== '-';
  const format = flags.string('output') === 'yaml' ? { ending: 'yaml', text: toYaml } : { ending: 'json', text: (object: unknown) => `${JSON.stringify(sortKeys(object), null, 4)}\n` };
  const write = (name: string, text: string): void => {
    if (!toFiles) return io.out(text);
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  write(`nodes.${format.ending}`, format.text(await session.verbatim('/api/v1/nodes')));
  const named = flags.strings('namespaces');
  const namespaces = flags.bool('all-namespaces') ? (await session.json<ObjectList<KubeObject>>('/api/v1/namespaces')).items.map(({ metadata }) => metadata.name)
    : named.length > 0 ? named : ['kube-system', await session.namespace()];
  for (const namespace of namespaces) {
    for (const [prefix, resource] of [['/api/v1', 'events'], ['/api/v1', 'replicationcontrollers'], ['/api/v1', 'services'], ['/apis/apps/v1', 'daemonsets'], ['/apis/apps/v1', 'deployments'], ['/apis/apps/v1', 'replicasets'], ['/api/v1', 'pods']] as const) {
      write(`${namespace}/${resource.replace('replicationcontrollers', 'replication-controllers')}.${format.ending}`, format.text(await session.verbatim(`${prefix}/namespaces/${namespace}/${resource}`)));
    }
    const { items } = await session.json<ObjectList<Pod>>(`/api/v1/namespaces/${namespace}/pods`);
    for (const { metadata, spec } of items) {
      const logs = await Promise.all([...(spec.initContainers ?? []), ...spec.containers].map(async ({ name }) => {
        const head = `==== START logs for container ${name} of pod ${namespace}/${metadata.name} ====\n`;
        return `${head}${await logOf(call, namespace, metadata.name, name)}==== END logs for container ${name} of pod ${namespace}/${metadata.name} ====\n`;
      }));
      write(`${namespace}/${metadata.name}/logs.txt`, logs.join(''));
    }
  }
  if (toFiles) io.out(`Cluster info dumped to ${folder}\n`);
}

/** A container that has not run has no log: the fault stands in its place. */
async function logOf({ session }: Call, namespace: string, pod: string, container: string): Promise<string> {
  try {
    return await session.text('GET', `/api/v1/namespaces/${namespace}/pods/${pod}/log`, { query: { container } });
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return `Request log error: ${error.message}\n`;
  }
}
