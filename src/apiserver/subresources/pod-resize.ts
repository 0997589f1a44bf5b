import { fieldError, type FieldError } from '../../api/errors.ts';
import type { Container, Pod, ResourceRequirements } from '../../api/generated/core-v1.ts';
import { pods } from '../../api/generated/resources.ts';
import { qosClass } from '../../api/pod/qos-class.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import type { UpdateSubresource } from './update-subresource.ts';

/** `PUT|PATCH pods/<name>/resize`: changes CPU and memory of a pod's containers in place. Upstream: podResizeStrategy, validation.ValidatePodResize. */
export const podResize: UpdateSubresource<Pod> = {
  resource: pods, subresource: 'resize', validatesWhole: true,
  prepare(next, previous) {
    const spec = {
      ...previous.spec, containers: resized(previous.spec.containers, next.spec.containers),
      ...(previous.spec.initContainers && { initContainers: resized(previous.spec.initContainers, next.spec.initContainers ?? []) }),
    };
    return deepEqual(spec, previous.spec) ? previous : { ...previous, spec };
  },
  validate: resizeErrors,
};

function resized(previous: readonly Container[], next: readonly Container[]): readonly Container[] {
  return previous.map((container) => {
    const asked = next.find((c) => c.name === container.name);
    if (!asked || deepEqual(asked.resources, container.resources) && deepEqual(asked.resizePolicy, container.resizePolicy)) return container;
    return { ...container, ...(asked.resources && { resources: asked.resources }), ...(asked.resizePolicy && { resizePolicy: asked.resizePolicy }) };
  });
}

export function resizeErrors(next: Pod, previous: Pod): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (previous.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) errors.push(fieldError.forbidden('', 'static pods cannot be resized'));
  if (qosClass(next) !== (previous.status?.qosClass ?? qosClass(previous))) errors.push(fieldError.invalid('spec', qosClass(next), 'Pod QOS Class may not change as a result of resizing'));
  next.spec.containers.forEach((container, i) => {
    const before = previous.spec.containers[i]?.resources;
    for (const field of ['requests', 'limits'] as const) errors.push(...amountErrors(`spec.containers[${i}].resources.${field}`, container.resources?.[field], before?.[field]));
    errors.push(...removalErrors(`spec.containers[${i}].resources`, container.resources, before));
  });
  return errors;
}

type Amounts = Readonly<Record<string, string>> | undefined;

function amountErrors(path: string, next: Amounts = {}, previous: Amounts = {}): readonly FieldError[] {
  const changed = [...new Set([...Object.keys(next), ...Object.keys(previous)])].filter((name) => next[name] !== previous[name] && name !== 'cpu' && name !== 'memory');
  return changed.length ? [fieldError.forbidden(path, 'only cpu and memory resources are mutable')] : [];
}

function removalErrors(path: string, next: ResourceRequirements | undefined, previous: ResourceRequirements | undefined): readonly FieldError[] {
  const lost = (field: 'requests' | 'limits'): boolean => ['cpu', 'memory'].some((name) => previous?.[field]?.[name] !== undefined && next?.[field]?.[name] === undefined);
  return (['requests', 'limits'] as const).filter(lost).map((field) => fieldError.forbidden(`${path}.${field}`, `resource ${field} cannot be removed`));
}
