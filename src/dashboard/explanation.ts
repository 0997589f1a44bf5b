import { isReason } from '../api/errors.ts';
import type { HttpClient } from '../client/http-client.ts';
import { storyOf, type StoryNode } from '../why/story.ts';
import type { Reader } from '../why/words.ts';
import { accountOfPath } from './account-of-path.ts';
import { stepOf } from './background/steps-of.ts';
import { koreanAdvice, koreanOf } from './korean-of.ts';
import type { Explanation, ToldNode } from './told.ts';

/** Explains the object of a path; undefined where nothing is known of it. */
export async function explain(
  http: HttpClient,
  path: string,
  { nowMs, reader, korean = false }: { readonly nowMs: number; readonly reader: Reader; readonly korean?: boolean },
): Promise<Explanation | undefined> {
  const account = await accountOfPath(http, path, nowMs);
  if (!account) return undefined;
  const { state, findings, gaps, entries } = account;
  const told = ({ entry, children }: StoryNode): ToldNode => ({
    ...stepOf(entry, reader),
    ...(entry.kind === 'write' && entry.verb !== 'update' && { like: `${entry.verb} ${entry.about.kind}` }),
    children: children.map(told),
  });
  const story = storyOf(entries).map(told);
  if (!korean) return { state, findings, gaps, story };
  const inKorean = findings.map((finding) => ({
    ...finding,
    waitsFor: koreanOf(finding.waitsFor),
    because: finding.because.map(koreanOf),
    help: finding.help.map(koreanAdvice),
  }));
  return { state: koreanOf(state), findings: inKorean, gaps, story };
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
