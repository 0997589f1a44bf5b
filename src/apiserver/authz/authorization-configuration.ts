import type { ConfigurationReader } from '../configuration/configuration-reader.ts';

const TYPES = ['Webhook', 'Node', 'RBAC', 'AlwaysAllow', 'AlwaysDeny'] as const;

export interface WebhookAuthorizerConfiguration {
  readonly type: 'Webhook';
  readonly name: string;
  readonly kubeConfigFile: string;
  readonly timeoutMs: number;
  /** How long an answer is remembered; 0: not at all. */
  readonly authorizedMs: number;
  readonly unauthorizedMs: number;
  readonly version: string;
  /** Whether a request is denied that the webhook could not be asked about; else the next authorizer is asked. */
  readonly deniesOnFailure: boolean;
  /** In CEL, over `request`: the spec of the review. */
  readonly matchConditions: readonly string[];
}

export type AuthorizerConfiguration = WebhookAuthorizerConfiguration | { readonly type: Exclude<(typeof TYPES)[number], 'Webhook'> };

/** In the order in which they are asked. */
export type AuthorizationConfiguration = readonly AuthorizerConfiguration[];

/** Reads a document of the kind `AuthorizationConfiguration`. Throws UserError. Upstream: apiserver pkg/apis/apiserver/validation. */
export function readAuthorizationConfiguration(reader: ConfigurationReader): AuthorizationConfiguration {
  reader.knows('apiVersion', 'kind', 'authorizers');
  const authorizers = reader.list('authorizers');
  if (authorizers.length === 0) throw reader.fault('authorizers', 'at least one authorization mode must be defined');
  const names = new Set<string>();
  return authorizers.map((authorizer): AuthorizerConfiguration => {
    authorizer.knows('type', 'name', 'webhook');
    const type = authorizer.oneOf('type', TYPES);
    const name = authorizer.mustText('name');
    if (names.has(name)) throw authorizer.fault('name', `${name} is there twice`);
    if (type !== 'Webhook' && names.has(`type ${type}`)) throw authorizer.fault('type', `${type} is there twice`);
    names.add(name).add(`type ${type}`);
    if (type !== 'Webhook') {
      if (authorizer.has('webhook')) throw authorizer.fault('webhook', `may only be defined when type=Webhook`);
      return { type };
    }
    const webhook = authorizer.object('webhook');
    if (!webhook) throw authorizer.fault('webhook', 'required when type=Webhook');
    return readWebhook(name, webhook);
  });
}

function readWebhook(name: string, reader: ConfigurationReader): WebhookAuthorizerConfiguration {
  reader.knows(
    'authorizedTTL', 'cacheAuthorizedRequests', 'unauthorizedTTL', 'cacheUnauthorizedRequests', 'timeout', 'subjectAccessReviewVersion', 'matchConditionSubjectAccessReviewVersion', 'failurePolicy', 'connectionInfo', 'matchConditions',
  );
  const timeoutMs = reader.duration('timeout') ?? 0;
  if (timeoutMs <= 0 || timeoutMs > 30_000) throw reader.fault('timeout', 'must be greater than zero and at most 30s');
  const connection = reader.object('connectionInfo');
  if (!connection) throw reader.fault('connectionInfo', 'is required');
  connection.knows('type', 'kubeConfigFile');
  connection.oneOf('type', ['KubeConfigFile']);
  const conditions = reader.list('matchConditions').map((condition) => {
    condition.knows('expression');
    return condition.mustText('expression');
  });
  if (conditions.length > 0) reader.oneOf('matchConditionSubjectAccessReviewVersion', ['v1']);
  return {
    type: 'Webhook', name, timeoutMs, kubeConfigFile: connection.mustText('kubeConfigFile'), version: reader.oneOf('subjectAccessReviewVersion', ['v1', 'v1beta1']),
    authorizedMs: reader.truth('cacheAuthorizedRequests') === false ? 0 : (reader.duration('authorizedTTL') ?? 300_000), unauthorizedMs: reader.truth('cacheUnauthorizedRequests') === false ? 0 : (reader.duration('unauthorizedTTL') ?? 30_000),
    deniesOnFailure: reader.oneOf('failurePolicy', ['NoOpinion', 'Deny']) === 'Deny', matchConditions: conditions,
  };
}
