import { eventsOf, type Diagnose, type Situation } from '../finding.ts';

/** Volume claims without a volume. */
export const claim: Diagnose = (situation) => situation.claims.filter(({ status, metadata }) => status?.phase !== 'Bound' && !metadata.deletionTimestamp).map((found) => {
  const { name, uid } = found.metadata;
  const size = found.spec?.resources?.requests?.['storage'] ?? 'some room';
  const className = found.spec?.storageClassName;
  const storageClass = situation.storageClasses.find(({ metadata }) => metadata.name === className);
  const event = eventsOf(situation, uid).filter(({ reason }) => reason !== 'WaitForFirstConsumer').at(-1);
  const waitsFor = `a volume of ${size}, for the claim ${name}`;
  if (found.status?.phase === 'Lost') return { waitsFor, because: [`The volume ${found.spec?.volumeName} that it had is gone.`], help: ['Delete the claim and make it anew; what was on the volume is lost.'] };
  if (className && !storageClass) {
    const others = situation.storageClasses.map(({ metadata }) => metadata.name);
    return { waitsFor, because: [`It asks for the storage class "${className}", and there is none of that name.`, others.length > 0 ? `There are: ${others.join(', ')}.` : 'There are no storage classes at all.'], help: ['Make the claim anew with a class that there is: the class of a claim cannot be changed.'] };
  }
  if (!className) {
    const none = situation.storageClasses.length === 0;
    return { waitsFor, because: ['It names no storage class, so that only a volume made by hand can serve it.', ...(event?.message ? [event.message] : [])], help: [none ? 'Make a PersistentVolume of that size by hand, or install a storage class.' : `Make the claim anew with storageClassName: ${situation.storageClasses[0]!.metadata.name}`] };
  }
  if (storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && !found.metadata.annotations?.['volume.kubernetes.io/selected-node']) {
    const users = situation.neighbours.filter((pod) => (pod.spec.volumes ?? []).some((volume) => volume.persistentVolumeClaim?.claimName === name));
    return users.length === 0
      ? { waitsFor: `a pod that uses the claim ${name}`, because: [`Volumes of the class ${className} are made where they are used, so that nothing is made before.`], help: ['Nothing is wrong: use it in a pod, and the volume comes.'] }
      : { waitsFor: `a node for the pod ${users[0]!.metadata.name}, which uses the claim ${name}`, because: [`Volumes of the class ${className} are made on the node that the pod goes to.`], help: [`See why the pod waits: wherry why pod/${users[0]!.metadata.name}`] };
  }
  if (storageClass?.provisioner === 'kubernetes.io/no-provisioner') return { waitsFor, because: [`Nobody makes volumes of the class ${className}: they are made by hand, and none that is free fits.`], help: [`Make a PersistentVolume of ${size} with storageClassName: ${className}`] };
  if (event?.reason === 'ExternalProvisioning') return { waitsFor, because: [`The program "${storageClass?.provisioner}" makes volumes of the class ${className}, and has not made this one yet.`, ...(provisioningFault(situation, uid) ?? [])], help: ['See whether that program runs (its pods), and what it says.'] };
  return { waitsFor, because: [event?.message ?? `${storageClass?.provisioner ?? 'The provisioner'} has not made it yet.`], help: event?.type === 'Warning' ? [] : ['This takes a moment only, where the provisioner runs.'] };
});

function provisioningFault(situation: Situation, uid: string): readonly string[] | undefined {
  const message = eventsOf(situation, uid, 'ProvisioningFailed').at(-1)?.message;
  return message === undefined ? undefined : [`It said: ${message}`];
}
