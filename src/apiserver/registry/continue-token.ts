import { badRequest, type StatusError } from '../../api/errors.ts';
import { JsonSyntaxError, parseJson } from '../../api/schema/json-text.ts';
import { shownText } from '../../api/schema/shown-text.ts';

export interface ContinueToken {
  /** -1: go on at the newest revision. */
  readonly revision: number;
  /** The key to go on at, without the prefix of the list. */
  readonly start: string;
}

/** Upstream: apiserver pkg/storage/continue.go, the same shape, so that clients which peek into a token find what they know. */
export function encodeContinue(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision, start: token.start })).toString('base64url');
}

/** Throws 400 for what is no token of ours. */
export function decodeContinue(text: string): ContinueToken {
  let token: { v?: unknown; rv?: unknown; start?: unknown };
  const strange = /[^A-Za-z0-9_-]/.exec(text);
  if (strange) throw refused(`: illegal base64 data at input byte ${strange.index}`);
  try {
    token = (parseJson(Buffer.from(text, 'base64url').toString()) ?? {}) as typeof token;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw refused(`: ${error.message}`);
  }
  if (token.v !== 'meta.k8s.io/v1') throw refused(`: server does not recognize this encoded version ${shownText(token.v)}`);
  if (typeof token.rv !== 'number' || token.rv === 0) throw refused(': incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  if (typeof token.start !== 'string' || token.start === '') throw refused(': encoded start key empty (version meta.k8s.io/v1)');
  if (token.start.split('/').includes('..')) throw refused(`: ${token.start}`);
  return { revision: token.rv, start: token.start };
}

const refused = (why: string): StatusError => badRequest(`invalid continue token: continue key is not valid${why}`);
