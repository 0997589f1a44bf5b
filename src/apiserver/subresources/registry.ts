import { certificateApproval, certificateStatus } from './certificate-approval.ts';
import { namespaceFinalize } from './namespace-finalize.ts';
import { legacyBinding, podBinding, podBindingUpdate } from './pod-binding.ts';
import { podEphemeralContainers } from './pod-ephemeral-containers.ts';
import { podEviction } from './pod-eviction.ts';
import { podLog } from './pod-log.ts';
import { podResize } from './pod-resize.ts';
import { podStreams } from './pod-streams.ts';
import { proxies } from './proxies.ts';
import { reviews } from './reviews.ts';
import { serviceAccountToken } from './service-account-token.ts';
import type { SubresourceHandler, SubresourceServices } from './subresource-handler.ts';
import type { UpdateSubresource } from './update-subresource.ts';

/** Everything that answers by itself: subresources that are actions or connections, and resources that are only ever created. */
export function subresourceHandlers(services: SubresourceServices): readonly SubresourceHandler[] {
  return [
    podBinding(services),
    legacyBinding(services),
    podEviction(services),
    podLog(services),
    ...podStreams(services),
    ...proxies(services),
    serviceAccountToken(services),
    ...reviews(services),
  ];
}

/** The ways to write a part of a stored object, besides `status` by the kind's own strategy and `scale`. */
export const updateSubresources: readonly UpdateSubresource[] = [
  podBindingUpdate,
  podEphemeralContainers,
  podResize,
  namespaceFinalize,
  certificateApproval,
  certificateStatus,
];
