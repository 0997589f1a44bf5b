import { condition, controllerName, group, hostname, kind, namespace, objectName, port, sectionName } from './schema-of-gateways.ts';
import { list, object, text, whole, withDefault, type Check, type Schema } from './schema.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];
const PATH_CHARACTERS = "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$";
const duration = text({ pattern: '^([0-9]{1,5}(h|m|s|ms)){1,4}$' });
const matchType = text({ default: 'Exact', enum: ['Exact', 'RegularExpression'] });
const headerName = text({ min: 1, max: 256, pattern: "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$" });

const parentReference = object({ group: group('gateway.networking.k8s.io'), kind: kind('Gateway'), namespace, 'name!': objectName, sectionName, port });
const SAME_NAMESPACE = "(((!has(p1.__namespace__) || p1.__namespace__ == '') && (!has(p2.__namespace__) || p2.__namespace__ == '')) || (has(p1.__namespace__) && has(p2.__namespace__) && p1.__namespace__ == p2.__namespace__))";
const SAME_PARENT = `p1.group == p2.group && p1.kind == p2.kind && p1.name == p2.name && ${SAME_NAMESPACE}`;
const parentRefs = list(
  parentReference, { max: 32 },
  [`self.all(p1, self.all(p2, ${SAME_PARENT} ? ((!has(p1.sectionName) || p1.sectionName == '') == (!has(p2.sectionName) || p2.sectionName == '')) : true))`, 'sectionName must be specified when parentRefs includes 2 or more references to the same parent'],
  [
    `self.all(p1, self.exists_one(p2, ${SAME_PARENT} && (((!has(p1.sectionName) || p1.sectionName == '') && (!has(p2.sectionName) || p2.sectionName == '')) || (has(p1.sectionName) && has(p2.sectionName) && p1.sectionName == p2.sectionName))))`,
    'sectionName must be unique when parentRefs includes 2 or more references to the same parent',
  ],
);
const hostnames = list(hostname, { max: 16 });
const status = object({
  'parents!': list(object({ 'parentRef!': parentReference, 'controllerName!': controllerName, 'conditions!': list(condition, { min: 1, max: 8, key: 'type' }) }), { max: 32 }),
});

const NEEDS_PORT: Check = ["(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true", 'Must have port for Service reference'];
const serviceReference = { group: group(''), kind: kind('Service'), 'name!': objectName, namespace, port };
const backendReference = (more: Readonly<Record<string, Schema>> = {}): Schema => object({ ...serviceReference, weight: whole(0, 1_000_000, { default: 1 }), ...more }, NEEDS_PORT);

