import type { Node, Pod, Secret, ServiceAccount } from '../../api/generated/core-v1.ts';
import { nodes, pods, secrets, serviceAccounts } from '../../api/generated/resources.ts';
import type { User } from '../../api/kind.ts';
import type { KubeObject, ObjectKey, ResourceType } from '../../api/object.ts';
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import { JsonWebTokenKey, type Claims, type PublicKey } from './json-web-token.ts';

export const ISSUER = 'https://kubernetes.default.svc.cluster.local';

interface Reference {
  readonly name: string;
  readonly uid?: string;
}

/** The claim `kubernetes.io`. */
interface KubernetesClaim {
  readonly namespace: string;
  readonly serviceaccount: Reference;
  readonly pod?: Reference;
  readonly secret?: Reference;
  readonly node?: Reference;
  readonly warnafter?: number;
}

export interface TokenDescription {
  readonly serviceAccount: ServiceAccount;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  readonly pod?: Pod;
  readonly secret?: Secret;
  /** The pod's node, or the node that the token is bound to. */
  readonly node?: Reference;
  /** Seconds after which the use of the token is stale though it still works. */
  readonly warnAfterSeconds?: number;
}

/** Why a token is no proof. The message is what a TokenReview says. */
export class InvalidTokenError extends Error {
  override readonly name = 'InvalidTokenError';
}

export interface ServiceAccountTokensOptions {
  /** PEM, EC P-256 or RSA. */
  readonly key: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly objects: StoredObjects;
  readonly issuer?: string;
}

/** An object deleted less than this ago still vouches: clocks differ. */
const LEEWAY = 60_000;
const VERIFIED_LIMIT = 4096;

/**
 * Issues and checks the JSON web tokens of service accounts. A token holds as long as its time, its account and the object it is bound to
 * last; signatures are checked once a token, everything else on each use. Upstream: pkg/serviceaccount.
 */
