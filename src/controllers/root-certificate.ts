import { configMaps, namespaces as namespaceResource } from '../api/generated/resources.ts';
import { isReason } from '../api/errors.ts';
import { itself, startLoop } from './control-loop.ts';
import type { Controller } from './controller.ts';
import { isNamespaceTerminating } from './pod-control.ts';

const NAME = 'kube-root-ca.crt';
const DESCRIPTION = 'kubernetes.io/description';
/** Read by people who wonder what the object is; upstream's words. */
const TEXT = 'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or ' +
  'kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** Publishes to every namespace the certificate by which pods know the API server. Upstream: pkg/controller/certificates/rootcacertpublisher. */
export const rootCertificateController: Controller = {
  name: 'root-ca-certificate-publisher-controller',
  start(context) {
    const { client, informers, options: { rootCertificate } } = context;
    const namespaces = informers.informer(namespaceResource);
    const maps = informers.informer(configMaps);

    async function reconcile(namespace: string): Promise<void> {
      if (!rootCertificate || namespaces.get(namespace)?.status?.phase !== 'Active') return;
      const existing = maps.get(`${namespace}/${NAME}`);
      const data = { 'ca.crt': rootCertificate };
      const described = { [DESCRIPTION]: TEXT };
      try {
        if (!existing) {
          await client.create(configMaps, { metadata: { name: NAME, namespace, annotations: described }, data });
        } else if (existing.data?.['ca.crt'] !== rootCertificate || Object.keys(existing.data).length > 1 || !existing.metadata.annotations?.[DESCRIPTION]) {
          await client.update(configMaps, { ...existing, data, metadata: { ...existing.metadata, annotations: { ...existing.metadata.annotations, ...described } } });
        }
      } catch (error) {
        if (!isReason(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error;
      }
    }

    const loop = startLoop(context, { name: 'root-ca-certificate-publisher-controller', queue: 'root_ca_cert_publisher', needs: [namespaces, maps], workers: 1, reconcile });
    loop.follow(namespaces, itself);
    loop.follow(maps, (map) => (map.metadata.name === NAME ? [map.metadata.namespace] : []));
    return loop;
  },
};
