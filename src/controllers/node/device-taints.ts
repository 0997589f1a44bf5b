import type { Pod } from '../../api/generated/core-v1.ts';
import type { DeviceRequestAllocationResult, DeviceTaint, ResourceClaim } from '../../api/generated/resource-v1.ts';
import { tolerates } from '../../api/scheduling/taints.ts';

/** The names of the claims that a pod uses, its own from templates among them, as far as they are made. */
export function claimNamesOf({ spec, status }: Pod): readonly string[] {
  const extended = status?.extendedResourceClaimStatus?.resourceClaimName;
  const named = (spec.resourceClaims ?? []).flatMap(({ name, resourceClaimName }) => resourceClaimName ?? status?.resourceClaimStatuses?.find((one) => one.name === name)?.resourceClaimName ?? []);
  return extended === undefined ? named : [...named, extended];
}

/**
 * When the pods of a claim must go because of the taints of its devices (milliseconds since 1970); undefined: never. A taint is borne for the shortest time of the
 * tolerations that match it, from when it was put on. `seenMs` stands for when that was not said. Upstream: devicetainteviction claimEvictionTime.
 */
export function claimEvictionTime({ status }: ResourceClaim, taintsOf: (device: DeviceRequestAllocationResult) => readonly DeviceTaint[], seenMs: number): number | undefined {
  let earliest: number | undefined;
  for (const device of status?.allocation?.devices?.results ?? []) {
    for (const taint of taintsOf(device)) {
      if (taint.effect !== 'NoExecute') continue;
      // One that names no effect lets the pod come, and not stay.
      const borne = (device.tolerations ?? []).filter((toleration) => toleration.effect === 'NoExecute' && tolerates(toleration, taint));
      if (borne.some(({ tolerationSeconds }) => tolerationSeconds === undefined)) continue;
      const seconds = borne.length === 0 ? 0 : Math.max(0, Math.min(...borne.map(({ tolerationSeconds }) => tolerationSeconds!)));
      const due = (taint.timeAdded ? Date.parse(taint.timeAdded) : seenMs) + seconds * 1000;
      earliest = Math.min(earliest ?? due, due);
    }
  }
  return earliest;
}
