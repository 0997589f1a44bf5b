import type { ConfigurationReader } from '../configuration/configuration-reader.ts';

/** A value made of a token: one of its claims with a prefix, or an expression over all of them. */
export type ClaimMapping = { readonly claim: string; readonly prefix: string } | { readonly expression: string };

export interface JwtIssuer {
  readonly url: string;
  /** Where its discovery document is, where that is not under the URL. */
  readonly discoveryUrl: string | undefined;
  /** PEM; undefined: the authorities that the machine trusts. */
  readonly certificateAuthority: string | undefined;
  readonly audiences: readonly string[];
  readonly claimRules: readonly ({ readonly claim: string; readonly requiredValue: string } | { readonly expression: string; readonly message: string })[];
  readonly username: ClaimMapping;
  readonly groups: ClaimMapping | undefined;
  readonly uid: ClaimMapping | undefined;
  readonly extra: readonly { readonly key: string; readonly expression: string }[];
  readonly userRules: readonly { readonly expression: string; readonly message: string }[];
}

export interface AuthenticationConfiguration {
  readonly jwt: readonly JwtIssuer[];
  /** Who shows nothing. Undefined: anonymous everywhere. */
  readonly anonymous: { readonly enabled: boolean; readonly paths: readonly string[] } | undefined;
}

/** Reads a document of the kind `AuthenticationConfiguration`. Throws UserError. Upstream: apiserver pkg/apis/apiserver/validation. */
export function readAuthenticationConfiguration(reader: ConfigurationReader): AuthenticationConfiguration {
  reader.knows('apiVersion', 'kind', 'jwt', 'anonymous');
  const jwt = reader.list('jwt').map(readIssuer);
  const urls = jwt.map(({ url }) => url);
  const twice = urls.find((url, i) => urls.indexOf(url) !== i);
  if (twice !== undefined) throw reader.fault('jwt', `several issuers have the URL ${twice}`);
  const anonymous = reader.object('anonymous');
  anonymous?.knows('enabled', 'conditions');
  const conditions = anonymous?.list('conditions') ?? [];
  if (conditions.length > 0 && !anonymous?.truth('enabled')) throw anonymous!.fault('conditions', 'enabled should be set to true when conditions are defined');
  return { jwt, anonymous: anonymous && { enabled: anonymous.truth('enabled') ?? false, paths: conditions.map((condition) => condition.mustText('path')) } };
}

function readIssuer(reader: ConfigurationReader): JwtIssuer {
  reader.knows('issuer', 'claimValidationRules', 'claimMappings', 'userValidationRules');
  const issuer = reader.object('issuer');
  if (!issuer) throw reader.fault('issuer', 'is required');
  issuer.knows('url', 'discoveryURL', 'certificateAuthority', 'audiences', 'audienceMatchPolicy');
  const url = issuer.mustText('url');
  checkUrl(issuer, 'url', url);
  const discoveryUrl = issuer.text('discoveryURL');
  if (discoveryUrl) checkUrl(issuer, 'discoveryURL', discoveryUrl);
  const audiences = issuer.texts('audiences');
  if (audiences.length === 0) throw issuer.fault('audiences', 'at least one audience is required');
  const matchPolicy = issuer.text('audienceMatchPolicy');
  if (audiences.length > 1 && matchPolicy !== 'MatchAny') throw issuer.fault('audienceMatchPolicy', 'must be MatchAny where there are several audiences');
  const mappings = reader.object('claimMappings');
  if (!mappings) throw reader.fault('claimMappings', 'is required');
  mappings.knows('username', 'groups', 'uid', 'extra');
  const username = readMapping(mappings, 'username', true);
  if (!username) throw mappings.fault('username', 'claim or expression is required');
  const ruleOf = (rule: ConfigurationReader) => ({ expression: rule.mustText('expression'), message: rule.text('message') ?? '' });
  return {
    url, discoveryUrl, audiences, certificateAuthority: issuer.text('certificateAuthority'),
    claimRules: reader.list('claimValidationRules').map((rule) => {
      rule.knows('claim', 'requiredValue', 'expression', 'message');
      if (rule.has('claim') === rule.has('expression')) throw rule.fault('claim', 'either claim or expression is required');
      return rule.has('claim') ? { claim: rule.mustText('claim'), requiredValue: rule.text('requiredValue') ?? '' } : ruleOf(rule);
    }),
    username, groups: readMapping(mappings, 'groups', true), uid: readMapping(mappings, 'uid', false),
    extra: mappings.list('extra').map((entry) => {
      entry.knows('key', 'valueExpression');
      const key = entry.mustText('key');
      if (!/^[a-z0-9.-]+\/.+$/.test(key) || key !== key.toLowerCase()) throw entry.fault('key', 'must be a domain-prefixed path (such as "acme.io/foo") in lower case');
      if (/(^|\.)(k8s|kubernetes)\.io\//.test(key)) throw entry.fault('key', 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use');
      return { key, expression: entry.mustText('valueExpression') };
    }),
    userRules: reader.list('userValidationRules').map(ruleOf),
  };
}

function readMapping(mappings: ConfigurationReader, name: string, prefixed: boolean): ClaimMapping | undefined {
  const mapping = mappings.object(name);
  if (!mapping) return undefined;
  mapping.knows('claim', 'expression', ...(prefixed ? ['prefix'] : []));
  if (mapping.has('expression')) {
    if (mapping.has('claim') || mapping.has('prefix')) throw mapping.fault('expression', 'cannot stand beside claim and prefix');
    return { expression: mapping.mustText('expression') };
  }
  if (!mapping.has('claim')) return undefined;
  if (prefixed && !mapping.has('prefix')) throw mapping.fault('prefix', 'prefix is required when claim is set. It can be set to an empty string to disable prefixing');
  return { claim: mapping.mustText('claim'), prefix: mapping.text('prefix') ?? '' };
}

function checkUrl(reader: ConfigurationReader, name: string, text: string): void {
  if (!URL.canParse(text)) throw reader.fault(name, 'must be a URL');
  const { protocol, username, search, hash } = new URL(text);
  if (protocol !== 'https:') throw reader.fault(name, 'URL scheme must be https');
  if (username || search || hash) throw reader.fault(name, 'must not contain a user, a query or a fragment');
}
