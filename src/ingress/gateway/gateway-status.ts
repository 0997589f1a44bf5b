import { fails, holds, type Verdict } from './conditions.ts';
import type { Gateway, GatewayClass } from './gateway-api.ts';
import type { ListenerVerdict } from './listeners.ts';

/** What of the API beyond its core is served, by upstream's names, and what of the core. Upstream: gateway-api pkg/features. */
export const SUPPORTED_FEATURES: readonly string[] = [
  'GRPCRoute', 'GRPCRouteNamedRouteRule', 'GRPCRouteRequestHeaderModifier', 'Gateway', 'GatewayAddressEmpty', 'GatewayHTTPListenerIsolation', 'GatewayInfrastructurePropagation', 'GatewayPort8080', 'HTTPRoute',
  'HTTPRoute303RedirectStatusCode', 'HTTPRoute307RedirectStatusCode', 'HTTPRoute308RedirectStatusCode', 'HTTPRouteBackendProtocolH2C', 'HTTPRouteBackendProtocolWebSocket', 'HTTPRouteBackendRequestHeaderModification',
  'HTTPRouteBackendRequestRedirect', 'HTTPRouteBackendTimeout', 'HTTPRouteBackendURLRewrite', 'HTTPRouteCORS', 'HTTPRouteDestinationPortMatching', 'HTTPRouteHostRewrite', 'HTTPRouteMethodMatching', 'HTTPRouteNamedRouteRule',
  'HTTPRouteParentRefPort', 'HTTPRoutePathRedirect', 'HTTPRoutePathRewrite', 'HTTPRoutePortRedirect', 'HTTPRouteQueryParamMatching', 'HTTPRouteRequestMirror', 'HTTPRouteRequestMultipleMirrors', 'HTTPRouteRequestPercentageMirror', 'HTTPRouteRequestTimeout', 'HTTPRouteResponseHeaderModification', 'HTTPRouteSchemeRedirect',
  'ReferenceGrant', 'TLSRoute', 'TLSRouteModeTerminate',
];

export function classVerdicts({ spec }: GatewayClass): Verdict[] {
  return [spec.parametersRef ? fails('Accepted', 'InvalidParameters', 'this controller has no parameters') : holds('Accepted', 'Accepted', 'wherry serves its gateways')];
}

/** The conditions of a gateway. `address`: what it is reached at; undefined as long as it has none. `problem`: why it cannot have one. */
export function gatewayVerdicts({ spec }: Gateway, listeners: readonly ListenerVerdict[], address: string | undefined, problem?: string): Verdict[] {
  const strange = spec.addresses?.find(({ type }) => type !== 'IPAddress');
  const isAccepted = ({ conditions }: ListenerVerdict): boolean => conditions.some(({ type, status }) => type === 'Accepted' && status);
  const bad = listeners.filter((one) => !isAccepted(one)).map(({ listener }) => listener.name);
  const accepted = strange ? fails('Accepted', 'UnsupportedAddress', `addresses of type ${strange.type} are not supported`)
    : spec.infrastructure?.parametersRef ? fails('Accepted', 'InvalidParameters', 'this controller has no parameters')
      : bad.length === 0 ? holds('Accepted', 'Accepted')
        : { ...holds('Accepted', 'ListenersNotValid', `not served: listeners ${bad.join(', ')}`), status: bad.length < listeners.length };
  const programmed = !accepted.status || !listeners.some(({ serves }) => serves) ? fails('Programmed', 'Invalid', 'it has no listener that serves')
    : address === undefined ? fails('Programmed', 'AddressNotAssigned', problem ?? 'it has no address yet: a load balancer gives it one (`wherry addons enable load-balancer`, or `wherry tunnel`)') : holds('Programmed', 'Programmed');
  return [accepted, programmed];
}
