import { fieldError, type FieldError } from '../../api/errors.ts';
import type { Container, Pod, ResourceRequirements } from '../../api/generated/core-v1.ts';
import { pods } from '../../api/generated/resources.ts';
import { without } from '../../api/kinds/fill.ts';
import { isSidecar } from '../../api/pod/conditions.ts';
import { qosClass } from '../../api/pod/qos-class.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import type { UpdateSubresource } from './update-subresource.ts';

type Amounts = Readonly<Record<string, string>>;

/** `PUT|PATCH pods/<name>/resize`: changes CPU and memory of a pod and its containers in place. Upstream: podResizeStrategy, validation.ValidatePodResize. */
export const podResize: UpdateSubresource<Pod> = {
  resource: pods, subresource: 'resize', validatesWhole: true,
  prepare(next, previous) {
    const sameNames = (a: readonly Container[] = [], b: readonly Container[] = []): boolean => a.length === b.length && a.every((container, i) => container.name === b[i]!.name);
    // Containers that were added or moved are left for validation to refuse.
    const resized = (after: readonly Container[] = [], before: readonly Container[] = []): readonly Container[] => (sameNames(after, before) ? before.map((container, i) => withResourcesOf(container, after[i]!)) : after);
    const spec = {
      ...without(previous.spec, 'resources'), ...(next.spec.resources && { resources: next.spec.resources }),
      containers: resized(next.spec.containers, previous.spec.containers),
      ...((next.spec.initContainers ?? previous.spec.initContainers) && { initContainers: resized(next.spec.initContainers, previous.spec.initContainers) }),
    };
    return deepEqual(spec, previous.spec) ? previous : { ...previous, spec };
  },
  validate: resizeErrors,
};

function withResourcesOf(container: Container, { resources, resizePolicy }: Container): Container {
  if (deepEqual(resources, container.resources) && deepEqual(resizePolicy, container.resizePolicy)) return container;
  return { ...without(container, 'resources', 'resizePolicy'), ...(resources && { resources }), ...(resizePolicy && { resizePolicy }) };
}

export function resizeErrors(next: Pod, previous: Pod): readonly FieldError[] {
  if (previous.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return [fieldError.forbidden('', 'static pods cannot be resized')];
  if (previous.spec.os?.name === 'windows') return [fieldError.forbidden('', 'windows pods cannot be resized')];
  const errors: FieldError[] = [];
  const before = previous.status?.qosClass ?? qosClass(previous);
  if (qosClass(next) !== before) errors.push(fieldError.invalid('spec', before, 'Pod QOS Class may not change as a result of resizing'));
  const running = previous.status?.containerStatuses?.find((status) => status.state?.running);
  if (running && !running.resources) errors.push(fieldError.forbidden('spec', 'Pod running on node without support for resize'));
  errors.push(...podLevelErrors(next.spec.resources, previous.spec.resources));
  const moved = [...orderErrors('containers', next.spec.containers, previous.spec.containers), ...orderErrors('initContainers', next.spec.initContainers, previous.spec.initContainers)];
  if (moved.length) return [...errors, ...moved];
  next.spec.initContainers?.forEach((container, i) => errors.push(...initContainerErrors(`spec.initContainers[${i}]`, container, previous.spec.initContainers![i]!)));
  next.spec.containers.forEach((container, i) => {
    const old = previous.spec.containers[i]!;
    errors.push(...removalErrors(`spec.containers[${i}].resources`, 'resource', container.resources, old.resources));
    if (!onlyComputeChanged(container, old)) errors.push(fieldError.forbidden('spec', 'only cpu and memory resources are mutable'));
  });
  return errors;
}

function podLevelErrors(next: ResourceRequirements | undefined, previous: ResourceRequirements | undefined): readonly FieldError[] {
  if (previous && !next) return [fieldError.forbidden('spec.resources', 'pod-level resources cannot be removed')];
  return [
    ...removalErrors('spec.resources', 'pod-level resource', next, previous),
    ...(deepEqual(withoutCompute(next), withoutCompute(previous)) ? [] : [fieldError.forbidden('spec', 'only cpu and memory resources are mutable at pod-level')]),
  ];
}

function initContainerErrors(path: string, container: Container, old: Container): readonly FieldError[] {
  const errors = [...removalErrors(`${path}.resources`, 'resource', container.resources, old.resources)];
  if (!onlyComputeChanged(container, old)) errors.push(fieldError.forbidden(path, 'only cpu and memory resources for init or sidecar containers are mutable'));
  const restarts = container.resizePolicy?.some((policy) => policy.restartPolicy === 'RestartContainer');
  if (restarts && !isSidecar(container) && !deepEqual(container, old)) errors.push(fieldError.forbidden(path, 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized'));
  return errors;
}

function orderErrors(field: string, next: readonly Container[] = [], previous: readonly Container[] = []): readonly FieldError[] {
  if (next.length !== previous.length) return [fieldError.forbidden(`spec.${field}`, `${field} may not be added or removed on resize`)];
  return previous.flatMap((container, i) => (container.name === next[i]!.name ? [] : [fieldError.forbidden(`spec.${field}[${i}].name`, `${field} may not be renamed or reordered on resize`)]));
}

const onlyComputeChanged = (next: Container, previous: Container): boolean =>
  deepEqual({ ...next, resources: withoutCompute(next.resources) }, { ...previous, resources: withoutCompute(previous.resources) });

function withoutCompute(resources: ResourceRequirements | undefined): object {
  const rest = (amounts: Amounts = {}): Amounts => without(amounts, 'cpu', 'memory') as Amounts;
  return { ...resources, requests: rest(resources?.requests), limits: rest(resources?.limits) };
}

function removalErrors(path: string, word: string, next: ResourceRequirements | undefined, previous: ResourceRequirements | undefined): readonly FieldError[] {
  const lost = (field: 'requests' | 'limits'): boolean => Object.keys(previous?.[field] ?? {}).some((name) => next?.[field]?.[name] === undefined);
  return (['requests', 'limits'] as const).filter(lost).map((field) => fieldError.forbidden(`${path}.${field}`, `${word} ${field} cannot be removed`));
}
