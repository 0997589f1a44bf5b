import { readFileSync } from 'node:fs';
import { createHttpClient, type HttpClient } from '../client/http-client.ts';
import { UserError } from '../base/user-error.ts';
import type { ClusterPki } from './pki.ts';
import type { ClusterConfig, Profile } from './profile.ts';

export function readPki(profile: Profile): ClusterPki {
  return JSON.parse(readFileSync(profile.pkiFile, 'utf8')) as ClusterPki;
}

/** A client of a cluster of this machine, as its administrator. */
export function clientOf(profile: Profile, config: ClusterConfig, options: { readonly timeoutMs?: number; readonly userAgent?: string } = {}): HttpClient {
  if (config.joined) throw new UserError(`the profile "${profile.name}" is a node of the cluster at ${config.joined.server}, which is ruled from that machine`, 'there: the same command');
  const pki = readPki(profile);
  return createHttpClient({ userAgent: 'wherry', ...options, server: `https://127.0.0.1:${config.apiPort}`, ca: pki.authority.certificate, certificate: pki.admin.certificate, key: pki.admin.key });
}
