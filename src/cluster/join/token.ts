import { createHash, randomInt, X509Certificate } from 'node:crypto';
import { configMaps, secrets } from '../../api/generated/resources.ts';
import { rfc3339, type Clock } from '../../base/clock.ts';
import { UserError } from '../../base/user-error.ts';
import type { Client } from '../../client/client.ts';

/** Nodes that come with a token of ours are of this group, to which the rights to join are bound. */
export const JOINING = 'system:bootstrappers:wherry:nodes';
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const letters = (count: number): string => Array.from({ length: count }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');

export interface BootstrapToken {
  readonly id: string;
  readonly secret: string;
}

export function parseToken(text: string): BootstrapToken {
  const match = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(text);
  if (!match) throw new UserError('--token takes a bootstrap token, as abcdef.0123456789abcdef', 'on the first machine: wherry node token');
  return { id: match[1]!, secret: match[2]! };
}

/** Makes a bootstrap token that is good for joining, as kubeadm's, for so long. Resolves when cluster-info is signed with it. */
export async function createToken(client: Client, clock: Clock, ttlMs: number): Promise<BootstrapToken> {
  const token = { id: letters(6), secret: letters(16) };
  await client.create(secrets, {
    metadata: { name: `bootstrap-token-${token.id}`, namespace: 'kube-system' }, type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': token.id, 'token-secret': token.secret, expiration: rfc3339(clock.now() + ttlMs), 'usage-bootstrap-authentication': 'true', 'usage-bootstrap-signing': 'true',
      'auth-extra-groups': JOINING, description: 'Made by "wherry node token".',
    },
  });
  const patience = new AbortController();
  using _limit = clock.timer(10_000, () => patience.abort(new UserError('the server has not signed kube-public/cluster-info with the new token', 'wherry status, and the log that it names')));
  for await (const { type, object } of await client.watch(configMaps, { namespace: 'kube-public', fieldSelector: 'metadata.name=cluster-info', signal: patience.signal })) {
    if (type !== 'DELETED' && object.data?.[`jws-kubeconfig-${token.id}`] !== undefined) return token;
  }
  throw patience.signal.reason ?? new Error('the server ended the watch of cluster-info');
}

/** `sha256:…` of the public key of a certificate (PEM), as `kubeadm --discovery-token-ca-cert-hash` has it. */
export function publicKeyHash(certificate: string): string {
  return `sha256:${createHash('sha256').update(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })).digest('hex')}`;
}

/** `90m`, `24h`, `7d` in milliseconds. */
export function parseTtl(text: string): number {
  const match = /^([1-9]\d{0,5})(s|m|h|d)$/.exec(text);
  if (!match) throw new UserError(`--ttl takes a time as 90m, 24h or 7d, not "${text}"`);
  return Number(match[1]) * { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as 's' | 'm' | 'h' | 'd'];
}
