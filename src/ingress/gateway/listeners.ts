import type { Certificate } from '../routing.ts';
import { pemOf, type Ground } from '../service-places.ts';
import { fails, holds, type Verdict } from './conditions.ts';
import { GATEWAY_GROUP, type Gateway, type GatewayListener, type ReferenceGrant, type RouteKind } from './gateway-api.ts';
import { isPermitted } from './reference-grants.ts';

/** How a listener takes connections; those of one port must agree. */
export type ListenerMode = 'http' | 'https' | 'tls passthrough' | 'tls terminate';

/** What became of a listener before any route is looked at. */
export interface ListenerVerdict {
  readonly listener: GatewayListener;
  /** Undefined: a protocol that is not served. */
  readonly mode: ListenerMode | undefined;
  readonly kinds: readonly RouteKind[];
  readonly certificates: readonly Certificate[];
  /** Whether connections are taken. */
  readonly serves: boolean;
  readonly conditions: readonly Verdict[];
}

const KINDS: Readonly<Record<ListenerMode, readonly string[]>> = { http: ['HTTPRoute', 'GRPCRoute'], https: ['HTTPRoute', 'GRPCRoute'], 'tls passthrough': ['TLSRoute'], 'tls terminate': ['TLSRoute'] };

/** Judges all listeners of a gateway. */
export function judgeListeners(gateway: Gateway, ground: Ground, grants: readonly ReferenceGrant[]): ListenerVerdict[] {
  const modes = gateway.spec.listeners.map(modeOf);
  return gateway.spec.listeners.map((listener, i): ListenerVerdict => {
    const mode = modes[i];
    const rival = mode && gateway.spec.listeners.find((other, k) => other.port === listener.port && modes[k] !== undefined && modes[k] !== mode);
    const { kinds, refused } = mode && !rival ? kindsOf(listener, KINDS[mode]) : { kinds: [], refused: [] };
    const { certificates, problem } = mode === 'https' || mode === 'tls terminate' ? certificatesOf(gateway, listener, ground, grants) : { certificates: [], problem: undefined };
    const accepted = !mode ? fails('Accepted', 'UnsupportedProtocol', `protocol ${listener.protocol} is not served`)
      : rival ? fails('Accepted', 'ProtocolConflict', `port ${listener.port} is also listener ${rival.name}'s, with another protocol`) : holds('Accepted', 'Accepted');
    const resolved = refused.length > 0 ? fails('ResolvedRefs', 'InvalidRouteKinds', `routes of kind ${refused.join(', ')} cannot be served here`) : problem ?? holds('ResolvedRefs', 'ResolvedRefs');
    const serves = accepted.status && (mode !== 'https' && mode !== 'tls terminate' || certificates.length > 0) && kinds.length > 0;
    return {
      listener, mode: rival ? undefined : mode, kinds, certificates, serves,
      conditions: [
        accepted, resolved, serves ? holds('Programmed', 'Programmed') : fails('Programmed', 'Invalid', [accepted, resolved].find(({ status }) => !status)?.message ?? 'it has nothing to serve'),
        rival ? { ...accepted, type: 'Conflicted', status: true } : fails('Conflicted', 'NoConflicts', ''),
      ],
    };
  });
}

function modeOf({ protocol, tls }: GatewayListener): ListenerMode | undefined {
  switch (protocol) {
    case 'HTTP': return 'http';
    case 'HTTPS': return 'https';
    case 'TLS': return tls?.mode === 'Passthrough' ? 'tls passthrough' : 'tls terminate';
    default: return undefined;
  }
}

function kindsOf({ allowedRoutes }: GatewayListener, able: readonly string[]): { readonly kinds: readonly RouteKind[]; readonly refused: readonly string[] } {
  const asked = allowedRoutes.kinds?.length ? allowedRoutes.kinds : able.map((kind) => ({ group: GATEWAY_GROUP, kind }));
  const isAble = ({ group, kind }: RouteKind): boolean => group === GATEWAY_GROUP && able.includes(kind);
  return { kinds: asked.filter(isAble).map(({ group, kind }) => ({ group, kind })), refused: asked.filter((one) => !isAble(one)).map(({ kind }) => kind) };
}

function certificatesOf({ metadata: { namespace } }: Gateway, { hostname, tls }: GatewayListener, ground: Ground, grants: readonly ReferenceGrant[]): { readonly certificates: readonly Certificate[]; readonly problem: Verdict | undefined } {
  const certificates: Certificate[] = [];
  let problem = tls?.certificateRefs?.length ? undefined : fails('ResolvedRefs', 'InvalidCertificateRef', 'it names no certificate');
  for (const { group, kind, name, namespace: own = namespace } of tls?.certificateRefs ?? []) {
    const secret = `${own}/${name}`;
    if (group !== '' || kind !== 'Secret') problem ??= fails('ResolvedRefs', 'InvalidCertificateRef', `${kind} ${secret} is no Secret`);
    else if (!isPermitted({ from: { group: GATEWAY_GROUP, kind: 'Gateway', namespace }, to: { group, kind, namespace: own, name } }, grants)) problem ??= fails('ResolvedRefs', 'RefNotPermitted', `no ReferenceGrant lets a Gateway of namespace ${namespace} name secret ${secret}`);
    else {
      const pem = pemOf(ground.secret(own, name));
      if (pem) certificates.push({ secret, pem, hosts: hostname ? [hostname] : [] });
      else problem ??= fails('ResolvedRefs', 'InvalidCertificateRef', `there is no secret ${secret} of type kubernetes.io/tls with a certificate and its key`);
    }
  }
  return { certificates, problem };
}
