import { createHmac } from 'node:crypto';
import type { Secret } from '../api/generated/core-v1.ts';
import { configMaps, secrets } from '../api/generated/resources.ts';
import { semanticEqual } from './semantic-equal.ts';
import { startLoop } from './control-loop.ts';
import type { Controller } from './controller.ts';

const TOKEN_TYPE = 'bootstrap.kubernetes.io/token';
const NAMESPACE = 'kube-public';
const NAME = 'cluster-info';
const SIGNATURE = 'jws-kubeconfig-';

/**
 * Signs the kubeconfig in `kube-public/cluster-info` with each bootstrap token that may be used for that, so that a node that knows a token can
 * trust it before it knows the CA. Upstream: pkg/controller/bootstrap, Signer.
 */
export const bootstrapSignerController: Controller = {
  name: 'bootstrap-signer',
  start(context) {
    const { client, clock, informers } = context;
    const tokens = informers.informer(secrets, { namespace: 'kube-system', fieldSelector: `type=${TOKEN_TYPE}` });
    const infos = informers.informer(configMaps, { namespace: NAMESPACE, fieldSelector: `metadata.name=${NAME}` });

    async function reconcile(key: string): Promise<void> {
      const info = infos.get(key);
      const kubeconfig = info?.data?.['kubeconfig'];
      if (!info || kubeconfig === undefined) return;
      const unsigned = Object.entries(info.data ?? {}).filter(([name]) => !name.startsWith(SIGNATURE));
      const signatures = tokens.list().flatMap((secret) => {
        const token = signingToken(secret, clock.now());
        return token ? [[SIGNATURE + token.id, detachedSignature(kubeconfig, token.id, token.secret)] as const] : [];
      });
      const data = Object.fromEntries([...unsigned, ...signatures]);
      if (!semanticEqual(data, info.data)) await client.update(configMaps, { ...info, data });
    }

    const loop = startLoop(context, { name: 'bootstrap-signer', queue: 'bootstrap_signer_queue', needs: [tokens, infos], workers: 1, reconcile });
    const always = (): string[] => [`${NAMESPACE}/${NAME}`];
    loop.follow(tokens, always);
    loop.follow(infos, always);
    return loop;
  },
};

/** The token in the secret, if it is whole, not over, and meant for signing. */
export function signingToken({ metadata, data }: Secret, nowMs: number): { readonly id: string; readonly secret: string } | undefined {
  const field = (name: string): string => Buffer.from(data?.[name] ?? '', 'base64').toString();
  const [id, secret, expiration] = [field('token-id'), field('token-secret'), field('expiration')];
  if (!/^[a-z0-9]{6}$/.test(id) || secret === '' || metadata.name !== `bootstrap-token-${id}` || field('usage-bootstrap-signing') !== 'true') return undefined;
  return expiration !== '' && !(Date.parse(expiration) > nowMs) ? undefined : { id, secret };
}

/** A JWS of HMAC SHA-256 without its content: `header..signature`. Upstream: cluster-bootstrap/token/jws. */
export function detachedSignature(content: string, id: string, secret: string): string {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: id })).toString('base64url');
  const signature = createHmac('sha256', secret).update(`${header}.${Buffer.from(content).toString('base64url')}`).digest('base64url');
  return `${header}..${signature}`;
}
