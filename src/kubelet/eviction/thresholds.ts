import { quantityOf, quantityValue } from '../../api/quantity.ts';
import type { MachineFacts } from '../machine-facts.ts';

/** What may run out, in upstream's words. */
export type Signal = 'memory.available' | 'nodefs.available' | 'nodefs.inodesFree' | 'imagefs.available' | 'imagefs.inodesFree' | 'pid.available';
export type PressureCondition = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';

/** With less than this left, pods must go. */
export interface Threshold {
  readonly signal: Signal;
  /** Of the capacity, 0 to 1, or absolute; the smaller of both where both are given. */
  readonly share?: number;
  readonly amount?: number;
  /** How long it must have been crossed first; 0 for hard thresholds. */
  readonly graceMs: number;
}

export interface Level {
  readonly available: number;
  readonly capacity: number;
}

export type Levels = Partial<Readonly<Record<Signal, Level>>>;

/** Upstream: eviction/defaults_linux.go. */
export const hardThresholds: readonly Threshold[] = [
  { signal: 'memory.available', amount: 100 * 2 ** 20, graceMs: 0 }, { signal: 'nodefs.available', share: 0.1, graceMs: 0 }, { signal: 'nodefs.inodesFree', share: 0.05, graceMs: 0 },
  { signal: 'imagefs.available', share: 0.15, graceMs: 0 }, { signal: 'imagefs.inodesFree', share: 0.05, graceMs: 0 },
];

interface SignalFacts {
  readonly condition: PressureCondition;
  /** As events name it. */
  readonly resource: 'memory' | 'ephemeral-storage' | 'inodes' | 'pids';
  level(machine: MachineFacts): Level | undefined;
}

export const signals: Readonly<Record<Signal, SignalFacts>> = {
  'memory.available': { condition: 'MemoryPressure', resource: 'memory', level: (m) => ({ available: m.memoryAvailableBytes, capacity: m.memoryBytes }) },
  'nodefs.available': { condition: 'DiskPressure', resource: 'ephemeral-storage', level: (m) => ({ available: m.storageAvailableBytes, capacity: m.storageBytes }) },
  'nodefs.inodesFree': { condition: 'DiskPressure', resource: 'inodes', level: (m) => m.inodes },
  // Images are on the same file system.
  'imagefs.available': { condition: 'DiskPressure', resource: 'ephemeral-storage', level: (m) => ({ available: m.storageAvailableBytes, capacity: m.storageBytes }) },
  'imagefs.inodesFree': { condition: 'DiskPressure', resource: 'inodes', level: (m) => m.inodes },
  'pid.available': { condition: 'PIDPressure', resource: 'pids', level: (m) => m.processes },
};

/** `{ 'memory.available': '100Mi', 'nodefs.available': '10%' }`. Upstream: eviction ParseThresholdConfig. */
export function parseThresholds(values: Readonly<Record<string, string>>, graceMs: (signal: string) => number = () => 0): readonly Threshold[] {
  return Object.entries(values).flatMap(([signal, value]): Threshold[] => {
    if (!(signal in signals)) throw new Error(`unsupported eviction signal ${signal}`);
    const known = { signal: signal as Signal, graceMs: graceMs(signal) };
    if (!value.endsWith('%')) {
      const amount = quantityValue(value);
      if (amount < 0) throw new Error(`eviction threshold ${signal} cannot be negative: ${value}`);
      return amount === 0 ? [] : [{ ...known, amount }];
    }
    const percent = Number(value.slice(0, -1));
    if (!(percent >= 0 && percent <= 100)) throw new Error(`eviction percentage threshold ${signal} must be >= 0% and <= 100%: ${value}`);
    // Upstream takes the whole and nothing as a way to turn a threshold off.
    return percent === 0 || percent === 100 ? [] : [{ ...known, share: percent / 100 }];
  });
}

export function levelsOf(machine: MachineFacts): Levels {
  return Object.fromEntries(Object.entries(signals).flatMap(([signal, { level }]) => {
    const found = level(machine);
    // A file system without inodes of its own (btrfs) counts none.
    return found && found.capacity > 0 ? [[signal, found]] : [];
  }));
}

export function quantityOfThreshold({ share = Infinity, amount = Infinity }: Threshold, capacity: number): number {
  return Math.min(Number.isFinite(share) ? Math.floor(share * capacity) : Infinity, amount);
}

/** Those crossed now, memory first: it runs out the fastest. */
export function metThresholds(thresholds: readonly Threshold[], levels: Levels): readonly Threshold[] {
  return thresholds.filter((threshold) => {
    const level = levels[threshold.signal];
    return level !== undefined && level.available < quantityOfThreshold(threshold, level.capacity);
  }).sort((a, b) => Number(b.signal === 'memory.available') - Number(a.signal === 'memory.available'));
}

/** As a quantity: bytes in powers of two, counts in plain numbers. */
export function amountText(signal: Signal, amount: number): string {
  const { resource } = signals[signal];
  if (resource === 'inodes' || resource === 'pids') return quantityOf(amount);
  return amount % 1024 === 0 ? quantityOf(amount, 'units', 'BinarySI') : String(amount);
}
