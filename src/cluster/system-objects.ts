import { isReason } from '../api/errors.ts';
import { services } from '../api/generated/resources.ts';
import type { Client } from '../client/client.ts';

/** The label by which the service proxy knows that a service is not its own: every node answers DNS under the address itself. */
const PROXIED_BY = { 'service.kubernetes.io/service-proxy-name': 'wherry-dns' };

/** Makes what a cluster has besides what the API server makes for itself: the DNS service. */
export async function ensureSystemObjects(client: Client, dnsAddress: string): Promise<void> {
  try {
    // Looked for first: creating it again would fail on its address, which is taken, by itself.
    await client.get(services, { namespace: 'kube-system', name: 'kube-dns' });
    return;
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
  await client.create(services, {
    metadata: {
      name: 'kube-dns', namespace: 'kube-system',
      labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS', ...PROXIED_BY },
    },
    spec: { clusterIP: dnsAddress, ports: [{ name: 'dns', port: 53, protocol: 'UDP' }, { name: 'dns-tcp', port: 53, protocol: 'TCP' }] },
  });
}
