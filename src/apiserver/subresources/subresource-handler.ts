import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ObjectKey } from '../../api/object.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { ConfiguredAuthentication } from '../authn/configured-authentication.ts';
import type { ServiceAccountTokens } from '../authn/service-account-tokens.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { RbacAuthorizer } from '../authz/rbac.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import type { AdmissionChain } from '../registry/admission-chain.ts';
import type { Registry } from '../registry/store.ts';
import type { RequestContext, RequestInfo } from '../request.ts';
import type { DialGuard } from '../dial-guard.ts';
import type { KubeletConnections } from './kubelet-connections.ts';

/** What handlers share. */
export interface SubresourceServices {
  readonly registry: Registry;
  readonly objects: StoredObjects;
  readonly admission: Pick<AdmissionChain, 'mutate' | 'validate'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly tokens: ServiceAccountTokens;
  readonly authentication: Pick<ConfiguredAuthentication, 'jwtTokens'>;
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly kubelets: KubeletConnections;
  readonly dialGuard: DialGuard;
}

export interface PostCall {
  readonly context: RequestContext;
  /** From the URL. The name is empty on resources that are only ever created (reviews, bindings). */
  readonly key: ObjectKey;
  /** The decoded body: the caller has dropped unknown fields, nothing else has been looked at. */
  readonly body: unknown;
  readonly dryRun: boolean;
}

export interface ConnectCall {
  readonly context: RequestContext;
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  /** For a plain request … */
  readonly response?: ServerResponse;
  /** … or, when the client asked to upgrade the connection, the connection and what was already read of it. */
  readonly upgrade?: { readonly socket: Duplex; readonly head: Buffer };
}

/**
 * One subresource that is more than another view of a stored object (those are update-subresource.ts), or one resource that is created
 * and never stored. One file, one line in registry.ts. Authorization comes before; admission is the handler's own.
 */
export interface SubresourceHandler {
  readonly resource: { readonly group: string; readonly resource: string };
  /** Empty: the resource itself. */
  readonly subresource: string;
  /** HTTP methods that it answers; others are 405. */
  readonly methods: readonly string[];
  /** POST, over HTTP and in process. What it answers goes out with 201. */
  post?(call: PostCall): Promise<unknown>;
  /** Takes the request over and answers it itself. May throw a StatusError as long as nothing has been sent; the caller then answers. */
  connect?(call: ConnectCall): Promise<void>;
}

/** What a POST answers that has nothing to tell but that it was done. */
export const SUCCESS = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } as const;
