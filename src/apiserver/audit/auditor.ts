import type { IncomingMessage } from 'node:http';
import type { Status } from '../../api/errors.ts';
import type { User } from '../../api/kind.ts';
import { rfc3339Micro, type Clock } from '../../base/clock.ts';
import type { Cell, CellFamily, MetricRegistry } from '../../base/metrics.ts';
import type { AuditRecord, RequestInfo } from '../request.ts';
import { decideAudit, LEVELS, type AuditDecision, type AuditLevel, type AuditPolicy, type AuditStage } from './audit-policy.ts';

/** Where events go: one JSON text a line. */
export interface AuditSink {
  write(line: string): void;
}

export interface AuditorOptions {
  readonly policy: AuditPolicy;
  readonly sinks: readonly AuditSink[];
  readonly clock: Clock;
  readonly metrics?: MetricRegistry;
}

/** What of a request is known when it is authenticated. */
export interface AuditedRequest {
  readonly id: string;
  readonly info: RequestInfo;
  /** With the query. */
  readonly uri: string;
  readonly user: User;
  readonly userAgent: string;
  readonly sourceIPs: readonly string[];
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
}

/** Writes down who asked for what, as a policy says. Upstream: apiserver pkg/audit, plugin/pkg/audit/log. */
export class Auditor {
  readonly #options: AuditorOptions;
  readonly #events: Cell | undefined;
  readonly #levels: CellFamily | undefined;

  constructor(options: AuditorOptions) {
    this.#options = options;
    this.#events = options.metrics?.counter('apiserver_audit_event_total', 'Number of audit events that were written.').of();
    this.#levels = options.metrics?.counter('apiserver_audit_level_total', 'Number of requests by the level at which they are audited.', ['level']);
  }

  /** Undefined where the policy wants nothing of the request written. Otherwise its first stage is written. */
  begin(request: AuditedRequest): AuditTrail | undefined {
    const { policy, clock } = this.#options;
    const decision = decideAudit(policy, request.user, request.info);
    this.#levels?.of(decision.level).add();
    if (decision.level === 'None') return undefined;
    const trail = new AuditTrail(request, decision, clock, (event) => {
      this.#events?.add();
      const line = JSON.stringify(event);
      for (const sink of this.#options.sinks) sink.write(line);
    });
    trail.stage('RequestReceived');
    return trail;
  }
}

/** Addresses that a request says it came through, and the one it came from. Upstream: apimachinery pkg/util/net.SourceIPs. */
export function sourceAddresses({ headers, socket }: IncomingMessage): readonly string[] {
  const forwarded = String(headers['x-forwarded-for'] ?? '').split(',').map((address) => address.trim()).filter(Boolean);
  const real = String(headers['x-real-ip'] ?? '').trim();
  const all = forwarded.length > 0 ? forwarded : real ? [real] : [];
  const remote = socket.remoteAddress?.replace(/^::ffff:/, '');
  return remote && all.at(-1) !== remote ? [...all, remote] : all;
}

/** The events of one request. */
export class AuditTrail implements AuditRecord {
  readonly #request: AuditedRequest;
  readonly #decision: AuditDecision;
  readonly #clock: Clock;
  readonly #write: (event: object) => void;
  readonly #annotations: Record<string, string> = {};
  #impersonated: User | undefined;
  #reference: Record<string, string> | undefined;
  #requestObject: unknown;
  #responseObject: unknown;
  #status: object | undefined;
  #complete = false;

  constructor(request: AuditedRequest, decision: AuditDecision, clock: Clock, write: (event: object) => void) {
    this.#request = request;
    this.#decision = decision;
    this.#clock = clock;
    this.#write = write;
    const { isResourceRequest, resource, namespace, name, group, version, subresource } = request.info;
    if (isResourceRequest) this.#reference = { ...(resource && { resource }), ...(namespace && { namespace }), ...(name && { name }), ...(group && { apiGroup: group }), apiVersion: version, ...(subresource && { subresource }) };
  }

  impersonated(user: User): void {
    this.#impersonated = user;
  }

  annotate(key: string, value: string, least: AuditLevel = 'Metadata'): void {
    if (this.#atLeast(least)) this.#annotations[key] ??= value;
  }

  request(object: unknown): void {
    const metadata = (object as { readonly metadata?: Readonly<Record<string, unknown>> } | null)?.metadata;
    if (this.#reference && typeof metadata === 'object' && metadata !== null) {
      for (const field of ['namespace', 'name', 'uid', 'resourceVersion']) if (!this.#reference[field] && typeof metadata[field] === 'string' && metadata[field] !== '') this.#reference[field] = metadata[field];
    }
    if (this.#atLeast('Request')) this.#requestObject = this.#trimmed(object);
  }

  response(object: unknown): void {
    if (this.#atLeast('RequestResponse')) this.#responseObject = this.#trimmed(object);
  }

  /** The answer is a fault. */
  failed(status: Status): void {
    this.#status = status;
    this.response(status);
  }

  /** An answer that lasts has begun. */
  started(code: number): void {
    this.#status ??= { metadata: {}, code };
    this.stage('ResponseStarted');
  }

  /** The answer is out. Only the first call counts. */
  completed(code: number): void {
    if (this.#complete) return;
    this.#complete = true;
    this.#status ??= { metadata: {}, code };
    this.stage('ResponseComplete');
  }

  stage(stage: AuditStage): void {
    if (this.#decision.omitStages.includes(stage)) return;
    const { id, info, uri, user, userAgent, sourceIPs, receivedAt } = this.#request;
    this.#write({
      kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: this.#decision.level, auditID: id, stage, requestURI: uri, verb: info.verb, user: userOf(user),
      ...(this.#impersonated && { impersonatedUser: userOf(this.#impersonated) }), ...(sourceIPs.length > 0 && { sourceIPs }), ...(userAgent && { userAgent }),
      ...(this.#reference && { objectRef: this.#reference }), ...(this.#status && { responseStatus: this.#status }),
      ...(this.#requestObject !== undefined && { requestObject: this.#requestObject }), ...(this.#responseObject !== undefined && { responseObject: this.#responseObject }),
      requestReceivedTimestamp: rfc3339Micro(receivedAt), stageTimestamp: rfc3339Micro(this.#clock.now()),
      ...(Object.keys(this.#annotations).length > 0 && { annotations: this.#annotations }),
    });
  }

  #atLeast(level: AuditLevel): boolean {
    return LEVELS.indexOf(this.#decision.level) >= LEVELS.indexOf(level);
  }

  #trimmed(object: unknown): unknown {
    if (!this.#decision.omitManagedFields || typeof object !== 'object' || object === null) return object;
    const { items } = object as { readonly items?: unknown };
    if (Array.isArray(items)) return { ...object, items: items.map(withoutManagedFields) };
    return withoutManagedFields(object);
  }
}

function withoutManagedFields(object: unknown): unknown {
  const { metadata } = (object ?? {}) as { readonly metadata?: unknown };
  if (typeof metadata !== 'object' || metadata === null || !('managedFields' in metadata)) return object;
  const { managedFields: _, ...rest } = metadata;
  return { ...(object as object), metadata: rest };
}

const userOf = ({ name, uid, groups, extra }: User): object => ({ username: name, ...(uid && { uid }), ...(groups.length > 0 && { groups }), ...(extra && { extra }) });
