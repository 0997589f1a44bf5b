/**
 * Rules for names, named as upstream: each answers the list of a value's faults (empty: a good name) in upstream's words.
 * Upstream: apimachinery pkg/util/validation, pkg/api/validate/content, pkg/api/validation.
 */
const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const underscored = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const labelKey = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';

// Written without nested repetition where upstream's pattern has it: a JavaScript RegExp backtracks.
const labelPattern = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const label1035Pattern = /^[a-z](?:[-a-z0-9]*[a-z0-9])?$/;
const labelKeyPattern = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const isSubdomainText = (value: string): boolean => (value.includes('.') ? value.split('.').every((part) => labelPattern.test(part)) : labelPattern.test(value));

/** Of a good name, which is what nearly all are. */
const noFaults: readonly string[] = Object.freeze([]);

const bytes = (value: string): number => Buffer.byteLength(value);
const tooLong = (limit: number, unit = 'characters'): string => `must be no more than ${limit} ${unit}`;

/** `MESSAGE (e.g. 'a',  or 'b', regex used for validation is '…')`, as upstream words a fault of pattern. */
export function regexFault(message: string, pattern: string, ...examples: readonly string[]): string {
  const shown = examples.length ? `e.g. ${examples.map((e) => `'${e}', `).join(' or ')}` : '';
  return `${message} (${shown}regex used for validation is '${pattern}')`;
}

export function inclusiveRangeFault(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

const LABEL = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const SUBDOMAIN = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const UNDERSCORED = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
const LABEL_1035 = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const LABEL_KEY = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

export function isDns1123Label(value: string): readonly string[] {
  if (value.length <= 63 && labelPattern.test(value)) return noFaults;
  const faults: string[] = [];
  if (bytes(value) > 63) faults.push(tooLong(63));
  if (!labelPattern.test(value)) faults.push(isSubdomainText(value) ? 'must not contain dots' : regexFault(LABEL, label, 'my-name', '123-abc'));
  return faults;
}

export function isDns1123Subdomain(value: string): readonly string[] {
  return subdomainFaults(value, 'characters');
}

function subdomainFaults(value: string, unit: string): readonly string[] {
  if (value.length <= 253 && isSubdomainText(value)) return noFaults;
  const faults: string[] = [];
  if (bytes(value) > 253) faults.push(tooLong(253, unit));
  if (!isSubdomainText(value)) faults.push(regexFault(SUBDOMAIN, subdomain, 'example.com'));
  return faults;
}

export function isDns1123SubdomainWithUnderscore(value: string): string[] {
  const faults: string[] = [];
  if (bytes(value) > 253) faults.push(tooLong(253));
  if (!value.split('.').every((part) => /^_?[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?$/.test(part))) {
    faults.push(regexFault(UNDERSCORED, `${underscored}(\\.${underscored})*`, 'example.com'));
  }
  return faults;
}

export function isDns1035Label(value: string): string[] {
  const faults: string[] = [];
  if (bytes(value) > 63) faults.push(tooLong(63));
  if (!label1035Pattern.test(value)) faults.push(regexFault(LABEL_1035, '[a-z]([-a-z0-9]*[a-z0-9])?', 'my-name', 'abc-123'));
  return faults;
}

export function isWildcardDns1123Subdomain(value: string): string[] {
  const faults: string[] = [];
  if (bytes(value) > 253) faults.push(tooLong(253));
  if (!value.startsWith('*.') || !isSubdomainText(value.slice(2))) {
    faults.push(regexFault("a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character", `\\*\\.${subdomain}`, '*.example.com'));
  }
  return faults;
}

/** Label keys, annotation keys, resource names, finalizers: `[prefix/]name`. */
export function isQualifiedName(value: string): readonly string[] {
  if (value.length <= 63 && labelKeyPattern.test(value)) return noFaults;
  const parts = value.split('/');
  const faults: string[] = [];
  if (parts.length > 2) {
    return [`a valid label key ${regexFault(LABEL_KEY, labelKey, 'MyName', 'my.name', '123-abc')} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const name = parts.at(-1)!;
  if (parts.length === 2) {
    if (parts[0] === '') faults.push('prefix part must be non-empty');
    else for (const fault of subdomainFaults(parts[0]!, 'bytes')) faults.push(`prefix part ${fault}`);
  }
  if (name === '') faults.push('name part must be non-empty');
  else if (bytes(name) > 63) faults.push(`name part ${tooLong(63, 'bytes')}`);
  if (!labelKeyPattern.test(name)) faults.push(`name part ${regexFault(LABEL_KEY, labelKey, 'MyName', 'my.name', '123-abc')}`);
  return faults;
}

export function isLabelValue(value: string): readonly string[] {
  if (value === '' || (value.length <= 63 && labelKeyPattern.test(value))) return noFaults;
  const faults: string[] = [];
  if (bytes(value) > 63) faults.push(tooLong(63, 'bytes'));
  if (value !== '' && !labelKeyPattern.test(value)) {
    faults.push(regexFault(`a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`, `(${labelKey})?`, 'MyValue', 'my_value', '12345'));
  }
  return faults;
}

/** Names that stand in a URL's path (RBAC roles and their like). `prefix` where the name is a generateName. */
export function isPathSegmentName(value: string, prefix = false): string[] {
  if (!prefix && (value === '.' || value === '..')) return [`may not be '${value}'`];
  return ['/', '%'].filter((character) => value.includes(character)).map((character) => `may not contain '${character}'`);
}

export function isPortNumber(port: number): readonly string[] {
  return port >= 1 && port <= 65535 ? noFaults : [inclusiveRangeFault(1, 65535)];
}

export function isPortName(value: string): string[] {
  const faults: string[] = [];
  if (bytes(value) > 15) faults.push(tooLong(15));
  if (!/^[-a-z0-9]+$/.test(value)) faults.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) faults.push('must contain at least one letter (a-z)');
  if (value.includes('--')) faults.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) faults.push('must not begin or end with a hyphen');
  return faults;
}

export function isPercent(value: string): string[] {
  return /^[0-9]+%$/.test(value) ? [] : [regexFault("a valid percent string must be a numeric string followed by an ending '%'", '[0-9]+%', '1%', '93%')];
}

export function isHttpHeaderName(value: string): string[] {
  return /^[-A-Za-z0-9]+$/.test(value) ? [] : [regexFault("a valid HTTP header must consist of alphanumeric characters or '-'", '[-A-Za-z0-9]+', 'X-Header-Name')];
}

/** Upstream since 1.30 takes any printable ASCII character but `=` (RelaxedEnvironmentVariableValidation). */
export function isEnvironmentName(value: string): string[] {
  const faults: string[] = [];
  if (value === '') faults.push('environment variable name must be non-empty');
  if (!/^[ -<>-~]*$/.test(value)) faults.push("a valid environment variable name must consist only of printable ASCII characters other than '='");
  return faults;
}

export function isConfigMapKey(value: string): string[] {
  const faults: string[] = [];
  if (bytes(value) > 253) faults.push(tooLong(253));
  if (!/^[-._a-zA-Z0-9]+$/.test(value)) {
    faults.push(regexFault("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", '[-._a-zA-Z0-9]+', 'key.name', 'KEY_NAME', 'key-name'));
  }
  if (value === '.') faults.push("must not be '.'");
  else if (value === '..') faults.push("must not be '..'");
  else if (value.startsWith('..')) faults.push("must not start with '..'");
  return faults;
}

/** A generateName is checked as if its trailing dash were followed by a suffix. */
export function asGenerated(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix;
}
