import type { JSX } from 'preact';

interface SparkProps {
  /** Time in milliseconds since 1970, and what was measured. */
  readonly points: readonly (readonly [at: number, value: number])[];
  /** What all of it would be. */
  readonly of: number;
  readonly label: string;
}

const [WIDTH, HEIGHT] = [200, 40];

/** Something over time. The scale is what was the most, so that little can be seen, too; the dashed line is all there is, where it is near. */
export function Spark({ points, of, label }: SparkProps): JSX.Element | null {
  if (points.length < 2) return null;
  const [first, last] = [points[0]![0], points.at(-1)![0]];
  const most = Math.max(...points.map(([, value]) => value), 1e-9);
  const top = Math.min(of, most * 1.25);
  const x = (at: number): number => Math.round(((at - first) / Math.max(1, last - first)) * WIDTH * 10) / 10;
  const y = (value: number): number => Math.round((HEIGHT - 2 - (value / top) * (HEIGHT - 4)) * 10) / 10;
  const line = points.map(([at, value]) => `${x(at)} ${y(value)}`).join('L');
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path class="area" d={`M0 ${HEIGHT}L${line}L${WIDTH} ${HEIGHT}Z`} />
      <path class="edge" d={`M${line}`} vector-effect="non-scaling-stroke" />
    </svg>
  );
}
