import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { ServiceAccountTokens } from '../authn/service-account-tokens.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { RbacAuthorizer } from '../authz/rbac.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import type { ApiRegistry } from '../registry/api-registry.ts';
import type { RequestContext } from '../request.ts';
import type { AdmissionConfiguration } from './admission-configuration.ts';
import type { AdmissionMetrics } from './admission-metrics.ts';
import type { WebhookClient } from './webhook-client.ts';

/** What admission plugins share. */
export interface AdmissionServices {
  /** Looked at when a request comes, so that it may be filled after the plugins are made. */
  readonly registry: Pick<ApiRegistry, 'store' | 'find' | 'all'>;
  readonly objects: StoredObjects;
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly tokens: ServiceAccountTokens;
  /** PEM of the cluster's CA. */
  readonly authority: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly webhookClient: WebhookClient;
  readonly admissionMetrics: AdmissionMetrics;
  readonly configuration: AdmissionConfiguration;
  /** The server's own context, for writes of a plugin's own (the usage of a quota). */
  readonly serverContext: RequestContext;
}
