import { badRequest, fieldError, invalid, type FieldError } from '../../api/errors.ts';
import type { SelfSubjectReview, TokenReview } from '../../api/generated/authentication-v1.ts';
import type { LocalSubjectAccessReview, ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SelfSubjectRulesReview, SubjectAccessReview, SubjectAccessReviewSpec, SubjectAccessReviewStatus } from '../../api/generated/authorization-v1.ts';
import type { PolicyRule } from '../../api/generated/rbac-v1.ts';
import { localSubjectAccessReviews, selfSubjectAccessReviews, selfSubjectReviews, selfSubjectRulesReviews, subjectAccessReviews, tokenReviews } from '../../api/generated/resources.ts';
import type { User } from '../../api/kind.ts';
import { apiVersionOf, type KubeObject, type ResourceType } from '../../api/object.ts';
import { rfc3339 } from '../../base/clock.ts';
import { BootstrapTokens } from '../authn/bootstrap-tokens.ts';
import type { JwtTokens } from '../authn/jwt-tokens.ts';
import { InvalidTokenError } from '../authn/service-account-tokens.ts';
import type { AuthorizationAttributes } from '../authz/authorizer.ts';
import { aggregate } from '../authz/rbac.ts';
import { nodeIdentity } from '../authz/node-authorizer.ts';
import { admitPost } from './admitted-post.ts';
import type { PostCall, SubresourceHandler, SubresourceServices } from './subresource-handler.ts';

/** The questions about who one is and what one may do: created, answered, never stored. Upstream: pkg/registry/{authentication,authorization}. */
export function reviews(services: SubresourceServices): readonly SubresourceHandler[] {
  const { objects, tokens, authentication, authorizer, rbac, clock } = services;
  const bootstrapTokens = new BootstrapTokens(objects, clock);

  const review = <T extends KubeObject>(resource: ResourceType<T>, answer: (asked: T, call: PostCall) => Promise<unknown> | unknown): SubresourceHandler => ({
    resource, subresource: '', methods: ['POST'],
    async post(call) {
      const body = { ...(call.body as T), apiVersion: apiVersionOf(resource), kind: resource.kind };
      const asked = await admitPost(services, resource, '', call, body);
      return answer(asked, call);
    },
  });

  const decide = async (attributes: AuthorizationAttributes): Promise<SubjectAccessReviewStatus> => {
    const decision = await authorizer.authorize(attributes);
    return { allowed: decision.allowed, ...(decision.denied && { denied: true }), ...(decision.reason && { reason: decision.reason }) };
  };

  return [
    review<TokenReview>(tokenReviews, async (asked) => {
      const { token, audiences } = asked.spec ?? {};
      if (!token) throw badRequest('token is required for TokenReview in authentication');
      const { jwtTokens } = authentication;
      const wanted = audiences?.length ? audiences : tokens.audiences;
      try {
        const bootstrap = bootstrapTokens.verify(token);
        const proved = bootstrap ? { user: bootstrap, audiences: wanted } : jwtTokens?.isOurs(token) ? await reviewJwt(jwtTokens, token, audiences ?? [], tokens.audiences) : await tokens.verify(token, wanted);
        return { ...asked, status: { authenticated: true, user: userInfo(proved.user), audiences: proved.audiences } };
      } catch (error) {
        if (!(error instanceof InvalidTokenError)) throw error;
        const texts = error.message === 'invalid bearer token' ? [error.message] : ['invalid bearer token', error.message];
        return { ...asked, status: { user: {}, error: texts.length === 1 ? texts[0] : `[${texts.join(', ')}]` } };
      }
    }),
    review<SelfSubjectReview>(selfSubjectReviews, (asked, { context }) => ({
      ...asked, metadata: { ...asked.metadata, creationTimestamp: rfc3339(clock.now()) }, status: { userInfo: userInfo(context.user) },
    })),
    review<SubjectAccessReview>(subjectAccessReviews, async (asked) => {
      refuse(subjectAccessReviews, validateSubject(asked.spec ?? {}));
      return { ...asked, status: await decide(attributesOf(subjectOf(asked.spec), asked.spec)) };
    }),
    review<SelfSubjectAccessReview>(selfSubjectAccessReviews, async (asked, { context }) => {
      refuse(selfSubjectAccessReviews, validateOneOf(asked.spec ?? {}));
      return { ...asked, status: await decide(attributesOf(context.user, asked.spec)) };
    }),
    review<LocalSubjectAccessReview>(localSubjectAccessReviews, async (asked, { key }) => {
      const { spec = {} } = asked;
      refuse(localSubjectAccessReviews, [
        ...validateSubject(spec),
        ...(spec.resourceAttributes && (spec.resourceAttributes.namespace ?? '') !== (asked.metadata?.namespace ?? key.namespace ?? '')
          ? [fieldError.invalid('spec.resourceAttributes.namespace', spec.resourceAttributes.namespace ?? '', 'must match metadata.namespace')] : []),
        ...(spec.nonResourceAttributes ? [fieldError.invalid('spec.nonResourceAttributes', spec.nonResourceAttributes, 'disallowed on this kind of request')] : []),
      ]);
      return { ...asked, metadata: { ...asked.metadata, namespace: key.namespace }, status: await decide(attributesOf(subjectOf(spec), spec)) };
    }),
    review<SelfSubjectRulesReview>(selfSubjectRulesReviews, (asked, { context: { user } }) => {
      const namespace = asked.spec?.namespace;
      if (!namespace) throw badRequest('no namespace on request');
      const { rules, faults } = rbac.rulesFor(user, namespace);
      const all = user.groups.includes('system:masters') ? [...EVERYTHING, ...rules] : rules;
      const isNode = nodeIdentity(user) !== undefined;
      const errors = [...(isNode ? ['node authorizer does not support user rule resolution'] : []), ...faults];
      return {
        ...asked,
        status: {
          resourceRules: all.filter((r) => r.resources?.length).map(({ verbs, apiGroups = [], resources = [], resourceNames }) => ({ verbs, apiGroups, resources, ...(resourceNames && { resourceNames }) })),
          nonResourceRules: all.filter((r) => r.nonResourceURLs?.length).map(({ verbs, nonResourceURLs = [] }) => ({ verbs, nonResourceURLs })),
          incomplete: isNode, ...(errors.length && { evaluationError: aggregate(errors) }),
        },
      };
    }),
  ];
}

