import { isReason } from '../../api/errors.ts';
import type { LimitRange, Namespace, ResourceQuota } from '../../api/generated/core-v1.ts';
import type { KubeObject, ObjectList } from '../../api/object.ts';
import type { Session } from '../command/session.ts';
import type { DescribeContext } from './describe-context.ts';
import { describeLimitRanges } from './limit-range.ts';
import { describeResourceQuotas } from './resource-quota.ts';
import { rfc1123 } from './times.ts';

/** Upstream: describe.go, describeNamespace. */
export async function describeNamespace({ metadata, status }: Namespace, { session, out }: DescribeContext): Promise<void> {
  out.field(0, 'Name', metadata.name);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.field(0, 'Status', status?.phase ?? '');
  if (status?.conditions?.length) {
    out.line(0, 'Conditions:');
    out.line(1, 'Type\tStatus\tLastTransitionTime\tReason\tMessage');
    out.line(1, '----\t------\t------------------\t------\t-------');
    for (const c of status.conditions) out.line(1, `${c.type}\t${c.status}\t${rfc1123(c.lastTransitionTime)}\t${c.reason ?? ''}\t${c.message ?? ''}`);
  }
  const [quotas, ranges] = await Promise.all([itemsIn<ResourceQuota>(session, metadata.name, 'resourcequotas'), itemsIn<LimitRange>(session, metadata.name, 'limitranges')]);
  if (quotas) {
    out.line(0, '');
    describeResourceQuotas(quotas, out);
  }
  if (ranges) {
    out.line(0, '');
    describeLimitRanges(ranges, out);
  }
}

/** Undefined where the server does not serve the resource. */
async function itemsIn<T extends KubeObject>(session: Session, namespace: string, resource: string): Promise<readonly T[] | undefined> {
  try {
    return (await session.json<ObjectList<T>>(`/api/v1/namespaces/${namespace}/${resource}`, { query: { limit: '500' } })).items;
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    return undefined;
  }
}
