import { timingSafeEqual } from 'node:crypto';
import { parse } from 'yaml';
import { isReason, StatusError } from '../../api/errors.ts';
import type { ConfigMap } from '../../api/generated/core-v1.ts';
import { configMaps } from '../../api/generated/resources.ts';
import { UserError } from '../../base/user-error.ts';
import { ConnectionError } from '../../client/connection-error.ts';
import { createHttpClient } from '../../client/http-client.ts';
import { detachedSignature } from '../../controllers/bootstrap-signer.ts';
import { publicKeyHash, type BootstrapToken } from './token.ts';

const CLUSTER_INFO = { namespace: 'kube-public', name: 'cluster-info' } as const;
const TIMEOUT_MS = 10_000;
const NEW_TOKEN = 'a new one, on the first machine: wherry node token';

/** `https://192.168.50.1:6443` of that or of `192.168.50.1:6443`. */
export function parseServer(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (!url || url.protocol !== 'https:' || url.pathname !== '/' || !/^\d+\.\d+\.\d+\.\d+$/.test(url.hostname)) {
    throw new UserError(`"${text}" is no address of an API server`, 'as the first machine says it (wherry node token): https://192.168.50.1:6443');
  }
  return `https://${url.hostname}:${url.port || '443'}`;
}

export function parseHash(text: string): string {
  if (!/^sha256:[0-9a-f]{64}$/.test(text)) throw new UserError('--ca-cert-hash takes sha256: and 64 hexadecimal digits', 'on the first machine: wherry node token');
  return text;
}

/**
 * The authority (PEM) of the cluster at the server, proven twice: the server's word of it is signed with the token, and its key is the one that was pinned.
 * Until then nothing is sent but the question. Upstream: kubeadm's discovery/token.
 */
export async function discoverAuthority(server: string, token: BootstrapToken, hash: string): Promise<string> {
  const ask = async (trust: { readonly ca: string } | { readonly insecureSkipTlsVerify: true }): Promise<ConfigMap> => {
    using client = createHttpClient({ server, userAgent: 'wherry-join', timeoutMs: TIMEOUT_MS, ...trust });
    return await client.get(configMaps, CLUSTER_INFO);
  };
  try {
    const authority = provenAuthority((await ask({ insecureSkipTlsVerify: true })).data ?? {}, token, hash, server);
    // Whoever answered must hold a certificate of that authority, too.
    await ask({ ca: authority });
    return authority;
  } catch (error) {
    throw explained(error, server);
  }
}

/** A fault of the first conversation with a server, in words that help. */
export function explained(error: unknown, server: string): unknown {
  const { hostname, port } = new URL(server);
  if (error instanceof ConnectionError) {
    return /^(CERT_|ERR_TLS|UNABLE_TO_VERIFY|SELF_SIGNED|DEPTH_ZERO)/.test(error.code)
      ? new UserError(`${server} shows a certificate that is not of the pinned authority, or not for this address`, 'the command as the first machine prints it: wherry node token', { cause: error })
      : new UserError(`nothing answers at ${server}: ${error.message}`, `there: wherry status; from here: is ${hostname} the machine, does a firewall let port ${port} through?`, { cause: error });
  }
  if (isReason(error, 'NotFound', 'Forbidden') || (error instanceof StatusError && error.code === 404)) {
    return new UserError(`the cluster at ${server} takes in no other machines: it says nothing of itself (kube-public/cluster-info)`, 'there: wherry stop, then wherry start --listen-address ADDRESS', { cause: error });
  }
  if (isReason(error, 'Unauthorized')) return new UserError('the cluster does not take the token: it is over', NEW_TOKEN, { cause: error });
  return error;
}

/** The authority that cluster-info names, if the token's signature and the pinned hash say that it is the right one. */
export function provenAuthority(data: Readonly<Record<string, string>>, { id, secret }: BootstrapToken, hash: string, server: string): string {
  const { kubeconfig, [`jws-kubeconfig-${id}`]: signature } = data;
  if (kubeconfig === undefined) throw new UserError(`the cluster at ${server} says nothing of its authority`, 'there: wherry stop, then wherry start');
  if (signature === undefined) throw new UserError(`the cluster at ${server} does not know the token ${id}.…: it is another cluster's, or its time (24 hours, if nothing else was said) is over`, NEW_TOKEN);
  if (!equal(signature, detachedSignature(kubeconfig, id, secret))) throw new UserError(`the token ${id}.… is wrong in its second half, or the answer of ${server} was changed on the way`, NEW_TOKEN);
  const cluster = (parse(kubeconfig) as { clusters?: { cluster?: { 'certificate-authority-data'?: string } }[] }).clusters?.[0]?.cluster;
  const authority = Buffer.from(cluster?.['certificate-authority-data'] ?? '', 'base64').toString();
  if (authority === '') throw new UserError(`the cluster at ${server} says nothing of its authority`, 'there: wherry stop, then wherry start');
  const found = publicKeyHash(authority);
  if (found !== hash) {
    throw new UserError(`the authority of the cluster at ${server} is not the pinned one: its key is ${found}, not ${hash}`, 'was the cluster made anew, then wherry node token there gives the new hash; if not, somebody else answers at that address');
  }
  return authority;
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
