/** Upstream: ValidatePodSpec. */
import { fieldError } from '../../errors.ts';
import type { PodSpec } from '../../generated/core-v1.ts';
import type { ObjectMeta } from '../../generated/meta-v1.ts';
import { dnsLabel, dnsSubdomain, formatErrors, labels, oneOf, oneOfIfAny, type FieldErrors } from '../fields.ts';
import { rangeFaults } from '../formats.ts';
import { containersErrors } from './containers.ts';
import { podSecurityErrors } from './security-context.ts';

/** What is wrong with the spec of a pod or of a template. `metadata` is the pod's own. */
export function* podSpecErrors(path: string, spec: PodSpec, _metadata: ObjectMeta): FieldErrors {
  if (spec.terminationGracePeriodSeconds === undefined) yield fieldError.required(`${path}.terminationGracePeriodSeconds`);
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  yield* containersErrors(path, spec, volumes);
  yield* hostNetworkErrors(path, spec);
  yield* oneOf(`${path}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']);
  yield* oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']);
  yield* labels(`${path}.nodeSelector`, spec.nodeSelector);
  yield* podSecurityErrors(path, spec);
  for (const field of ['serviceAccountName', 'nodeName', 'priorityClassName', 'runtimeClassName'] as const) if (spec[field]) yield* dnsSubdomain(`${path}.${field}`, spec[field]);
  if (spec.activeDeadlineSeconds !== undefined) yield* formatErrors(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, rangeFaults(spec.activeDeadlineSeconds, 1, 2147483647));
  for (const field of ['hostname', 'subdomain'] as const) if (spec[field]) yield* dnsLabel(`${path}.${field}`, spec[field]);
  yield* oneOfIfAny(`${path}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never']);
}

function* hostNetworkErrors(path: string, spec: PodSpec): FieldErrors {
  if (!spec.hostNetwork) return;
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [i, { ports = [] }] of (spec[list] ?? []).entries()) {
      for (const [j, { hostPort, containerPort }] of ports.entries()) {
        if (hostPort !== containerPort && hostPort !== undefined) yield fieldError.invalid(`${path}.${list}[${i}].ports[${j}].containerPort`, containerPort, 'must match `hostPort` when `hostNetwork` is true');
      }
    }
  }
}
