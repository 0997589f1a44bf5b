import type { User } from '../api/kind.ts';

/** A request to the API after its URL has been read. Upstream: apiserver pkg/endpoints/request.RequestInfo. */
export interface RequestInfo {
  readonly isResourceRequest: boolean;
  readonly path: string;
  /** `get list watch create update patch delete deletecollection`, or the lower-case HTTP method for other paths. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** What follows the subresource: the path of a proxied request. */
  readonly tail: string;
  readonly namespace: string;
  readonly name: string;
}

/** What the work on a request needs to know about its origin. */
export interface RequestContext {
  readonly user: User;
  /** Lower case. Empty for requests in process. */
  readonly userAgent: string;
  readonly signal: AbortSignal;
  /** Adds a line to the answer's `Warning` headers (in process: to the log). Each text is sent once. */
  warn(text: string): void;
  /** Where the request is written down; absent where nobody wants it to be. */
  readonly audit?: AuditRecord | undefined;
}

/** What those who work on a request tell its audit event. Upstream: apiserver pkg/audit. */
export interface AuditRecord {
  /** The first value of a key stays. `least`: the level of events that it is written in; default all. */
  annotate(key: string, value: string, least?: 'Request'): void;
  /** The decoded body. */
  request(object: unknown): void;
  /** What is answered. */
  response(object: unknown): void;
}
