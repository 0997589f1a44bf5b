import type { IncomingMessage } from 'node:http';
import type { User } from '../../api/kind.ts';
import type { AuditRecord, RequestContext } from '../request.ts';
import type { RequestEnd } from './request-end.ts';

/** Whom a request over HTTP comes from. A class, so that what few requests ask for (the signal, the agent) is made when it is asked for. */
export class HttpContext implements RequestContext {
  readonly user: User;
  readonly warn: (text: string) => void;
  readonly audit: AuditRecord | undefined;
  readonly #request: IncomingMessage;
  readonly #end: RequestEnd;

  constructor(request: IncomingMessage, end: RequestEnd, user: User, warn: (text: string) => void, audit: AuditRecord | undefined) {
    this.#request = request;
    this.#end = end;
    this.user = user;
    this.warn = warn;
    this.audit = audit;
  }

  get userAgent(): string {
    return (this.#request.headers['user-agent'] ?? '').toLowerCase();
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }
}
