import type { CustomResourceDefinition } from '../../api/generated/apiextensions-v1.ts';
import type { New } from '../../api/object.ts';
import { GATEWAY_GROUP } from './gateway-api.ts';
import { object, type Schema } from './schema.ts';
import { gatewayClassSchema, gatewaySchema } from './schema-of-gateways.ts';
import { grpcRouteSchema, httpRouteSchema, referenceGrantSchema, tlsRouteSchema } from './schema-of-routes.ts';

interface Column {
  readonly name: string;
  readonly jsonPath: string;
  readonly type?: string;
  readonly priority?: number;
}

interface Definition {
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly cluster?: boolean;
  /** The one that is stored comes first. All have one schema. */
  readonly versions: readonly string[];
  readonly schema: Readonly<Record<string, Schema>>;
  readonly columns: readonly Column[];
}

const AGE: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };
const HOSTNAMES: Column = { name: 'Hostnames', jsonPath: '.spec.hostnames' };
const column = (name: string, jsonPath: string): Column => ({ name, jsonPath });
const statusOf = (type: string): string => `.status.conditions[?(@.type=="${type}")].status`;

const kinds: readonly Definition[] = [
  {
    kind: 'GatewayClass', plural: 'gatewayclasses', shortNames: ['gc'], cluster: true, versions: ['v1', 'v1beta1'], schema: gatewayClassSchema,
    columns: [column('Controller', '.spec.controllerName'), column('Accepted', statusOf('Accepted')), AGE, { ...column('Description', '.spec.description'), priority: 1 }],
  },
  { kind: 'Gateway', plural: 'gateways', shortNames: ['gtw'], versions: ['v1', 'v1beta1'], schema: gatewaySchema, columns: [column('Class', '.spec.gatewayClassName'), column('Address', '.status.addresses[*].value'), column('Programmed', statusOf('Programmed')), AGE] },
  { kind: 'HTTPRoute', plural: 'httproutes', versions: ['v1', 'v1beta1'], schema: httpRouteSchema, columns: [HOSTNAMES, AGE] },
  { kind: 'GRPCRoute', plural: 'grpcroutes', versions: ['v1'], schema: grpcRouteSchema, columns: [HOSTNAMES, AGE] },
  { kind: 'TLSRoute', plural: 'tlsroutes', versions: ['v1'], schema: tlsRouteSchema, columns: [AGE] },
  { kind: 'ReferenceGrant', plural: 'referencegrants', shortNames: ['refgrant'], versions: ['v1beta1', 'v1'], schema: referenceGrantSchema, columns: [AGE] },
];

/** The release of the Gateway API whose standard channel these definitions are, as far as its kinds are served here. */
export const BUNDLE_VERSION = 'v1.5.0';

/** The definitions of the kinds that are served. Upstream: gateway-api config/crd/standard. */
export function gatewayDefinitions(): New<CustomResourceDefinition>[] {
  return kinds.map(({ kind, plural, shortNames, cluster, versions, schema, columns }) => ({
    metadata: {
      name: `${plural}.${GATEWAY_GROUP}`,
      annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api/pull/4530', 'gateway.networking.k8s.io/bundle-version': BUNDLE_VERSION, 'gateway.networking.k8s.io/channel': 'standard' },
    },
    spec: {
      group: GATEWAY_GROUP, scope: cluster ? 'Cluster' : 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), categories: ['gateway-api'], ...(shortNames && { shortNames }) },
      versions: versions.map((name, i) => ({
        name, served: true, storage: i === 0, schema: { openAPIV3Schema: object({ apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' }, ...schema }) },
        additionalPrinterColumns: columns.map((one) => ({ type: 'string', ...one })), ...('status' in schema && { subresources: { status: {} } }),
      })),
    },
  }));
}
