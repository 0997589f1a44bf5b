/** Questions to the server that are answered and never stored. Who answers them checks them. */
import type { KindDefinition } from '../kind.ts';
import { localSubjectAccessReviews, selfSubjectAccessReviews, selfSubjectReviews, selfSubjectRulesReviews, subjectAccessReviews, tokenReviews } from '../generated/resources.ts';
import type { SelfSubjectReview, TokenReview } from '../generated/authentication-v1.ts';
import type { LocalSubjectAccessReview, SelfSubjectAccessReview, SelfSubjectRulesReview, SubjectAccessReview } from '../generated/authorization-v1.ts';

export const tokenReview: KindDefinition<TokenReview> = { resource: tokenReviews, generation: false, nameRule: 'any' };
export const selfSubjectReview: KindDefinition<SelfSubjectReview> = { resource: selfSubjectReviews, generation: false, nameRule: 'any' };
export const subjectAccessReview: KindDefinition<SubjectAccessReview> = { resource: subjectAccessReviews, generation: false, nameRule: 'any' };
export const selfSubjectAccessReview: KindDefinition<SelfSubjectAccessReview> = { resource: selfSubjectAccessReviews, generation: false, nameRule: 'any' };
export const localSubjectAccessReview: KindDefinition<LocalSubjectAccessReview> = { resource: localSubjectAccessReviews, generation: false, nameRule: 'any' };
export const selfSubjectRulesReview: KindDefinition<SelfSubjectRulesReview> = { resource: selfSubjectRulesReviews, generation: false, nameRule: 'any' };
