import type { FlagSpecs } from '../command/flags.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import type { Call } from '../command/verb.ts';
import { nameOf, requireFlags } from './generator-arguments.ts';
import type { Generated, Generator } from './generator.ts';

const portFlags = { tcp: { type: 'strings', usage: 'Port pairs can be specified as "<port>:<targetPort>".' } } as const satisfies FlagSpecs;

function servicePorts(call: Call, nodePort?: number): unknown[] {
  const pairs = call.flags.strings('tcp');
  return pairs.map((pair) => {
    const [port, target = port] = pair.split(':');
    if (!/^\d+$/.test(port!)) throw new KubectlError(`strconv.ParseUint: parsing "${port}": invalid syntax`);
    if (Number(port) > 65535) throw new KubectlError(`strconv.ParseUint: parsing "${port}": value out of range`);
    for (const part of [port!, ...(/^\d+$/.test(target!) ? [target!] : [])]) if (Number(part) < 1 || Number(part) > 65535) throw new KubectlError('must be between 1 and 65535, inclusive');
    return { name: pair.replace(':', '-'), port: Number(port), protocol: 'TCP', targetPort: /^\d+$/.test(target!) ? Number(target) : target, ...(nodePort && { nodePort }) };
  });
}

function serviceOf(call: Call, type: string, more: Readonly<Record<string, unknown>> = {}, nodePort?: number): Generated[] {
  const name = nameOf(call);
  const ports = servicePorts(call, nodePort);
  if (ports.length === 0 && type !== 'ExternalName' && more.clusterIP !== 'None') throw new KubectlError('at least one tcp port specifier must be provided');
  return [{ apiVersion: 'v1', kind: 'Service', metadata: { name, labels: { app: name } }, spec: { ...(ports.length > 0 && { ports }), selector: { app: name }, type, ...more }, status: { loadBalancer: {} } }];
}

const serviceVerbs: Readonly<Record<string, Generator>> = {
  clusterip: {
    usage: 'NAME [--tcp=<port>:<targetPort>] [--dry-run=server|client|none]', summary: 'Create a ClusterIP service',
    flags: { ...portFlags, clusterip: { type: 'string', usage: "Assign your own ClusterIP or set to 'None' for a 'headless' service" } },
    generate: (call) => serviceOf(call, 'ClusterIP', call.flags.string('clusterip') ? { clusterIP: call.flags.string('clusterip') } : {}),
  },
  nodeport: {
    usage: 'NAME [--tcp=port:targetPort] [--dry-run=server|client|none]', summary: 'Create a NodePort service',
    flags: { ...portFlags, 'node-port': { type: 'int', usage: 'Port used to expose the service on each node in a cluster.' } },
    generate: (call) => serviceOf(call, 'NodePort', {}, call.flags.int('node-port')),
  },
  loadbalancer: { usage: 'NAME [--tcp=port:targetPort] [--dry-run=server|client|none]', summary: 'Create a LoadBalancer service', flags: portFlags, generate: (call) => serviceOf(call, 'LoadBalancer') },
  externalname: {
    usage: 'NAME --external-name external.name [--dry-run=server|client|none]', summary: 'Create an ExternalName service',
    flags: { ...portFlags, 'external-name': { type: 'string', usage: 'External name of service' } },
    generate(call) {
      requireFlags(call, 'external-name');
      return serviceOf(call, 'ExternalName', { externalName: call.flags.string('external-name') });
    },
  },
};

export const serviceGenerator: Generator = { usage: '(clusterip | nodeport | loadbalancer | externalname)', summary: 'Create a service using a specified subcommand', flags: {}, verbs: serviceVerbs };
