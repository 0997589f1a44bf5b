import type { Pod } from '../../api/generated/core-v1.ts';
import { priorityClasses } from '../../api/generated/resources.ts';
import type { PriorityClass } from '../../api/generated/scheduling-v1.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import { concerns, refused } from './admission-fault.ts';
import type { AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

/** Turns a pod's priority class into the number the scheduler goes by. Upstream: plugin/pkg/admission/priority. */
export function priority({ objects }: AdmissionServices): AdmissionPlugin {
  return {
    name: 'Priority',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    admit(attributes) {
      if (!concerns(attributes, '', 'pods')) return undefined;
      const pod = attributes.object as Pod;
      const { spec } = pod;
      if (attributes.operation === 'UPDATE') {
        const old = (attributes.oldObject as Pod).spec;
        const kept = {
          ...(spec.priority === undefined && old.priority !== undefined && { priority: old.priority }),
          ...(spec.preemptionPolicy === undefined && old.preemptionPolicy !== undefined && { preemptionPolicy: old.preemptionPolicy }),
        };
        return Object.keys(kept).length ? { ...pod, spec: { ...spec, ...kept } } : undefined;
      }
      const asked = spec.priorityClassName || undefined;
      const found = asked ? objects.get(priorityClasses, { name: asked }) : defaultPriorityClass(objects);
      if (asked && !found) throw refused(attributes, `no PriorityClass with name ${asked} was found`);
      const value = found?.value ?? 0;
      if (spec.priority !== undefined && spec.priority !== value) {
        throw refused(attributes, `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`);
      }
      const preemptionPolicy = found ? found.preemptionPolicy : 'PreemptLowerPriority';
      if (preemptionPolicy && spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy) {
        throw refused(attributes, `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`);
      }
      return { ...pod, spec: { ...spec, ...(found && { priorityClassName: found.metadata.name }), priority: value, ...(preemptionPolicy && { preemptionPolicy }) } };
    },
    validate(attributes) {
      if (!concerns(attributes, 'scheduling.k8s.io', 'priorityclasses') || !(attributes.object as PriorityClass).globalDefault) return;
      const present = defaultPriorityClass(objects)?.metadata.name;
      if (present && (attributes.operation === 'CREATE' || present !== attributes.object!.metadata.name)) {
        throw refused(attributes, `PriorityClass ${present} is already marked as default. Only one default can exist`);
      }
    },
  };
}

/** The one marked as default; where several are, the lowest. */
function defaultPriorityClass(objects: StoredObjects): PriorityClass | undefined {
  return objects.list(priorityClasses).filter((pc) => pc.globalDefault).reduce<PriorityClass | undefined>((least, pc) => (least && (least.value ?? 0) <= (pc.value ?? 0) ? least : pc), undefined);
}
