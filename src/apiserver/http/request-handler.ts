import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import { methodNotAllowed, statusError, StatusError, tooManyRequests, unauthorized } from '../../api/errors.ts';
import type { User } from '../../api/kind.ts';
import { because, parseCause } from '../../base/cause.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { Aggregator } from '../aggregator/aggregator.ts';
import { sourceAddresses, type Auditor, type AuditTrail } from '../audit/auditor.ts';
import type { Authenticator } from '../authn/authenticator.ts';
import { asksToImpersonate, impersonate } from '../authn/impersonation.ts';
import { authorizationFault, type Authorizer, type Decision } from '../authz/authorizer.ts';
import type { FlowControl, Ticket } from '../flow-control/flow-control.ts';
import { letIn, REFUSAL } from '../flow-control/let-in.ts';
import type { LedgerRequests } from '../ledger/ledger-requests.ts';
import type { ResourceVerbs } from '../registry/resource-verbs.ts';
import type { RequestContext, RequestInfo } from '../request.ts';
import type { Answer } from './answer.ts';
import { HttpContext } from './http-context.ts';
import type { RequestMetrics } from './metrics.ts';
import { negotiate, type Negotiated } from './negotiation.ts';
import type { NonResourceRequests } from './non-resource-requests.ts';
import { RequestEnd } from './request-end.ts';
import { RequestTargets } from './request-targets.ts';
import { ResourceRequests } from './resource-requests.ts';
import { sendNotFoundPage, sendStatus, statusOf } from './send.ts';
import { WarningRecorder } from './warnings.ts';
import { webSocketOutput } from './watch-stream.ts';

export interface RequestHandlerOptions {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly verbs: ResourceVerbs;
  readonly nonResource: NonResourceRequests;
  /** Absent: no ledger is kept. */
  readonly ledger?: LedgerRequests | undefined;
  readonly metrics: RequestMetrics;
  readonly flowControl: FlowControl;
  /** Absent: nothing is written down. */
  readonly auditor?: Auditor | undefined;
  readonly aggregator?: Aggregator;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Aborts when the server stops. */
  readonly signal: AbortSignal;
}

