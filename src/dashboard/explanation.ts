import { isReason } from '../api/errors.ts';
import type { HttpClient } from '../client/http-client.ts';
import { storyOf, type StoryNode } from '../why/story.ts';
import type { Reader } from '../why/words.ts';
import { accountOfPath } from './account-of-path.ts';
import { stepOf } from './background/steps-of.ts';
import type { Explanation, ToldNode } from './told.ts';

/** Explains the object of a path; undefined where nothing is known of it. */
export async function explain(
  http: HttpClient,
  path: string,
  { nowMs, reader }: { readonly nowMs: number; readonly reader: Reader },
): Promise<Explanation | undefined> {
  const account = await accountOfPath(http, path, nowMs);
  if (!account) return undefined;
  const { state, findings, gaps, entries } = account;
  const told = ({ entry, children }: StoryNode): ToldNode => ({
    ...stepOf(entry, reader),
    ...(entry.kind === 'write' && entry.verb !== 'update' && { like: `${entry.verb} ${entry.about.kind}` }),
    children: children.map(told),
  });
  return { state, findings, gaps, story: storyOf(entries).map(told) };
}

/** The name that the cluster knows us by; empty where it does not say. */
export async function whoAmI(http: HttpClient): Promise<string> {
  try {
    const { body } = await http.raw('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    });
    return (
      (JSON.parse(body.toString()) as { readonly status?: { readonly userInfo?: { readonly username?: string } } }).status?.userInfo
        ?.username ?? ''
    );
  } catch (error) {
    if (!isReason(error, 'NotFound', 'Forbidden')) throw error;
    return '';
  }
}