export class ServiceAccountTokens {
  readonly issuer: string;
  /** Audiences that mean this API server. */
  readonly audiences: readonly string[];
  readonly #options: ServiceAccountTokensOptions;
  readonly #key: JsonWebTokenKey;
  readonly #verified = new Map<string, Claims>();

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
    this.issuer = options.issuer ?? ISSUER;
    this.audiences = [this.issuer];
    this.#key = new JsonWebTokenKey(options.key);
  }

  issue({ serviceAccount, audiences, expirationSeconds, pod, secret, node, warnAfterSeconds }: TokenDescription): string {
    const now = Math.floor(this.#options.clock.now() / 1000);
    const { namespace, name, uid } = serviceAccount.metadata;
    const claim: KubernetesClaim = {
      namespace, serviceaccount: { name, uid },
      ...(pod && { pod: { name: pod.metadata.name, uid: pod.metadata.uid } }),
      ...(secret && { secret: { name: secret.metadata.name, uid: secret.metadata.uid } }),
      ...(node && { node: { name: node.name, ...(node.uid && { uid: node.uid }) } }),
      ...(warnAfterSeconds && { warnafter: now + warnAfterSeconds }),
    };
    return this.#key.sign({
      iss: this.issuer, sub: `system:serviceaccount:${namespace}:${name}`, aud: audiences, iat: now, nbf: now, exp: now + expirationSeconds,
      jti: this.#options.random.uuid(), 'kubernetes.io': claim,
    });
  }

  /** Tokens of the older kind, kept in secrets of type `kubernetes.io/service-account-token`: without end and for the API server alone. */
  issueForSecret(serviceAccount: ServiceAccount, secret: Secret): string {
    const { namespace, name, uid } = serviceAccount.metadata;
    return this.#key.sign({
      iss: LEGACY_ISSUER, sub: `system:serviceaccount:${namespace}:${name}`,
      'kubernetes.io/serviceaccount/namespace': namespace, 'kubernetes.io/serviceaccount/secret.name': secret.metadata.name,
      'kubernetes.io/serviceaccount/service-account.name': name, 'kubernetes.io/serviceaccount/service-account.uid': uid,
    });
  }

  /**
   * The user whom the token proves, and those of `audiences` it is meant for. Throws InvalidTokenError.
   */
  async verify(token: string, audiences: readonly string[] = this.audiences): Promise<{ readonly user: User; readonly audiences: readonly string[] }> {
    const payload = this.#signed(token);
    if (payload.iss === LEGACY_ISSUER) return { user: this.#legacyUser(token, payload), audiences: audiences.filter((a) => this.audiences.includes(a)) };
    const now = this.#options.clock.now();
    if (payload.exp !== undefined && payload.exp * 1000 <= now - LEEWAY) throw new InvalidTokenError('service account token has expired');
    if (payload.nbf !== undefined && payload.nbf * 1000 > now + LEEWAY) throw new InvalidTokenError('service account token is not valid yet');
    const own = payload.aud === undefined ? [] : typeof payload.aud === 'string' ? [payload.aud] : payload.aud;
    const common = audiences.filter((audience) => own.includes(audience));
    if (common.length === 0) throw new InvalidTokenError(`token audiences ${quoted(own)} is invalid for the target audiences ${quoted(audiences)}`);
    return { user: this.#userOf(payload), audiences: common };
  }

  /** The key set that others check tokens with, `/openid/v1/jwks`. */
  keySet(): { readonly keys: readonly PublicKey[] } {
    return { keys: [this.#key.publicKey()] };
  }

  /** `/.well-known/openid-configuration`. */
  discovery(): Readonly<Record<string, unknown>> {
    return {
      issuer: this.issuer, jwks_uri: `${this.issuer}/openid/v1/jwks`, response_types_supported: ['id_token'],
      subject_types_supported: ['public'], id_token_signing_alg_values_supported: [this.#key.algorithm],
    };
  }

  #signed(token: string): Claims {
    const known = this.#verified.get(token);
    if (known) return known;
    const claims = this.#key.read(token);
    if (!claims) throw new InvalidTokenError('invalid bearer token');
    if (this.#verified.size >= VERIFIED_LIMIT) this.#verified.clear();
    this.#verified.set(token, claims);
    return claims;
  }

  #userOf(payload: Claims): User {
    const claim = payload['kubernetes.io'] as KubernetesClaim | undefined;
    if (!claim?.namespace || !claim.serviceaccount?.name) throw new InvalidTokenError('service account token claims could not be validated');
    const { namespace, serviceaccount, pod, secret, node } = claim;
    this.#account(namespace, serviceaccount);
    if (secret) this.#bound(secrets, { namespace, name: secret.name }, secret, 'secret');
    if (pod) this.#bound(pods, { namespace, name: pod.name }, pod, 'pod');
    if (node && !pod) this.#bound(nodes, { name: node.name }, node, 'node');
    const extra: Record<string, readonly string[]> = {
      ...(payload.jti && { 'authentication.kubernetes.io/credential-id': [`JTI=${payload.jti}`] }),
      ...(pod && { 'authentication.kubernetes.io/pod-name': [pod.name], ...(pod.uid && { 'authentication.kubernetes.io/pod-uid': [pod.uid] }) }),
      ...(node && { 'authentication.kubernetes.io/node-name': [node.name], ...(node.uid && { 'authentication.kubernetes.io/node-uid': [node.uid] }) }),
    };
    return serviceAccountUser(namespace, serviceaccount.name, serviceaccount.uid, extra);
  }

  #legacyUser(token: string, payload: Claims): User {
    const text = (name: string): string => String(payload[`kubernetes.io/serviceaccount/${name}`] ?? '');
    const namespace = text('namespace');
    const reference = { name: text('service-account.name'), uid: text('service-account.uid') };
    const secret = this.#options.objects.get(secrets, { namespace, name: text('secret.name') });
    if (!secret || this.#gone(secret) || Buffer.from(secret.data?.['token'] ?? '', 'base64').toString() !== token) {
      throw new InvalidTokenError('service account token has been invalidated');
    }
    this.#account(namespace, reference);
    return serviceAccountUser(namespace, reference.name, reference.uid);
  }

  #account(namespace: string, { name, uid }: Reference): void {
    const account = this.#options.objects.get(serviceAccounts, { namespace, name });
    if (!account) throw new InvalidTokenError(`serviceaccounts ${JSON.stringify(name)} not found`);
    if (account.metadata.uid !== uid) throw new InvalidTokenError(`service account UID (${account.metadata.uid}) does not match claim (${uid})`);
    if (this.#gone(account)) throw new InvalidTokenError(`service account ${namespace}/${name} has been deleted`);
  }

  #bound(resource: ResourceType<Pod> | ResourceType<Secret> | ResourceType<Node>, key: ObjectKey, reference: Reference, word: string): void {
    const object = this.#options.objects.get(resource as ResourceType<KubeObject>, key);
    if (!object || this.#gone(object)) throw new InvalidTokenError('service account token has been invalidated');
    if (object.metadata.uid !== reference.uid) {
      throw new InvalidTokenError(`${word} UID (${object.metadata.uid}) does not match service account ${word} ref claim (${reference.uid})`);
    }
  }

  #gone(object: KubeObject): boolean {
    const { deletionTimestamp } = object.metadata;
    return deletionTimestamp !== undefined && Date.parse(deletionTimestamp) < this.#options.clock.now() - LEEWAY;
  }
}

const LEGACY_ISSUER = 'kubernetes/serviceaccount';

const quoted = (list: readonly string[]): string => `[${list.map((item) => JSON.stringify(item)).join(' ')}]`;

/** Upstream: apiserver pkg/authentication/serviceaccount. */
export function serviceAccountUser(namespace: string, name: string, uid?: string, extra?: User['extra']): User {
  return {
    name: `system:serviceaccount:${namespace}:${name}`, ...(uid && { uid }),
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    ...(extra && Object.keys(extra).length > 0 && { extra }),
  };
}