/** The way of every HTTP request: who, what, may they, then the answer. Faults become Status answers here and nowhere else. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;
  readonly #resources: ResourceRequests;
  /** Of the requests under way. */
  readonly #open = new Set<RequestEnd>();
  readonly #targets = new RequestTargets();
  readonly #webSockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered].find((protocol) => protocol === 'v4.base64.binary.k8s.io' || protocol === 'base64.binary.k8s.io') ?? [...offered][0] ?? false });

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
    this.#resources = new ResourceRequests(options);
    const { signal } = options;
    signal.addEventListener('abort', () => {
      for (const end of this.#open) end.come(signal.reason);
    });
  }

  /** Answers one request. Never rejects. */
  async handle(request: IncomingMessage, response: Answer): Promise<void> {
    const { aggregator, auditor, clock, flowControl, ledger, log, metrics, random } = this.#options;
    const started = clock.monotonic();
    const method = request.method ?? 'GET';
    const { path, query, info } = this.#targets.of(method, request.url ?? '/');
    const end = this.#begin();
    let ticket: Ticket | undefined;
    let watch: Disposable | undefined;
    const lasted = metrics.begun(info, method);
    response.on('close', () => {
      this.#open.delete(end);
      end.come(CLIENT_GONE);
      ticket?.abandon();
      watch?.[Symbol.dispose]();
      lasted?.();
      trail?.completed(response.statusCode);
      const bytes = response.bodyLength ?? response.getHeader('content-length');
      metrics.count({ info, method, code: response.statusCode, seconds: (clock.monotonic() - started) / 1000, dryRun: query.size > 0 && query.has('dryRun'), bytes: typeof bytes === 'number' ? bytes : undefined, userAgent: request.headers['user-agent'] });
    });
    response.on('error', (error) => log.debug('connection failed', { path, error }));
    const auditId = String(request.headers['audit-id'] ?? random.uuid()).slice(0, AUDIT_ID_LENGTH);
    response.give('Audit-Id', auditId);
    let trail: AuditTrail | undefined;
    const audit = auditor && ((user: User): AuditTrail | undefined => (trail = beginTrail(auditor, { request, response, info, user, id: auditId, receivedAt: clock.now() })));
    let warnings: WarningRecorder | undefined;
    const warn = (text: string): void => {
      (warnings ??= new WarningRecorder()).add(text);
      if (!response.headersSent) response.setHeader('Warning', warnings.headers());
    };
    try {
      const identified = this.#identify(request, end, warn, audit);
      const context = identified instanceof Promise ? await identified : identified;
      ticket = flowControl.start(context.user, info, query);
      if (ticket) {
        const entered = letIn(ticket, response, () => leaveBody(request, response));
        if (entered !== true && !(await entered)) return;
        if (end.came) return;
      }
      const deciding = this.#authorize(context, info, query);
      if (deciding) await deciding;
      if (info.verb === 'watch') watch = flowControl.watches.add(info, query);
      if (aggregator?.serves(path)) await aggregator.proxy({ request, response, info, query, context });
      else if (READING.has(info.verb) && info.isResourceRequest) {
        const answering = this.#resources.answer({ request, response, info, query, context });
        if (answering) await answering;
      }
      else if (info.isResourceRequest) await because({ writes: parseCause(request.headers['wherry-cause'] as string | undefined) }, () => this.#resources.answer({ request, response, info, query, context }));
      else if (ledger?.serves(path)) await ledger.answer({ request, response, query }, context.user, context.signal);
      else await this.#options.nonResource.answer({ request, response, path, query });
    } catch (error) {
      if (end.came && !(error instanceof StatusError)) return;
      if (!(error instanceof StatusError)) log.error('request failed', { method, path, error, stack: error instanceof Error ? error.stack : undefined });
      if (response.headersSent) {
        response.destroy();
        return;
      }
      if (audit && !trail && error instanceof StatusError && error.code === 401) audit(NOBODY);
      trail?.failed(statusOf(error));
      leaveBody(request, response);
      try {
        if (error instanceof StatusError && error.code === 404 && info.isResourceRequest && this.#options.nonResource.isNobodys(info)) await sendNotFoundPage({ request, response });
        else await sendStatus({ request, response }, statusOf(error), formOf(request, query));
      } catch (fault) {
        log.error('answer failed', { method, path, error: fault });
        response.destroy();
      }
    } finally {
      ticket?.finish();
    }
  }

  /** Answers a request to upgrade the connection: streams to containers, and watches over WebSockets. Never rejects. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { aggregator, auditor, clock, flowControl, log, random, verbs } = this.#options;
    const { path, query, info } = this.#targets.of(request.method ?? 'GET', request.url ?? '/');
    const end = this.#begin();
    let ticket: Ticket | undefined;
    let watch: Disposable | undefined;
    let trail: AuditTrail | undefined;
    socket.on('error', (error) => log.debug('upgraded connection failed', { path, error }));
    socket.on('close', () => {
      this.#open.delete(end);
      end.come(CLIENT_GONE);
      ticket?.abandon();
      watch?.[Symbol.dispose]();
      trail?.completed(101);
    });
    try {
      const context = await this.#identify(request, end, () => {}, auditor && ((user) => (trail = beginTrail(auditor, { request, info, user, id: String(request.headers['audit-id'] ?? random.uuid()).slice(0, AUDIT_ID_LENGTH), receivedAt: clock.now() }))));
      ticket = flowControl.start(context.user, info, query);
      if (ticket?.waiting) await ticket.waiting;
      if (ticket?.refused !== undefined) throw tooManyRequests(REFUSAL.trimEnd(), ticket.refused);
      if (end.came) return;
      await this.#authorize(context, info, query);
      trail?.started(101);
      if (aggregator?.serves(path)) return await aggregator.proxy({ context, info, query, request, upgrade: { socket, head } });
      if (!info.isResourceRequest) throw statusError(404, 'NotFound', 'the server could not find the requested resource', {});
      const { served } = verbs.find(info);
      const handler = verbs.handler(info, info.subresource);
      if (info.subresource && handler?.connect) return await handler.connect({ context, info, query, request, upgrade: { socket, head } });
      if (info.verb !== 'watch') throw methodNotAllowed(info, info.verb);
      watch = flowControl.watches.add(info, query);
      const negotiated: Negotiated = { ...negotiate(request.headers, query, ['application/json']), pretty: false };
      await new Promise<void>((resolve, reject) => {
        this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
          webSocket.on('error', (error) => log.debug('watch connection failed', { path, error }));
          try {
            this.#resources.watch({ info, query, context }, served, negotiated, webSocketOutput(webSocket), resolve);
          } catch (error) {
            webSocket.close(1011);
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        });
      });
    } catch (error) {
      if (!(error instanceof StatusError)) log.error('upgrade failed', { path, error });
      trail?.failed(statusOf(error));
      trail?.completed(statusOf(error).code ?? 500);
      const body = JSON.stringify(statusOf(error));
      if (socket.writable) socket.end(`HTTP/1.1 ${statusOf(error).code ?? 500} ${statusOf(error).reason ?? 'Error'}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
    } finally {
      ticket?.finish();
    }
  }

  /** Authenticates; answers what the work on the request needs to know about its origin. Throws 401, and 403 for impersonation. A promise only where something has to be waited for. */
  #identify(request: IncomingMessage, end: RequestEnd, warn: (text: string) => void, audit: ((user: User) => AuditTrail | undefined) | undefined): RequestContext | Promise<RequestContext> {
    const { authenticator, authorizer } = this.#options;
    const { authorization } = request.headers;
    const clientCertificate = verifiedCertificate(request.socket as TLSSocket);
    if (clientCertificate === 'refused' && !authorization) throw unauthorized();
    const found = authenticator.authenticate(clientCertificate instanceof Uint8Array ? { authorization, clientCertificate, url: request.url } : { authorization, url: request.url });
    if (!(found instanceof Promise) && !asksToImpersonate(request.headers)) return new HttpContext(request, end, found, warn, audit?.(found));
    return (async () => {
      let user = await found;
      const trail = audit?.(user);
      if (asksToImpersonate(request.headers)) {
        user = await impersonate(user, request.headersDistinct, authorizer);
        trail?.impersonated(user);
      }
      return new HttpContext(request, end, user, warn, trail);
    })();
  }

  /** Throws 403 where the user may not. A promise only where somebody outside has to be asked. */
  #authorize({ user, audit }: RequestContext, info: RequestInfo, query: URLSearchParams): Promise<void> | void {
    const { authorizer } = this.#options;
    const { group, version, resource, subresource, namespace, name, verb, path } = info;
    const fieldSelector = query.get('fieldSelector');
    const attributes = info.isResourceRequest
      ? { user, verb, resource: { group, version, resource, subresource, namespace, name, ...(fieldSelector && { fieldSelector }) } }
      : { user, verb, path };
    const take = (decision: Decision): void => {
      audit?.annotate('authorization.k8s.io/decision', decision.allowed ? 'allow' : 'forbid');
      audit?.annotate('authorization.k8s.io/reason', decision.reason);
      if (!decision.allowed) throw authorizationFault(attributes, decision);
    };
    const answer = authorizer.authorize(attributes);
    return answer instanceof Promise ? answer.then(take) : take(answer);
  }

  #begin(): RequestEnd {
    const end = new RequestEnd();
    this.#open.add(end);
    return end;
  }
}

