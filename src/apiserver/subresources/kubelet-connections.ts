import { Agent } from 'node:https';
import { notFound, statusError } from '../../api/errors.ts';
import type { Node } from '../../api/generated/core-v1.ts';
import { nodes } from '../../api/generated/resources.ts';
import type { KeyPair } from '../../base/certificates.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';

export interface KubeletAddress {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 10250;

/** In the order in which a node's addresses are tried; its name is nothing that the server's resolver knows. */
const ADDRESS_TYPES = ['InternalIP', 'ExternalIP', 'InternalDNS', 'Hostname', 'ExternalDNS'];

/** Where the kubelets are, and the connections to them, on which the server shows its client certificate and checks theirs. */
export class KubeletConnections implements Disposable {
  /** Keeps connections for the next request. */
  readonly agent: Agent;
  /** For those who ask not to have the kubelet's certificate checked. */
  readonly uncheckedAgent: Agent;
  readonly #objects: StoredObjects;

  constructor(options: { readonly objects: StoredObjects; readonly authority: string; readonly client?: KeyPair }) {
    this.#objects = options.objects;
    const identity = options.client && { key: options.client.key, cert: options.client.certificate };
    this.agent = new Agent({ keepAlive: true, ca: options.authority, ...identity });
    this.uncheckedAgent = new Agent({ keepAlive: true, rejectUnauthorized: false, ...identity });
  }

  /** Throws 404 where there is no such node, 503 where it has not said where it is. */
  locate(nodeName: string): KubeletAddress {
    const node = this.#objects.get(nodes, { name: nodeName });
    if (!node) throw notFound(nodes, nodeName);
    const host = addressOf(node);
    if (!host) throw statusError(503, 'ServiceUnavailable', `no preferred addresses found; known addresses: ${JSON.stringify(node.status?.addresses ?? [])}`);
    return { host, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port || DEFAULT_PORT };
  }

  [Symbol.dispose](): void {
    this.agent.destroy();
    this.uncheckedAgent.destroy();
  }
}

function addressOf(node: Node): string | undefined {
  for (const type of ADDRESS_TYPES) {
    const address = node.status?.addresses?.find((a) => a.type === type)?.address;
    if (address) return address;
  }
  return undefined;
}

/** `10.0.0.1:80`, `[fd00::1]:80`. */
export function hostPort(host: string, port: number | string): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
