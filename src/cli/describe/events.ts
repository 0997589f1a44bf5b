import type { Event } from '../../api/generated/core-v1.ts';
import type { KubeObject, ObjectList } from '../../api/object.ts';
import { humanDuration } from '../../api/human-duration.ts';
import type { Session } from '../session.ts';
import type { DescribeWriter } from './writer.ts';

/** The events about an object, as `kubectl describe` shows them at its end. */
export async function describeEvents(session: Session, object: KubeObject, out: DescribeWriter, nowMs: number): Promise<void> {
  const fieldSelector = [`involvedObject.name=${object.metadata.name}`, ...(object.metadata.namespace ? [`involvedObject.namespace=${object.metadata.namespace}`] : []), `involvedObject.kind=${object.kind}`, `involvedObject.uid=${object.metadata.uid}`].join(',');
  const path = object.metadata.namespace ? `/api/v1/namespaces/${object.metadata.namespace}/events` : '/api/v1/events';
  let { items } = await session.json<ObjectList<Event>>(path, { query: { fieldSelector } });
  // A kubelet names its node by name where others give the uid.
  if (object.kind === 'Node') items = [...items, ...(await session.json<ObjectList<Event>>('/api/v1/namespaces/default/events', { query: { fieldSelector: `involvedObject.kind=Node,involvedObject.name=${object.metadata.name},involvedObject.uid=${object.metadata.name}` } })).items];
  if (items.length === 0) {
    out.line(0, 'Events:\t<none>');
    return;
  }
  out.line(0, 'Events:');
  out.line(1, 'Type\tReason\tAge\tFrom\tMessage');
  out.line(1, '----\t------\t----\t----\t-------');
  const last = (event: Event): string => event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp;
  for (const event of items.toSorted((a, b) => (last(a) < last(b) ? -1 : 1))) {
    const since = (time: string | undefined): string => (time ? humanDuration(nowMs - Date.parse(time)) : '<unknown>');
    const first = event.firstTimestamp ?? event.eventTime;
    const count = event.series?.count ?? event.count ?? 1;
    const age = count > 1 ? `${since(last(event))} (x${count} over ${since(first)})` : since(first ?? last(event));
    out.line(1, `${event.type ?? ''}\t${event.reason ?? ''}\t${age}\t${event.source?.component || event.reportingComponent || ''}\t${(event.message ?? '').trim()}`);
  }
}
