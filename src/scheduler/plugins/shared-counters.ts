import type { Device, ResourceSlice } from '../../api/generated/resource-v1.ts';
import { milliValue } from '../../api/quantity.ts';

/** A device that draws on counters, and where it is from. */
export interface Drawing {
  readonly driver: string;
  readonly pool: string;
  readonly device: Device;
}

/**
 * What is left of the counters that devices of a pool share: of a card of 80Gi that can be had whole or in parts, each part draws its memory from one
 * counter, so that those that are given away together never draw more than there is. Upstream: structured allocator, checkAvailableCounters.
 */
export class SharedCounters {
  /** By driver, pool, set and counter, in thousandths. */
  readonly #left = new Map<string, number>();

  /** `slices` are those of whole pools; `isTaken` says which devices are given away. */
  constructor(slices: readonly ResourceSlice[], isTaken: (drawing: Drawing) => boolean) {
    for (const { spec: { driver, pool, sharedCounters = [] } } of slices) {
      for (const set of sharedCounters) for (const [counter, { value }] of Object.entries(set.counters)) this.#left.set(`${driver}/${pool.name}/${set.name}/${counter}`, milliValue(value));
    }
    if (this.#left.size === 0) return;
    for (const { spec: { driver, pool, devices = [] } } of slices) this.take(devices.map((device) => ({ driver, pool: pool.name, device })).filter(isTaken));
  }

  take(devices: readonly Drawing[]): void {
    for (const [counter, milli] of drawn(devices)) this.#left.set(counter, (this.#left.get(counter) ?? 0) - milli);
  }

  /** Whether all these can be given away beside what already is. */
  allow(devices: readonly Drawing[]): boolean {
    for (const [counter, milli] of drawn(devices)) if (milli > (this.#left.get(counter) ?? 0)) return false;
    return true;
  }
}

function drawn(devices: readonly Drawing[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { driver, pool, device } of devices) {
    for (const { counterSet, counters } of device.consumesCounters ?? []) {
      for (const [counter, { value }] of Object.entries(counters)) {
        const key = `${driver}/${pool}/${counterSet}/${counter}`;
        sums.set(key, (sums.get(key) ?? 0) + milliValue(value));
      }
    }
  }
  return sums;
}
