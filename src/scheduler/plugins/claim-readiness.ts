import type { DeviceRequestAllocationResult, ResourceClaim } from '../../api/generated/resource-v1.ts';

/** How long devices may take to be made ready, in milliseconds. Upstream: DynamicResourcesArgs.bindingTimeout. */
export const BINDING_TIMEOUT_MS = 600_000;

/** What must be so, and what must not, before pods may use the devices of an allocated claim; messages in upstream's words. */
export type Readiness = { readonly state: 'ready' } | { readonly state: 'waiting' } | { readonly state: 'failed' | 'late'; readonly message: string };

/** Upstream: dynamicresources isClaimReadyForBinding, isClaimTimeout. */
export function claimReadiness({ metadata: { name }, status }: ResourceClaim, nowMs: number, timeoutMs = BINDING_TIMEOUT_MS): Readiness {
  const { allocation, devices = [] } = status ?? {};
  const conditional = (allocation?.devices?.results ?? []).filter(({ bindingConditions }) => bindingConditions?.length);
  if (allocation && conditional.length === 0) return { state: 'ready' };
  const conditionsOf = ({ driver, pool, device, shareID = '' }: DeviceRequestAllocationResult) =>
    devices.find((one) => one.driver === driver && one.pool === pool && one.device === device && (one.shareID ?? '') === shareID)?.conditions ?? [];
  for (const result of conditional) {
    const failed = conditionsOf(result).find(({ type, status: value }) => value === 'True' && result.bindingFailureConditions?.includes(type));
    if (failed) return { state: 'failed', message: `device binding failed: claim=${name}, reason=${failed.reason}, message=${JSON.stringify(failed.message)}` };
  }
  if (allocation && conditional.every((result) => result.bindingConditions!.every((type) => conditionsOf(result).some((one) => one.type === type && one.status === 'True')))) return { state: 'ready' };
  const since = allocation?.allocationTimestamp;
  return since !== undefined && Date.parse(since) + timeoutMs < nowMs ? { state: 'late', message: `device binding timeout: claim=${name}` } : { state: 'waiting' };
}
