import type { Event } from '../../api/generated/core-v1.ts';
import type { KubeObject, ObjectList } from '../../api/object.ts';
import type { Session } from '../command/session.ts';
import { since } from './times.ts';
import type { DescribeWriter } from './writer.ts';

/** The events about an object, as `kubectl describe` shows them at its end. */
export async function describeEvents(session: Session, object: KubeObject, out: DescribeWriter, nowMs: number): Promise<void> {
  const { metadata, kind } = object;
  const about = (uid: string | undefined): Promise<ObjectList<Event>> => {
    const selectors = [`involvedObject.name=${metadata.name}`, `involvedObject.namespace=${metadata.namespace ?? ''}`, `involvedObject.kind=${kind}`, `involvedObject.uid=${uid ?? ''}`];
    return session.json<ObjectList<Event>>(metadata.namespace ? `/api/v1/namespaces/${metadata.namespace}/events` : '/api/v1/events', { query: { fieldSelector: selectors.join(','), limit: '500' } });
  };
  // A kubelet names its node by name where others give the uid.
  const lists = await Promise.all([about(metadata.uid), ...(kind === 'Node' ? [about(metadata.name)] : [])]);
  const events = lists.flatMap(({ items }) => items);
  if (events.length === 0) {
    out.line(0, 'Events:\t<none>');
    return;
  }
  out.line(0, 'Events:');
  out.line(1, 'Type\tReason\tAge\tFrom\tMessage');
  out.line(1, '----\t------\t----\t----\t-------');
  const last = ({ lastTimestamp }: Event): number => (lastTimestamp ? Date.parse(lastTimestamp) : 0);
  for (const event of events.toSorted((a, b) => last(a) - last(b))) {
    const { series, count = 0, eventTime, firstTimestamp, lastTimestamp, involvedObject } = event;
    const first = since(eventTime ?? firstTimestamp, nowMs);
    const age = series ? `${since(series.lastObservedTime, nowMs)} (x${series.count} over ${first})` : count > 1 ? `${since(lastTimestamp, nowMs)} (x${count} over ${first})` : first;
    const message = `${involvedObject.fieldPath ? `${involvedObject.fieldPath}: ` : ''}${(event.message ?? '').trim()}`;
    out.line(1, `${event.type ?? ''}\t${event.reason ?? ''}\t${age}\t${event.source?.component || event.reportingComponent || ''}\t${message}`);
  }
}
