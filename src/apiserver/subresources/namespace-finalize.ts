import type { Namespace } from '../../api/generated/core-v1.ts';
import { namespaces } from '../../api/generated/resources.ts';
import type { UpdateSubresource } from './update-subresource.ts';

/** `PUT namespaces/<name>/finalize`: the one way to change the finalizers in a namespace's spec. Upstream: pkg/registry/core/namespace. */
export const namespaceFinalize: UpdateSubresource<Namespace> = {
  resource: namespaces, subresource: 'finalize',
  prepare: (next, previous) => ({ ...previous, metadata: next.metadata, spec: { ...previous.spec, finalizers: next.spec?.finalizers ?? [] } }),
};
