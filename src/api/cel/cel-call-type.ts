import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, listOf, mapOf, OPAQUE, optionalOf, STRING, TIMESTAMP, TYPE, UINT, type CelType } from './cel-type.ts';

const STRINGS = ['string', 'lowerAscii', 'upperAscii', 'substring', 'trim', 'replace', 'charAt', 'join', 'format', 'quote', 'find', 'strings.quote', 'getScheme', 'getHost', 'getHostname', 'getPort', 'getEscapedPath', 'jsonpatch.escapeKey'];
const BOOLS = ['bool', 'startsWith', 'endsWith', 'contains', 'matches', 'isSorted', 'hasValue', 'isURL', 'isIP', 'isCIDR', 'isQuantity', 'isSemver', 'isInteger', 'isGreaterThan', 'isLessThan', 'containsIP', 'containsCIDR',
  'isUnspecified', 'isLoopback', 'isLinkLocalMulticast', 'isLinkLocalUnicast', 'isGlobalUnicast', 'ip.isCanonical', 'sets.contains', 'sets.equivalent', 'sets.intersects', 'allowed', 'errored'];
const INTS = ['int', 'size', 'indexOf', 'lastIndexOf', 'sign', 'asInteger', 'compareTo', 'major', 'minor', 'patch', 'family', 'prefixLength',
  'getFullYear', 'getMonth', 'getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear', 'getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'];
const OPAQUES = ['url', 'quantity', 'ip', 'cidr', 'semver', 'add', 'sub', 'masked'];

const FIXED: Readonly<Record<string, CelType>> = {
  ...Object.fromEntries(STRINGS.map((name) => [name, STRING])), ...Object.fromEntries(BOOLS.map((name) => [name, BOOL])), ...Object.fromEntries(INTS.map((name) => [name, INT])),
  ...Object.fromEntries(OPAQUES.map((name) => [name, OPAQUE])),
  uint: UINT, double: DOUBLE, asApproximateFloat: DOUBLE, bytes: BYTES, duration: DURATION, timestamp: TIMESTAMP, type: TYPE, dyn: DYN,
  split: listOf(STRING), findAll: listOf(STRING), getQuery: mapOf(listOf(STRING)), validate: optionalOf(listOf(STRING)), 'lists.range': listOf(INT), 'format.named': optionalOf(OPAQUE),
};

/** The type of what a call answers; dyn where it depends on more than is looked at here. */
export function callType(name: string, target: CelType | undefined, args: readonly CelType[]): CelType {
  switch (name) {
    case 'sum': case 'min': case 'max': return target?.of ?? DYN;
    case 'distinct': case 'slice': case 'sort': return target ?? DYN;
    case 'reverse': return target ?? DYN;
    case 'flatten': return target?.of?.kind === 'list' ? listOf(target.of.of!) : listOf(DYN);
    case 'value': return target?.kind === 'optional' ? target.of! : DYN;
    case 'orValue': return target?.kind === 'optional' && target.of!.kind !== 'dyn' ? target.of! : (args[0] ?? DYN);
    case 'or': return target ?? DYN;
    case 'optional.of': case 'optional.ofNonZeroValue': return optionalOf(args[0] ?? DYN);
    case 'optional.none': return optionalOf(DYN);
    default: return Object.hasOwn(FIXED, name) ? FIXED[name]! : name.startsWith('format.') ? OPAQUE : DYN;
  }
}
