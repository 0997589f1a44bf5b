import { badRequest, conflict, fieldError, invalid, notFound, type FieldError } from '../../api/errors.ts';
import type { TokenRequest, TokenRequestSpec } from '../../api/generated/authentication-v1.ts';
import type { Node, Pod, Secret } from '../../api/generated/core-v1.ts';
import { nodes, pods, secrets, serviceAccounts } from '../../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { rfc3339 } from '../../base/clock.ts';
import { admitPost } from './admitted-post.ts';
import type { SubresourceHandler, SubresourceServices } from './subresource-handler.ts';

const KIND = { group: 'authentication.k8s.io', kind: 'TokenRequest' };

/** Kubelets of before asked for an hour and seven seconds: such tokens go on working for a year while their use counts as stale. */
const WARN_ONLY_SECONDS = 60 * 60 + 7;
const EXTENDED_SECONDS = 365 * 24 * 60 * 60;

interface Bound {
  readonly pod?: Pod;
  readonly secret?: Secret;
  readonly node?: { readonly name: string; readonly uid?: string };
}

/** `POST serviceaccounts/<name>/token`. Upstream: pkg/registry/core/serviceaccount/storage.TokenREST. */
export function serviceAccountToken(services: SubresourceServices): SubresourceHandler {
  const { objects, tokens, clock } = services;
  return {
    resource: serviceAccounts, subresource: 'token', methods: ['POST'],
    async post(call) {
      const { name, namespace = '' } = call.key;
      const body = call.body as Partial<TokenRequest>;
      const sent = body.metadata;
      if (sent?.name && sent.name !== name) throw invalid(KIND, name, [fieldError.invalid('metadata.name', sent.name, 'must match the service account name if specified')]);
      if (sent?.namespace && sent.namespace !== namespace) {
        throw invalid(KIND, name, [fieldError.invalid('metadata.namespace', sent.namespace, 'must match the service account namespace if specified')]);
      }
      const account = objects.get(serviceAccounts, { namespace, name });
      if (!account) throw notFound(serviceAccounts, name);
      if (sent?.uid && sent.uid !== account.metadata.uid) {
        throw conflict({ group: KIND.group, resource: KIND.kind }, name, `the UID in the token request (${sent.uid}) does not match the UID of the service account (${account.metadata.uid})`);
      }
      const now = clock.now();
      const request = {
        apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest',
        metadata: { ...sent, name, namespace, uid: account.metadata.uid, creationTimestamp: rfc3339(now) },
        spec: { ...body.spec, expirationSeconds: body.spec?.expirationSeconds ?? 3600 },
      } as TokenRequest;
      const errors = validateTokenRequest(request.spec);
      if (errors.length) throw invalid(KIND, '', errors);
      const admitted = await admitPost(services, serviceAccounts, 'token', call, request);
      const spec = {
        ...admitted.spec,
        audiences: admitted.spec.audiences?.length ? admitted.spec.audiences : tokens.audiences,
        expirationSeconds: admitted.spec.expirationSeconds!,
      };
      const bound = findBound(services, spec, namespace, name);
      const extended = bound.pod !== undefined && spec.expirationSeconds === WARN_ONLY_SECONDS && spec.audiences.every((a) => tokens.audiences.includes(a));
      const token = await tokens.issue({
        serviceAccount: account, audiences: spec.audiences, ...bound,
        expirationSeconds: extended ? EXTENDED_SECONDS : spec.expirationSeconds,
        ...(extended && { warnAfterSeconds: spec.expirationSeconds }),
      });
      return { ...admitted, spec, status: { token, expirationTimestamp: rfc3339(now + spec.expirationSeconds * 1000) } };
    },
  };
}

export function validateTokenRequest(spec: TokenRequestSpec): readonly FieldError[] {
  const seconds = spec.expirationSeconds ?? 0;
  return [
    ...(seconds < 600 ? [fieldError.invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 10 minutes')] : []),
    ...(seconds > 2 ** 32 ? [fieldError.invalid('spec.expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds')] : []),
  ];
}

function findBound({ objects }: SubresourceServices, spec: TokenRequestSpec, namespace: string, account: string): Bound {
  const reference = spec.boundObjectRef;
  if (!reference) return {};
  const { apiVersion = '', kind = '', name = '', uid } = reference;
  const find = <T extends KubeObject>(resource: ResourceType<T>): T => {
    const object = objects.get(resource, resource.namespaced ? { namespace, name } : { name });
    if (!object) throw notFound(resource, name);
    if (uid && uid !== object.metadata.uid) {
      throw conflict({ group: '', resource: kind }, name, `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`);
    }
    return object;
  };
  const named = (node: Node): { name: string; uid: string } => ({ name: node.metadata.name, uid: node.metadata.uid });
  const core = !apiVersion.includes('/');
  if (core && kind === 'Pod') {
    const pod = find(pods);
    if (pod.spec.serviceAccountName !== account) throw badRequest(`cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`);
    const { nodeName } = pod.spec;
    const node = nodeName ? objects.get(nodes, { name: nodeName }) : undefined;
    return { pod, ...(nodeName && { node: node ? named(node) : { name: nodeName } }) };
  }
  if (core && kind === 'Secret') return { secret: find(secrets) };
  if (core && kind === 'Node') return { node: named(find(nodes)) };
  const [group, version] = core ? ['', apiVersion] : apiVersion.split('/');
  throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
}
