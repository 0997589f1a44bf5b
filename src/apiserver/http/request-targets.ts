import type { RequestInfo } from '../request.ts';
import { readRequestInfo } from './request-info.ts';

/** What a request is for, read from its method and URL. */
export interface RequestTarget {
  readonly path: string;
  /** Shared by requests: not to be changed. */
  readonly query: URLSearchParams;
  readonly info: RequestInfo;
}

/** URLs remembered: those of the objects that a busy cluster reads again and again. */
const REMEMBERED = 2048;

/** Longer ones are read anew each time, so that what is remembered stays small. */
const LONGEST = 512;

/** Reads what requests are for. Clients read the same again and again: what their URLs mean is remembered. */
export class RequestTargets {
  readonly #gets = new Map<string, RequestTarget>();

  of(method: string, url: string): RequestTarget {
    if (method !== 'GET') return readTarget(method, url);
    let target = this.#gets.get(url);
    if (target) return target;
    target = readTarget(method, url);
    if (url.length > LONGEST) return target;
    if (this.#gets.size >= REMEMBERED) this.#gets.clear();
    this.#gets.set(url, target);
    return target;
  }
}

const NO_QUERY = new URLSearchParams();

function readTarget(method: string, url: string): RequestTarget {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1));
  return { path, query, info: readRequestInfo(method, path, query) };
}
