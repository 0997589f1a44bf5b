import { fieldError, type FieldError } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { pods } from '../../api/generated/resources.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import type { UpdateSubresource } from './update-subresource.ts';

/** `PUT|PATCH pods/<name>/ephemeralcontainers`, behind `kubectl debug`: adds containers to a running pod and never takes any away. */
export const podEphemeralContainers: UpdateSubresource<Pod> = {
  resource: pods, subresource: 'ephemeralcontainers', validatesWhole: true,
  prepare(next, previous) {
    const { ephemeralContainers } = next.spec;
    const spec = { ...previous.spec, ...(ephemeralContainers && { ephemeralContainers }) };
    return deepEqual(spec, previous.spec) ? previous : { ...previous, spec };
  },
  validate: ephemeralContainerErrors,
};

/** Upstream: validation.ValidatePodEphemeralContainersUpdate. */
export function ephemeralContainerErrors(next: Pod, previous: Pod): readonly FieldError[] {
  const path = 'spec.ephemeralContainers';
  if (previous.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return [fieldError.forbidden('', 'static pods do not support ephemeral containers')];
  const after = new Map((next.spec.ephemeralContainers ?? []).map((c) => [c.name, c]));
  const errors: FieldError[] = [];
  for (const container of previous.spec.ephemeralContainers ?? []) {
    const now = after.get(container.name);
    if (!now) errors.push(fieldError.forbidden(path, `existing ephemeral containers ${JSON.stringify(container.name)} may not be removed\n`));
    else if (!deepEqual(now, container)) errors.push(fieldError.forbidden(path, `existing ephemeral containers ${JSON.stringify(container.name)} may not be changed\n`));
  }
  return errors;
}
