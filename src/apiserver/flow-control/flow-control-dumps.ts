import type { FlowControl, LimitedVisit } from './flow-control.ts';

/** What `/debug/api_priority_and_fairness/…` answers: tables, one line a level, queue or request. Upstream: apf_controller_debug.go. */
export function dumpFlowControl(control: FlowControl, what: string, query: URLSearchParams): string | undefined {
  control.refresh();
  switch (what) {
    case 'dump_priority_levels': return dumpPriorityLevels(control);
    case 'dump_queues': return dumpQueues(control);
    case 'dump_requests': return dumpRequests(control, Boolean(query.get('includeRequestDetails')));
    default: return undefined;
  }
}

export const DUMPS = ['dump_priority_levels', 'dump_queues', 'dump_requests'].map((name) => `/debug/api_priority_and_fairness/${name}`);

type Row = readonly (string | number | boolean)[];

const levelsOf = (control: FlowControl) => [...control.levels.all()].sort((a, b) => (a.name < b.name ? -1 : 1));

function dumpPriorityLevels(control: FlowControl): string {
  const header = ['PriorityLevelName', 'ActiveQueues', 'IsIdle', 'IsQuiescing', 'WaitingRequests', 'ExecutingRequests', 'DispatchedRequests', 'RejectedRequests', 'TimedoutRequests', 'CancelledRequests'];
  return table(header, levelsOf(control).map(({ name, queues, leaving }) => {
    const { figures } = queues;
    const active = [...queues.contents()].filter(({ waiting }) => waiting.length > 0).length;
    return [name, active, queues.idle, leaving, figures.waiting, figures.executing, figures.dispatched, figures.rejected, figures.timedOut, figures.cancelled];
  }));
}

/** Virtual time as upstream shows it: in seat-seconds. */
const seatSeconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(8)}ss`;

function dumpQueues(control: FlowControl): string {
  const header = ['PriorityLevelName', 'Index', 'PendingRequests', 'ExecutingRequests', 'SeatsInUse', 'NextDispatchR', 'InitialSeatsSum', 'MaxSeatsSum', 'TotalWorkSum'];
  return table(header, levelsOf(control).flatMap(({ name, queues }) => [...queues.contents()].filter(({ index }) => index >= 0).map(({ index, waiting, executing, seatsInUse, nextDispatchR }): Row => {
    const sum = (of: (guest: (typeof waiting)[number]) => number): number => waiting.reduce((total, guest) => total + of(guest), 0);
    return [name, index, waiting.length, executing.length, seatsInUse, seatSeconds(nextDispatchR), sum(({ visit }) => visit.work.initialSeats), sum(({ seats }) => seats), seatSeconds(sum(({ total }) => total))];
  })));
}

function dumpRequests(control: FlowControl, details: boolean): string {
  const header = ['PriorityLevelName', 'FlowSchemaName', 'QueueIndex', 'RequestIndexInQueue', 'FlowDistingsher', 'ArriveTime', 'InitialSeats', 'FinalSeats', 'AdditionalLatency', 'StartTime'];
  const more = ['UserName', 'Verb', 'APIPath', 'Namespace', 'Name', 'APIVersion', 'Resource', 'SubResource'];
  const rows: Row[] = [];
  for (const { name, queues } of levelsOf(control)) {
    for (const { index, waiting, executing } of queues.contents()) {
      const add = (visit: LimitedVisit, place: number): void => {
        const { flow, work, info, user, arrivedAt, startedAt } = visit;
        rows.push([
          name, flow.schema, index, place, flow.distinguisher, new Date(arrivedAt).toISOString(), work.initialSeats, work.finalSeats, `${work.additionalMs}ms`, startedAt ? new Date(startedAt).toISOString() : '0001-01-01T00:00:00Z',
          ...(details ? [user.name, info.verb, info.path, info.namespace, info.name, info.group ? `${info.group}/${info.version}` : info.version, info.resource, info.subresource] : []),
        ]);
      };
      waiting.forEach(({ visit }, place) => add(visit as LimitedVisit, place));
      for (const { visit } of executing) add(visit as LimitedVisit, -1);
    }
  }
  return table(details ? [...header, ...more] : header, rows);
}

/** Cells end with a comma and fill their column, as Go's tabwriter does it. */
function table(header: Row, rows: readonly Row[]): string {
  const lines = [header, ...rows].map((row) => row.map((cell, i) => (i < row.length - 1 ? `${cell},` : String(cell))));
  const widths = header.map((_, i) => Math.max(8, ...lines.map((line) => line[i]!.length + 1)));
  return lines.map((line) => `${line.map((cell, i) => (i < line.length - 1 ? cell.padEnd(widths[i]!) : cell)).join('')}\n`).join('');
}
