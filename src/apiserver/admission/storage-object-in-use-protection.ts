import { concerns } from './admission-fault.ts';
import type { AdmissionPlugin } from './admission.ts';

const FINALIZERS: readonly (readonly [string, string, string])[] = [
  ['', 'persistentvolumes', 'kubernetes.io/pv-protection'],
  ['', 'persistentvolumeclaims', 'kubernetes.io/pvc-protection'],
  ['storage.k8s.io', 'volumeattributesclasses', 'kubernetes.io/vac-protection'],
];

/** Volumes and claims stay while they are in use: a controller takes the finalizer away. Upstream: plugin/pkg/admission/storage/storageobjectinuseprotection. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  handles: (operation) => operation === 'CREATE',
  admit(attributes) {
    const finalizer = FINALIZERS.find(([group, resource]) => concerns(attributes, group, resource))?.[2];
    const { object } = attributes;
    if (!finalizer || !object || object.metadata.finalizers?.includes(finalizer)) return undefined;
    return { ...object, metadata: { ...object.metadata, finalizers: [...(object.metadata.finalizers ?? []), finalizer] } };
  },
};
