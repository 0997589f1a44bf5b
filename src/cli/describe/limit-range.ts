import type { LimitRange } from '../../api/generated/core-v1.ts';
import type { DescribeContext } from './describe-context.ts';
import type { DescribeWriter } from './writer.ts';

const HEADER = 'Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio';
const RULE = '----\t--------\t---\t---\t---------------\t-------------\t-----------------------';

/** Upstream: describe.go, describeLimitRange. */
export function describeLimitRange(range: LimitRange, { out }: DescribeContext): void {
  out.field(0, 'Name', range.metadata.name);
  out.field(0, 'Namespace', range.metadata.namespace!);
  out.line(0, HEADER);
  out.line(0, RULE);
  describeLimits(out, range, '');
}

/** The limit ranges of a namespace. Upstream: describe.go, DescribeLimitRanges. */
export function describeLimitRanges(ranges: readonly LimitRange[], out: DescribeWriter): void {
  if (ranges.length === 0) return out.line(0, 'No LimitRange resource.');
  out.line(0, 'Resource Limits');
  out.line(0, ` ${HEADER}`);
  out.line(0, ` ${RULE}`);
  for (const range of ranges) describeLimits(out, range, ' ');
}

function describeLimits(out: DescribeWriter, { spec }: LimitRange, prefix: string): void {
  for (const { type, min = {}, max = {}, default: limit = {}, defaultRequest = {}, maxLimitRequestRatio: ratio = {} } of spec?.limits ?? []) {
    const resources = new Set([max, min, limit, defaultRequest, ratio].flatMap((list) => Object.keys(list)));
    for (const resource of [...resources].toSorted()) out.line(0, `${prefix}${[type, resource, ...[min, max, defaultRequest, limit, ratio].map((list) => list[resource] ?? '-')].join('\t')}`);
  }
}
