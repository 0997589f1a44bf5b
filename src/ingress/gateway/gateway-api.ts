import type { Condition } from '../../api/generated/meta-v1.ts';
import type { LabelSelector } from '../../api/generated/meta-v1.ts';
import type { ClusterMeta, NamespacedMeta, ResourceType } from '../../api/object.ts';

/** The kinds of gateway.networking.k8s.io that we read and write, with the fields that we use. What has a default in the definition is always there. */
export const GATEWAY_GROUP = 'gateway.networking.k8s.io';

export interface GatewayClass {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ClusterMeta;
  readonly spec: { readonly controllerName: string; readonly parametersRef?: object; readonly description?: string };
  readonly status?: { readonly conditions?: readonly Condition[]; readonly supportedFeatures?: readonly { readonly name: string }[] };
}

export interface Gateway {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: NamespacedMeta;
  readonly spec: {
    readonly gatewayClassName: string;
    readonly listeners: readonly GatewayListener[];
    readonly addresses?: readonly { readonly type: string; readonly value?: string }[];
    readonly infrastructure?: { readonly labels?: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>>; readonly parametersRef?: object };
    readonly tls?: object;
  };
  readonly status?: GatewayStatus;
}

export interface GatewayListener {
  readonly name: string;
  readonly hostname?: string;
  readonly port: number;
  readonly protocol: string;
  readonly tls?: { readonly mode: string; readonly certificateRefs?: readonly ObjectReference[] };
  readonly allowedRoutes: { readonly namespaces: { readonly from: string; readonly selector?: LabelSelector }; readonly kinds?: readonly RouteKind[] };
}

export interface RouteKind {
  readonly group: string;
  readonly kind: string;
}

export interface ObjectReference {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

export interface GatewayStatus {
  readonly addresses?: readonly { readonly type: string; readonly value: string }[];
  readonly conditions?: readonly Condition[];
  readonly listeners?: readonly ListenerStatus[];
}

export interface ListenerStatus {
  readonly name: string;
  readonly supportedKinds: readonly RouteKind[];
  readonly attachedRoutes: number;
  readonly conditions: readonly Condition[];
}

export interface ParentReference extends ObjectReference {
  readonly sectionName?: string;
  readonly port?: number;
}

export interface RouteStatus {
  readonly parents: readonly ParentStatus[];
}

export interface ParentStatus {
  readonly parentRef: ParentReference;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

interface RouteOf<R> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: NamespacedMeta;
  readonly spec: { readonly parentRefs?: readonly ParentReference[]; readonly hostnames?: readonly string[]; readonly rules?: readonly R[] };
  readonly status?: RouteStatus;
}

export interface BackendReference extends ObjectReference {
  readonly port?: number;
  readonly weight: number;
  readonly filters?: readonly RouteFilter[];
}

export type HttpRoute = RouteOf<HttpRouteRule>;
export interface HttpRouteRule {
  readonly matches?: readonly HttpRouteMatch[];
  readonly filters?: readonly RouteFilter[];
  readonly backendRefs?: readonly BackendReference[];
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string };
}
export interface HttpRouteMatch {
  readonly path?: { readonly type: string; readonly value: string };
  readonly headers?: readonly TypedValue[];
  readonly queryParams?: readonly TypedValue[];
  readonly method?: string;
}
export interface TypedValue {
  /** `Exact`, `RegularExpression` */
  readonly type: string;
  readonly name: string;
  readonly value: string;
}

export interface RouteFilter {
  readonly type: string;
  readonly requestHeaderModifier?: HeaderModifier;
  readonly responseHeaderModifier?: HeaderModifier;
  readonly requestRedirect?: { readonly scheme?: string; readonly hostname?: string; readonly path?: PathModifier; readonly port?: number; readonly statusCode: number };
  readonly urlRewrite?: { readonly hostname?: string; readonly path?: PathModifier };
  readonly requestMirror?: { readonly backendRef: MirrorReference; readonly percent?: number; readonly fraction?: { readonly numerator: number; readonly denominator: number } };
  readonly cors?: {
    readonly allowOrigins?: readonly string[]; readonly allowMethods?: readonly string[]; readonly allowHeaders?: readonly string[]; readonly exposeHeaders?: readonly string[];
    readonly maxAge: number; readonly allowCredentials?: boolean;
  };
}
export type MirrorReference = ObjectReference & { readonly port?: number };
export interface HeaderModifier {
  readonly set?: readonly { readonly name: string; readonly value: string }[];
  readonly add?: readonly { readonly name: string; readonly value: string }[];
  readonly remove?: readonly string[];
}
export interface PathModifier {
  readonly type: string;
  readonly replaceFullPath?: string;
  readonly replacePrefixMatch?: string;
}

export type GrpcRoute = RouteOf<GrpcRouteRule>;
export interface GrpcRouteRule {
  readonly matches?: readonly { readonly method?: { readonly type: string; readonly service?: string; readonly method?: string }; readonly headers?: readonly TypedValue[] }[];
  readonly filters?: readonly RouteFilter[];
  readonly backendRefs?: readonly BackendReference[];
}

export type TlsRoute = RouteOf<{ readonly backendRefs?: readonly BackendReference[] }>;
export type Route = HttpRoute | GrpcRoute | TlsRoute;

export interface ReferenceGrant {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: NamespacedMeta;
  readonly spec: {
    readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
    readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string }[];
  };
}

function resource<T>(kind: string, plural: string, version = 'v1', namespaced = true): ResourceType<T> {
  return { group: GATEWAY_GROUP, version, resource: plural, kind, namespaced };
}

export const gatewayClasses = resource<GatewayClass>('GatewayClass', 'gatewayclasses', 'v1', false);
export const gateways = resource<Gateway>('Gateway', 'gateways');
export const httpRoutes = resource<HttpRoute>('HTTPRoute', 'httproutes');
export const grpcRoutes = resource<GrpcRoute>('GRPCRoute', 'grpcroutes');
export const tlsRoutes = resource<TlsRoute>('TLSRoute', 'tlsroutes');
/** The version that every release of the API has. */
export const referenceGrants = resource<ReferenceGrant>('ReferenceGrant', 'referencegrants', 'v1beta1');
