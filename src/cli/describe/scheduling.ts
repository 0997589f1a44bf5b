import type { Toleration, TopologySpreadConstraint } from '../../api/generated/core-v1.ts';
import { formatLabelSelector } from '../../api/selector.ts';
import type { DescribeWriter } from './writer.ts';

export function describeTolerations(out: DescribeWriter, level: number, tolerations: readonly Toleration[] = []): void {
  const order = tolerations.toSorted((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : (a.key ?? '') > (b.key ?? '') ? 1 : 0));
  out.lines(level, 'Tolerations', order.map(({ key = '', value = '', effect = '', operator, tolerationSeconds }) => {
    const head = `${key}${value ? `=${value}` : ''}${effect ? `:${effect}` : ''}`;
    const exists = operator === 'Exists' && !value ? (head ? ' op=Exists' : 'op=Exists') : '';
    return `${head}${exists}${tolerationSeconds === undefined ? '' : ` for ${tolerationSeconds}s`}`;
  }));
}

export function describeSpread(out: DescribeWriter, level: number, constraints: readonly TopologySpreadConstraint[] = []): void {
  if (constraints.length === 0) return;
  const order = constraints.toSorted((a, b) => (a.topologyKey < b.topologyKey ? -1 : 1));
  out.lines(level, 'Topology Spread Constraints', order.map(({ topologyKey, whenUnsatisfiable, maxSkew, labelSelector }) =>
    `${topologyKey}:${whenUnsatisfiable} when max skew ${maxSkew} is exceeded${labelSelector ? ` for selector ${formatLabelSelector(labelSelector)}` : ''}`));
}
