import type { PersistentVolumeClaim } from '../../api/generated/core-v1.ts';
import type { Ingress } from '../../api/generated/networking-v1.ts';
import { ingressClasses, storageClasses } from '../../api/generated/resources.ts';
import type { KubeObject } from '../../api/object.ts';
import { concerns } from './admission-fault.ts';
import type { AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

/** A claim that names no storage class gets the default one. Upstream: plugin/pkg/admission/storage/storageclass/setdefault. */
export function defaultStorageClass({ objects }: AdmissionServices): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      if (!concerns(attributes, '', 'persistentvolumeclaims')) return undefined;
      const claim = attributes.object as PersistentVolumeClaim;
      // An empty name asks for no class at all.
      if (claim.spec.storageClassName !== undefined || claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined) return undefined;
      const found = newestDefault(objects.list(storageClasses), ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']);
      return found && { ...claim, spec: { ...claim.spec, storageClassName: found.metadata.name } };
    },
  };
}

/** An ingress that names no class gets the default one. Upstream: plugin/pkg/admission/network/defaultingressclass. */
export function defaultIngressClass({ objects }: AdmissionServices): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      if (!concerns(attributes, 'networking.k8s.io', 'ingresses')) return undefined;
      const ingress = attributes.object as Ingress;
      if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return undefined;
      const found = newestDefault(objects.list(ingressClasses), ['ingressclass.kubernetes.io/is-default-class']);
      return found && { ...ingress, spec: { ...ingress.spec, ingressClassName: found.metadata.name } };
    },
  };
}

function newestDefault<T extends KubeObject>(classes: readonly T[], annotations: readonly string[]): T | undefined {
  const marked = classes.filter((c) => annotations.some((annotation) => c.metadata.annotations?.[annotation] === 'true'));
  const created = (c: T): number => Date.parse(c.metadata.creationTimestamp);
  return marked.sort((a, b) => created(b) - created(a) || (a.metadata.name < b.metadata.name ? -1 : 1))[0];
}
