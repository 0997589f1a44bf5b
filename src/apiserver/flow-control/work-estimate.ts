import { isTrue } from '../http/request-info.ts';
import type { RequestInfo } from '../request.ts';
import type { WorkEstimate } from './queue-set.ts';

/** What is known of a resource before a request on it is served. */
export interface ResourceFigures {
  /** How many objects there are, and how large they are on the average, in bytes; undefined for what is not stored here. */
  objects(info: RequestInfo): { readonly count: number; readonly averageBytes: number } | undefined;
  /** How many watches may hear of a write. */
  watchers(info: RequestInfo): number;
}

const ONE: WorkEstimate = { initialSeats: 1, finalSeats: 0, additionalMs: 0 };

const LIST_SEATS = 100;
const WRITE_SEATS = 10;
const BYTES_PER_SEAT = 100_000;
/** Lists are put together from bytes that are there already. */
const LIST_BYTES = 1_000_000;
const WATCHERS_PER_SEAT = 10;
const EVENT_MS = 5;

/**
 * How many seats a request takes: lists and the beginnings of watches by the bytes they answer, writes by the watches that hear of them.
 * `mostSeats`: of one request on its priority level. Upstream: apiserver pkg/util/flowcontrol/request.
 */
export function estimateWork(info: RequestInfo, query: URLSearchParams, figures: ResourceFigures, mostSeats: number): WorkEstimate {
  switch (info.verb) {
    case 'watch': {
      const resourceVersion = query.get('resourceVersion');
      const initial = (query.has('sendInitialEvents') && isTrue(query.get('sendInitialEvents'))) || !resourceVersion || resourceVersion === '0';
      return initial ? estimateList(info, query, figures, mostSeats) : ONE;
    }
    case 'list': return estimateList(info, query, figures, mostSeats);
    case 'create': case 'update': case 'patch': case 'delete': {
      if (info.resource === 'serviceaccounts' && info.subresource === 'token') return ONE;
      const watchers = figures.watchers(info);
      if (watchers < WATCHERS_PER_SEAT) return ONE;
      const seats = Math.ceil(watchers / WATCHERS_PER_SEAT);
      const finalSeats = Math.min(seats, mostSeats || WRITE_SEATS, WRITE_SEATS);
      return { initialSeats: 1, finalSeats, additionalMs: (seats * EVENT_MS) / finalSeats };
    }
    default: return ONE;
  }
}

function estimateList(info: RequestInfo, query: URLSearchParams, figures: ResourceFigures, mostSeats: number): WorkEstimate {
  if (info.name) return ONE;
  const stored = figures.objects(info);
  if (!stored || stored.count === 0) return ONE;
  const limit = Number(query.get('limit'));
  const bytes = Math.min((limit > 0 ? Math.min(limit, stored.count) : stored.count) * stored.averageBytes, LIST_BYTES);
  const seats = Math.max(1, Math.min(Math.ceil(bytes / BYTES_PER_SEAT), mostSeats || LIST_SEATS, LIST_SEATS));
  return seats === 1 ? ONE : { initialSeats: seats, finalSeats: 0, additionalMs: 0 };
}
