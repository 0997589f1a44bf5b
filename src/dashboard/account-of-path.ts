import { isReason } from '../api/errors.ts';
import type { KubeObject } from '../api/object.ts';
import type { HttpClient } from '../client/http-client.ts';
import { accountOf } from '../why/account.ts';
import { parseResourcePath } from './parse-resource-path.ts';

/** What is known of the object of a path, which may be gone; undefined where nothing is. */
export async function accountOfPath(http: HttpClient, path: string, nowMs: number): ReturnType<typeof accountOf> {
  const { group, resource, namespace, name } = parseResourcePath(path);
  let object: KubeObject | undefined;
  try {
    object = JSON.parse((await http.raw('GET', path)).body.toString()) as KubeObject;
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
  return accountOf(http, { group, resource, kind: object?.kind ?? '', namespace, name, object }, nowMs);
}