const EVERYTHING: readonly PolicyRule[] = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, { verbs: ['*'], nonResourceURLs: ['*'] }];

const userInfo = ({ name, uid, groups, extra }: User): object => ({ username: name, ...(uid && { uid }), groups, ...(extra && { extra }) });

function refuse(resource: ResourceType<unknown>, errors: readonly FieldError[]): void {
  if (errors.length) throw invalid(resource, '', errors);
}

/** A token of another issuer is for the audiences of that issuer's configuration, which count as this server's own. */
async function reviewJwt(jwtTokens: JwtTokens, token: string, asked: readonly string[], own: readonly string[]): Promise<{ readonly user: User; readonly audiences: readonly string[] }> {
  const { user, audiences } = await jwtTokens.verify(token);
  if (asked.length === 0) return { user, audiences: own };
  const shared = asked.filter((audience) => audiences.includes(audience) || own.includes(audience));
  if (shared.length === 0) throw new InvalidTokenError(`token audiences ${JSON.stringify(audiences)} is invalid for the target audiences ${JSON.stringify(asked)}`);
  return { user, audiences: shared };
}

function validateOneOf({ resourceAttributes, nonResourceAttributes }: SelfSubjectAccessReviewSpec): readonly FieldError[] {
  if (resourceAttributes && nonResourceAttributes) {
    return [fieldError.invalid('spec.nonResourceAttributes', nonResourceAttributes, 'cannot be specified in combination with resourceAttributes')];
  }
  if (resourceAttributes ?? nonResourceAttributes) return [];
  return [fieldError.invalid('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified')];
}

function validateSubject(spec: SubjectAccessReviewSpec): readonly FieldError[] {
  const nobody = !spec.user && !spec.groups?.length;
  return [...validateOneOf(spec), ...(nobody ? [fieldError.invalid('spec.user', spec.user ?? '', 'at least one of user or group must be specified')] : [])];
}

const subjectOf = ({ user = '', groups = [], uid, extra }: SubjectAccessReviewSpec): User => ({ name: user, groups, ...(uid && { uid }), ...(extra && { extra }) });

function attributesOf(user: User, spec: SelfSubjectAccessReviewSpec): AuthorizationAttributes {
  const { resourceAttributes: asked, nonResourceAttributes } = spec;
  if (!asked) return { user, verb: nonResourceAttributes?.verb ?? '', path: nonResourceAttributes?.path ?? '' };
  const { verb = '', namespace = '', group = '', version = '*', resource = '', subresource = '', name = '' } = asked;
  const fieldSelector = selectorText(asked);
  return { user, verb, resource: { group, version: version || '*', resource, subresource, namespace, name, ...(fieldSelector && { fieldSelector }) } };
}

function selectorText({ fieldSelector }: ResourceAttributes): string {
  if (fieldSelector?.rawSelector) return fieldSelector.rawSelector;
  return (fieldSelector?.requirements ?? []).flatMap(({ key, operator, values }) => (operator === 'In' && values?.length === 1 ? [`${key}=${values[0]}`] : [])).join(',');
}
