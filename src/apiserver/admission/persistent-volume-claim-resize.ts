import type { PersistentVolumeClaim } from '../../api/generated/core-v1.ts';
import { storageClasses } from '../../api/generated/resources.ts';
import { compareQuantities } from '../../api/quantity.ts';
import { concerns, refused } from './admission-fault.ts';
import type { AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

/** A claim may grow only where its storage class can. Upstream: plugin/pkg/admission/storage/persistentvolume/resize. */
export function persistentVolumeClaimResize({ objects }: AdmissionServices): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    handles: (operation) => operation === 'UPDATE',
    validate(attributes) {
      if (!concerns(attributes, '', 'persistentvolumeclaims')) return;
      const [claim, old] = [attributes.object as PersistentVolumeClaim, attributes.oldObject as PersistentVolumeClaim];
      const size = (c: PersistentVolumeClaim): string | undefined => c.spec.resources?.requests?.['storage'];
      if (compareQuantities(size(claim), size(old)) <= 0) return;
      if (old.status?.phase !== 'Bound') throw refused(attributes, 'Only bound persistent volume claims can be expanded');
      const name = claim.spec.storageClassName;
      if (!name || name !== old.spec.storageClassName || !objects.get(storageClasses, { name })?.allowVolumeExpansion) {
        throw refused(attributes, 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize');
      }
    },
  };
}