/** Bytes of a body that nobody reads which are still taken in, so that the connection can go on; above, it is closed after the answer. */
const DRAINED = 256 * 1024;

function leaveBody(request: IncomingMessage, response: Answer): void {
  if (request.complete) return;
  const length = Number(request.headers['content-length'] ?? (request.headers['transfer-encoding'] ? Infinity : 0));
  if (length <= DRAINED) request.resume();
  else response.setHeader('Connection', 'close');
}

/** Verbs that write nothing, and so need no cause. A get may be a stream to a container, which has none either. */
const READING: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

/** Longer ones of clients are cut. Upstream: apiserver pkg/endpoints/filters.WithAuditInit. */
const AUDIT_ID_LENGTH = 64;

/** Who could not show who they are. */
const NOBODY: User = { name: '', groups: [] };

function beginTrail(auditor: Auditor, { request, response, ...rest }: { request: IncomingMessage; response?: Answer; info: RequestInfo; user: User; id: string; receivedAt: number }): AuditTrail | undefined {
  const trail = auditor.begin({ ...rest, uri: request.url ?? '/', userAgent: request.headers['user-agent'] ?? '', sourceIPs: sourceAddresses(request) });
  if (trail && response && rest.info.verb === 'watch') {
    const writeHead = response.writeHead.bind(response) as (...given: unknown[]) => Answer;
    response.writeHead = ((code: number, ...given: unknown[]) => {
      if (code === 200) trail.started(code);
      return writeHead(code, ...given);
    }) as typeof response.writeHead;
  }
  return trail;
}

const CLIENT_GONE = new Error('the client is gone');

const certificates = new WeakMap<TLSSocket, Uint8Array | 'refused' | 'none'>();

/** The client certificate of a connection where TLS verified it. */
function verifiedCertificate(socket: TLSSocket): Uint8Array | 'refused' | undefined {
  let known = certificates.get(socket);
  if (!known) {
    const certificate = socket.getPeerX509Certificate();
    known = !certificate ? 'none' : socket.authorized ? certificate.raw : 'refused';
    certificates.set(socket, known);
  }
  return known === 'none' ? undefined : known;
}

/** The form of a fault: what the client asked for if it can be had, else JSON. */
function formOf(request: IncomingMessage, query: URLSearchParams): Negotiated {
  try {
    const { media, pretty } = negotiate(request.headers, query);
    return { media, pretty };
  } catch (error) {
    if (error instanceof StatusError) return { media: 'application/json', pretty: false };
    throw error;
  }
}
