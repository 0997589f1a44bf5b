/** Upper bounds, each `factor` times the one before. */
export const exponentialBuckets = (first: number, factor: number, count: number): readonly number[] => Array.from({ length: count }, (_, i) => first * factor ** i);

/** What Prometheus' client libraries take where nothing is said, in seconds. */
export const DEFAULT_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
