import { forbidden, notFound, StatusError } from '../../api/errors.ts';
import { namespaces } from '../../api/generated/resources.ts';
import { refused } from './admission-fault.ts';
import type { AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

const IMMORTAL = new Set(['default', 'kube-system', 'kube-public']);

/** Nothing is created in a namespace that does not exist or goes; the namespaces of the system stay. Upstream: admission/plugin/namespace/lifecycle. */
export function namespaceLifecycle({ objects }: AdmissionServices): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    handles: (operation) => operation !== 'CONNECT',
    admit(attributes) {
      const { operation, resource, namespace, name } = attributes;
      if (resource.group === '' && resource.resource === 'namespaces') {
        if (operation === 'DELETE' && IMMORTAL.has(name)) throw forbidden(resource, name, 'this namespace may not be deleted');
        return;
      }
      if (!namespace || operation === 'DELETE' || resource.resource === 'localsubjectaccessreviews') return;
      const found = objects.get(namespaces, { name: namespace });
      if (!found) throw notFound(namespaces, namespace);
      if (operation !== 'CREATE' || (found.status?.phase !== 'Terminating' && !found.metadata.deletionTimestamp)) return;
      const { status } = refused(attributes, `unable to create new content in namespace ${namespace} because it is being terminated`);
      const cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' };
      throw new StatusError({ ...status, details: { ...status.details, causes: [cause] } });
    },
  };
}
