import { list, mapOf, object, text, whole, withDefault, type Check, type Schema } from './schema.ts';

// Rules and messages are those of the API's standard channel: what clients write is judged as everywhere else.

export const SUBDOMAIN = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';
const HOSTNAME = '^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';
const CONTROLLER = `${SUBDOMAIN.slice(0, -1)}\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$`;

export const group = (otherwise?: string): Schema => text({ max: 253, pattern: `^$|${SUBDOMAIN}`, ...(otherwise !== undefined && { default: otherwise }) });
export const kind = (otherwise?: string): Schema => text({ min: 1, max: 63, pattern: '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$', ...(otherwise && { default: otherwise }) });
export const objectName = text({ min: 1, max: 253 });
export const namespace = text({ min: 1, max: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' });
export const sectionName = text({ min: 1, max: 253, pattern: SUBDOMAIN });
export const hostname = text({ min: 1, max: 253, pattern: HOSTNAME });
export const port = whole(1, 65_535);
export const controllerName = text({ min: 1, max: 253, pattern: CONTROLLER });

export const condition = object({
  'type!': text({ max: 316, pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$' }),
  'status!': text({ enum: ['True', 'False', 'Unknown'] }), observedGeneration: { type: 'integer', format: 'int64', minimum: 0 }, 'lastTransitionTime!': { type: 'string', format: 'date-time' },
  'reason!': text({ min: 1, max: 1024, pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$' }), 'message!': text({ max: 32_768 }),
});
const conditions = list(condition, { max: 8, key: 'type' });
const waiting = (...types: string[]): object[] => types.map((type) => ({ type, status: 'Unknown', reason: 'Pending', message: 'Waiting for controller', lastTransitionTime: '1970-01-01T00:00:00Z' }));

const secretReference = object({ group: group(''), kind: kind('Secret'), 'name!': objectName, namespace });
const routeKind = object({ group: group('gateway.networking.k8s.io'), 'kind!': kind() });
const labelSelector = {
  ...object({
    matchLabels: { type: 'object', additionalProperties: text() as never },
    matchExpressions: list(object({ 'key!': text(), 'operator!': text(), values: list(text(), {}) }), {}),
  }), 'x-kubernetes-map-type': 'atomic',
} as Schema;

const KEY = '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$';
const keyChecks = (what: string): Check[] => [
  [`self.all(key, key.matches(r"""${KEY}"""))`, `${what[0]!.toUpperCase()}${what.slice(1)} keys must be in the form of an optional DNS subdomain prefix followed by a required name segment of up to 63 characters.`],
  ['self.all(key, key.split("/")[0].size() < 253)', `If specified, the ${what} key's prefix must be a DNS subdomain not longer than 253 characters in total.`],
];

/** `required`: in a status an address has a value. */
function address(required: boolean): Schema {
  const isHostname = `self.value.matches(r"""${HOSTNAME}""")`;
  const rule: Check = required
    ? [`self.type == 'Hostname' ? ${isHostname} : true`, `Hostname value must only contain valid characters (matching ${HOSTNAME})`]
    : [`self.type == 'Hostname' ? (!has(self.value) || ${isHostname}) : true`, `Hostname value must be empty or contain only valid characters (matching ${HOSTNAME})`];
  return {
    ...object({
      type: text({ min: 1, max: 253, default: 'IPAddress', pattern: `^Hostname|IPAddress|NamedAddress|${CONTROLLER.slice(1)}` }), [required ? 'value!' : 'value']: text({ max: 253, ...(required && { min: 1 }) }),
    }, rule),
    oneOf: [{ properties: { type: { enum: ['IPAddress'] }, value: { anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] } } }, { properties: { type: { not: { enum: ['IPAddress'] } } } }],
  } as Schema;
}

const uniqueAddresses = (type: string): Check => [
  `self.all(a1, a1.type == '${type}' && has(a1.value) ? self.exists_one(a2, a2.type == a1.type && has(a2.value) && a2.value == a1.value) : true)`, `${type} values must be unique`,
];

const validation = object({
  'caCertificateRefs!': list(object({ 'group!': group(), 'kind!': kind(), 'name!': objectName, namespace }), { min: 1, max: 16 }), mode: text({ default: 'AllowValidOnly', enum: ['AllowValidOnly', 'AllowInsecureFallback'] }),
});

const listener = object({
  'name!': sectionName, hostname, 'port!': port,
  'protocol!': text({ min: 1, max: 255, pattern: `^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|${SUBDOMAIN.slice(1, -1)}\\/[A-Za-z0-9]+$` }),
  tls: object({
    mode: text({ default: 'Terminate', enum: ['Terminate', 'Passthrough'] }), certificateRefs: list(secretReference, { max: 64 }), options: mapOf(text({ min: 0, max: 4096 }), 16),
  }, ["self.mode == 'Terminate' ? size(self.certificateRefs) > 0 || size(self.options) > 0 : true", 'certificateRefs or options must be specified when mode is Terminate']),
  allowedRoutes: withDefault(object({
    namespaces: withDefault(object({ from: text({ default: 'Same', enum: ['All', 'Selector', 'Same'] }), selector: labelSelector }), { from: 'Same' }), kinds: list(routeKind, { max: 8 }),
  }), { namespaces: { from: 'Same' } }),
});

export const gatewayClassSchema: Readonly<Record<string, Schema>> = {
  'spec!': object({
    'controllerName!': text({ min: 1, max: 253, pattern: CONTROLLER }, ['self == oldSelf', 'field is immutable']), description: text({ max: 64 }),
    parametersRef: object({ 'group!': group(), 'kind!': kind(), 'name!': objectName, namespace }),
  }),
  status: withDefault(object({
    conditions: withDefault(conditions, waiting('Accepted')), supportedFeatures: list(object({ 'name!': text() }), { max: 64, key: 'name' }),
  }), { conditions: waiting('Accepted') }),
};

export const gatewaySchema: Readonly<Record<string, Schema>> = {
  'spec!': object({
    'gatewayClassName!': objectName,
    'listeners!': list(
      listener, { min: 1, max: 64, key: 'name' },
      ["self.all(l, l.protocol in ['HTTP', 'TCP', 'UDP'] ? !has(l.tls) : true)", "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']"],
      ["self.all(l, (l.protocol == 'HTTPS' && has(l.tls)) ? (l.tls.mode == '' || l.tls.mode == 'Terminate') : true)", 'tls mode must be Terminate for protocol HTTPS'],
      ["self.all(l, (l.protocol == 'TLS' ? has(l.tls) && has(l.tls.mode) && l.tls.mode != '' : true))", 'tls mode must be set for protocol TLS'],
      ["self.all(l, l.protocol in ['TCP', 'UDP'] ? (!has(l.hostname) || l.hostname == '') : true)", "hostname must not be specified for protocols ['TCP', 'UDP']"],
      ['self.all(l1, self.exists_one(l2, l1.name == l2.name))', 'Listener name must be unique within the Gateway'],
      ['self.all(l1, self.exists_one(l2, l1.port == l2.port && l1.protocol == l2.protocol && (has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))', 'Combination of port, protocol and hostname must be unique for each listener'],
    ),
    addresses: list(address(false), { max: 16 }, uniqueAddresses('IPAddress'), uniqueAddresses('Hostname')),
    infrastructure: object({
      annotations: mapOf(text({ min: 0, max: 4096 }), 16, ...keyChecks('annotation')), labels: mapOf(text({ min: 0, max: 63, pattern: '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$' }), 8, ...keyChecks('label')),
      parametersRef: object({ 'group!': group(), 'kind!': kind(), 'name!': objectName }),
    }),
    allowedListeners: object({ namespaces: withDefault(object({ from: text({ default: 'None', enum: ['All', 'Selector', 'Same', 'None'] }), selector: labelSelector }), { from: 'None' }) }),
    tls: object({
      backend: object({ clientCertificateRef: secretReference }),
      frontend: object({
        'default!': object({ validation }),
        perPort: list(object({ 'port!': port, 'tls!': object({ validation }) }), { max: 64, key: 'port' }, ['self.all(t1, self.exists_one(t2, t1.port == t2.port))', 'Port for TLS configuration must be unique within the Gateway']),
      }),
    }),
  }),
  status: withDefault(object({
    addresses: list(address(true), { max: 16 }), attachedListenerSets: { type: 'integer', format: 'int32' }, conditions: withDefault(conditions, waiting('Accepted', 'Programmed')),
    listeners: list(object({ 'name!': sectionName, supportedKinds: list(routeKind, { max: 8 }), 'attachedRoutes!': { type: 'integer', format: 'int32' }, 'conditions!': conditions }), { max: 64, key: 'name' }),
  }), { conditions: waiting('Accepted', 'Programmed') }),
};