const header = object({ 'name!': headerName, 'value!': text({ min: 1, max: 4096 }) });
const headerModifier = object({ set: list(header, { max: 16, key: 'name' }), add: list(header, { max: 16, key: 'name' }), remove: list(text(), { max: 16, set: true }) });
const preciseHostname = text({ min: 1, max: 253, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$' });
const pathModifier = object(
  { 'type!': text({ enum: ['ReplaceFullPath', 'ReplacePrefixMatch'] }), replaceFullPath: text({ max: 1024 }), replacePrefixMatch: text({ max: 1024 }) },
  ...[['replaceFullPath', 'ReplaceFullPath'], ['replacePrefixMatch', 'ReplacePrefixMatch']].flatMap(([field, type]): Check[] => [
    [`self.type == '${type}' ? has(self.${field}) : true`, `${field} must be specified when type is set to '${type}'`], [`has(self.${field}) ? self.type == '${type}' : true`, `type must be '${type}' when ${field} is set`],
  ]),
);
const requestMirror = object(
  {
    'backendRef!': object(serviceReference, NEEDS_PORT), percent: whole(0, 100),
    fraction: object({ 'numerator!': whole(0), denominator: whole(1, undefined, { default: 100 }) }, ['self.numerator <= self.denominator', 'numerator must be less than or equal to denominator']),
  },
  ['!(has(self.percent) && has(self.fraction))', 'Only one of percent or fraction may be specified in HTTPRequestMirrorFilter'],
);
const starAlone = (field: string, what: string): Check => ["!('*' in self && self.size() > 1)", `${field} cannot contain '*' alongside other ${what}`];
const cors = object({
  allowOrigins: list(text({ min: 1, max: 253, pattern: '(^\\*$)|(^(http(s)?):\\/\\/(((\\*\\.)?([a-zA-Z0-9\\-]+\\.)*[a-zA-Z0-9-]+|\\*)(:([0-9]{1,5}))?)$)' }), { max: 64, set: true }, starAlone('AllowOrigins', 'origins')),
  allowCredentials: { type: 'boolean' }, allowMethods: list(text({ enum: [...METHODS, '*'] }), { max: 9, set: true }, starAlone('AllowMethods', 'methods')),
  allowHeaders: list(headerName, { max: 64, set: true }, starAlone('AllowHeaders', 'methods')), exposeHeaders: list(headerName, { max: 64, set: true }), maxAge: whole(1, undefined, { default: 5 }),
});

/** Which field belongs to which type of filter. */
const FILTERS: Readonly<Record<string, readonly [field: string, schema: Schema]>> = {
  RequestHeaderModifier: ['requestHeaderModifier', headerModifier], ResponseHeaderModifier: ['responseHeaderModifier', headerModifier], RequestMirror: ['requestMirror', requestMirror],
  RequestRedirect: ['requestRedirect', object({
    scheme: text({ enum: ['http', 'https'] }), hostname: preciseHostname, path: pathModifier, port, statusCode: { type: 'integer', default: 302, enum: [301, 302, 303, 307, 308] } as unknown as Schema,
  })],
  URLRewrite: ['urlRewrite', object({ hostname: preciseHostname, path: pathModifier })], ExtensionRef: ['extensionRef', object({ 'group!': group(), 'kind!': kind(), 'name!': objectName })], CORS: ['cors', cors],
};

function filtersOf(types: readonly string[], ...checks: Check[]): Schema {
  const item = object(
    { 'type!': text({ enum: types }), ...Object.fromEntries(types.map((type) => FILTERS[type]!)) },
    ...types.flatMap((type): Check[] => {
      const [field] = FILTERS[type]!;
      return [
        [`!(has(self.${field}) && self.type != '${type}')`, `filter.${field} must be nil if the filter.type is not ${type}`], [`!(!has(self.${field}) && self.type == '${type}')`, `filter.${field} must be specified for ${type} filter.type`],
      ];
    }),
  );
  const once = types.filter((type) => type !== 'RequestMirror' && type !== 'ExtensionRef');
  return list(item, { max: 16 }, ...checks, ...once.map((type): Check => [`self.filter(f, f.type == '${type}').size() <= 1`, `${type} filter cannot be repeated`]));
}

const httpFilters = filtersOf(
  ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestMirror', 'RequestRedirect', 'URLRewrite', 'ExtensionRef', 'CORS'],
  ["!(self.exists(f, f.type == 'RequestRedirect') && self.exists(f, f.type == 'URLRewrite'))", 'May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both'],
);

const PLAIN = "(self.type in ['Exact','PathPrefix'])";
const forbidden = (call: string, what: string): Check => [`${PLAIN} ? !self.value.${call} : true`, `must not ${what} when type one of ['Exact', 'PathPrefix']`];
const ROOT = { type: 'PathPrefix', value: '/' };
const pathMatch = withDefault(object(
  { type: text({ default: 'PathPrefix', enum: ['Exact', 'PathPrefix', 'RegularExpression'] }), value: text({ max: 1024, default: '/' }) },
  [`${PLAIN} ? self.value.startsWith('/') : true`, "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']"],
  ...['//', '/./', '/../', '%2f', '%2F', '#'].map((part) => forbidden(`contains('${part}')`, `contain '${part}'`)),
  ...['/..', '/.'].map((end) => forbidden(`endsWith('${end}')`, `end with '${end}'`)),
  ["self.type in ['Exact','PathPrefix'] || self.type == 'RegularExpression'", "type must be one of ['Exact', 'PathPrefix', 'RegularExpression']"],
  [`${PLAIN} ? self.value.matches(r"""${PATH_CHARACTERS}""") : true`, `must only contain valid characters (matching ${PATH_CHARACTERS}) for types ['Exact', 'PathPrefix']`],
), ROOT);
const headerMatch = object({ type: matchType, 'name!': headerName, 'value!': text({ min: 1, max: 4096 }) });
const httpMatch = object({
  path: pathMatch, headers: list(headerMatch, { max: 16, key: 'name' }), queryParams: list(object({ type: matchType, 'name!': headerName, 'value!': text({ min: 1, max: 1024 }) }), { max: 16, key: 'name' }),
  method: text({ enum: METHODS }),
});

/** A prefix can be replaced only where one prefix is matched. `some`: the filters, or those of a backend. */
const onePrefix = (field: string, within: 'rule' | 'backendRefs', what: string): Check => {
  const asks = (name: string): string => `has(${name}.${field}) && has(${name}.${field}.path) && ${name}.${field}.path.type == 'ReplacePrefixMatch' && has(${name}.${field}.path.replacePrefixMatch)`;
  const present = within === 'rule' ? `has(self.filters) && self.filters.exists_one(f, ${asks('f')})` : `has(self.backendRefs) && self.backendRefs.exists_one(b, (has(b.filters) && b.filters.exists_one(f, ${asks('f')})))`;
  return [`(${present}) ? ((size(self.matches) != 1 || !has(self.matches[0].path) || self.matches[0].path.type != 'PathPrefix') ? false : true) : true`, `${what} filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified`];
};
const matchesInAll = (count: (rule: string) => string): Check => [
  `${Array.from({ length: 16 }, (_, i) => `(self.size() > ${i} ? ${count(`self[${i}]`)} : 0)`).join(' + ')} <= 128`,
  'While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128',
];

export const httpRouteSchema: Readonly<Record<string, Schema>> = {
  'spec!': object({
    parentRefs, hostnames,
    rules: withDefault(list(object(
      {
        name: sectionName, matches: withDefault(list(httpMatch, { max: 64 }), [{ path: ROOT }]), filters: httpFilters, backendRefs: list(backendReference({ filters: httpFilters }), { max: 16 }),
        timeouts: object({ request: duration, backendRequest: duration }, [
          "!(has(self.request) && has(self.backendRequest) && duration(self.request) != duration('0s') && duration(self.backendRequest) > duration(self.request))", 'backendRequest timeout cannot be longer than request timeout',
        ]),
      },
      ['(has(self.backendRefs) && size(self.backendRefs) > 0) ? (!has(self.filters) || self.filters.all(f, !has(f.requestRedirect))): true', 'RequestRedirect filter must not be used together with backendRefs'],
      onePrefix('requestRedirect', 'rule', 'When using RequestRedirect'), onePrefix('urlRewrite', 'rule', 'When using URLRewrite'),
      onePrefix('requestRedirect', 'backendRefs', 'Within backendRefs, when using RequestRedirect'), onePrefix('urlRewrite', 'backendRefs', 'Within backendRefs, When using URLRewrite'),
    ), { min: 1, max: 16 }, matchesInAll((rule) => `${rule}.matches.size()`)), [{ matches: [{ path: ROOT }] }]),
  }),
  status,
};

const grpcFilters = filtersOf(['ResponseHeaderModifier', 'RequestHeaderModifier', 'RequestMirror', 'ExtensionRef']);
const SERVICE = '^(?i)\\.?[a-z_][a-z_0-9]*(\\.[a-z_][a-z_0-9]*)*$';
const METHOD = '^[A-Za-z_][A-Za-z_0-9]*$';
const grpcCharacters = (field: string, pattern: string): Check => [
  `(!has(self.type) || self.type == 'Exact') && has(self.${field}) ? self.${field}.matches(r"""${pattern}"""): true`, `${field} must only contain valid characters (matching ${pattern})`,
];

export const grpcRouteSchema: Readonly<Record<string, Schema>> = {
  'spec!': object({
    parentRefs, hostnames,
    rules: list(object({
      name: sectionName, filters: grpcFilters, backendRefs: list(backendReference({ filters: grpcFilters }), { max: 16 }),
      matches: list(object({
        method: object(
          { type: matchType, service: text({ max: 1024 }), method: text({ max: 1024 }) },
          ['has(self.type) ? has(self.service) || has(self.method) : true', "One or both of 'service' or 'method' must be specified"], grpcCharacters('service', SERVICE), grpcCharacters('method', METHOD),
        ),
        headers: list(headerMatch, { max: 16, key: 'name' }),
      }), { max: 64 }),
    }), { max: 16 }, matchesInAll((rule) => `(has(${rule}.matches) ? ${rule}.matches.size() : 0)`)),
  }),
  status,
};

const LABELS = '([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)';

export const tlsRouteSchema: Readonly<Record<string, Schema>> = {
  'spec!': object({
    parentRefs, 'rules!': list(object({ name: sectionName, 'backendRefs!': list(backendReference(), { min: 1, max: 16 }) }), { min: 1, max: 1 }),
    'hostnames!': list(
      hostname, { min: 1, max: 1024 }, ['self.all(h, !isIP(h))', 'Hostnames cannot contain an IP'], [`self.all(h, !h.contains('*') ? h.matches('^${LABELS}$') : true)`, 'Hostnames must be valid based on RFC-1123'],
      [`self.all(h, h.contains('*') ? (h.startsWith('*.') && h.substring(2).matches('^${LABELS}$')) : true)`, 'Wildcards on hostnames must be the first label, and the rest of hostname must be valid based on RFC-1123'],
    ),
  }),
  status,
};

export const referenceGrantSchema: Readonly<Record<string, Schema>> = {
  'spec!': object({
    'from!': list(object({ 'group!': group(), 'kind!': kind(), 'namespace!': namespace }), { min: 1, max: 16 }), 'to!': list(object({ 'group!': group(), 'kind!': kind(), name: objectName }), { min: 1, max: 16 }),
  }),
};
