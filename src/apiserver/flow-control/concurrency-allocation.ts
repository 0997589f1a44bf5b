/** What a priority level may, must and would like to have, in seats. `lower <= target`, `lower <= upper`. */
export interface AllocationItem {
  readonly lower: number;
  readonly upper: number;
  readonly target: number;
}

/** A level without demand takes a little part in the proportion all the same. */
const LEAST_TARGET = 0.001;

/**
 * Divides `sum` seats: each item gets the same multiple of its target, but never less than its lower nor more than its upper bound.
 * Where the bounds do not allow the sum, all get their lower (or upper) bounds. The multiple is the answer's `fairFraction`.
 * Upstream: apiserver pkg/util/flowcontrol.computeConcurrencyAllocation.
 */
export function allocateConcurrency(sum: number, items: readonly AllocationItem[]): { readonly seats: readonly number[]; readonly fairFraction: number } {
  const targets = items.map(({ target }) => Math.max(target, LEAST_TARGET));
  const seatsAt = (fraction: number): number[] => items.map(({ lower, upper }, i) => Math.max(lower, Math.min(upper, fraction * targets[i]!)));
  const total = (fraction: number): number => seatsAt(fraction).reduce((a, b) => a + b, 0);
  // The total grows with the fraction, in straight lines between the fractions at which an item meets a bound.
  const bends = [0, ...items.flatMap(({ lower, upper }, i) => [lower / targets[i]!, upper / targets[i]!])].sort((a, b) => a - b);
  let below = bends[0]!;
  for (const above of bends) {
    if (total(above) >= sum) {
      const [low, high] = [total(below), total(above)];
      const fraction = high > low ? below + ((above - below) * (sum - low)) / (high - low) : above;
      return { seats: seatsAt(Math.max(0, fraction)), fairFraction: fraction };
    }
    below = above;
  }
  return { seats: seatsAt(below), fairFraction: below };
}
