import type { PodFacts } from './pod-facts.ts';

/**
 * The DNS of the cluster as policies are to see it. Every node answers on the DNS service's address itself, so there is no pod that
 * the usual rule, `namespaceSelector` of kube-system with `podSelector` `k8s-app: kube-dns`, could select. This one stands for it: it has
 * the service's address, and the labels and port names that DNS pods have everywhere.
 */
export function dnsPod(address: string): PodFacts {
  return {
    namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' }, address, local: false,
    namedPorts: [{ name: 'dns', protocol: 'udp', port: 53 }, { name: 'dns-tcp', protocol: 'tcp', port: 53 }],
  };
}
