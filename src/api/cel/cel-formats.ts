import { Optional, type Environment } from '@marcbachmann/cel-js';
import { asGenerated, isDns1035Label, isDns1123Label, isDns1123Subdomain, isLabelValue, isQualifiedName } from '../names.ts';

/** `format.dns1123Label()`: what a text is to look like. */
export class CelFormat {
  readonly name: string;
  readonly faults: (text: string) => readonly string[];
  constructor(name: string, faults: (text: string) => readonly string[]) {
    this.name = name;
    this.faults = faults;
  }
}

class FormatNamespace {}

const unless = (matches: (text: string) => boolean, fault: string) => (text: string): readonly string[] => (matches(text) ? [] : [fault]);
const isDate = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
const isDateTime = (text: string): boolean => /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:?\d{2})?$/.test(text) && !Number.isNaN(Date.parse(text));

/** Upstream: apiserver pkg/cel/library/format.go. */
const formats: Readonly<Record<string, (text: string) => readonly string[]>> = {
  dns1123Label: isDns1123Label,
  dns1123Subdomain: isDns1123Subdomain,
  dns1035Label: isDns1035Label,
  qualifiedName: isQualifiedName,
  dns1123LabelPrefix: (text) => isDns1123Label(asGenerated(text)),
  dns1123SubdomainPrefix: (text) => isDns1123Subdomain(asGenerated(text)),
  dns1035LabelPrefix: (text) => isDns1035Label(asGenerated(text)),
  labelValue: isLabelValue,
  uri: (text) => (text.startsWith('/') || URL.canParse(text) ? [] : [`parse ${JSON.stringify(text)}: ${text === '' ? 'empty url' : 'invalid URI for request'}`]),
  uuid: unless((text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text), 'does not match the UUID format'),
  byte: unless((text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text), 'invalid base64'),
  date: unless(isDate, 'invalid date'),
  datetime: unless(isDateTime, 'invalid datetime'),
};

/** `format.NAME()`, `format.named(string)` and `validate`, whose result is the faults of a text, or nothing where it has none. */
export function registerFormats(environment: Environment): void {
  const known = new Map(Object.entries(formats).map(([name, faults]) => [name, new CelFormat(name, faults)]));
  environment.registerType('NamedFormat', CelFormat);
  environment.registerType('FormatNamespace', FormatNamespace);
  environment.registerConstant('format', 'FormatNamespace', new FormatNamespace());
  for (const [name, format] of known) environment.registerFunction(`FormatNamespace.${name}(): NamedFormat`, () => format);
  environment.registerFunction('FormatNamespace.named(string): optional<NamedFormat>', (_namespace: FormatNamespace, name: string) => Optional.of(known.get(name)));
  environment.registerFunction('NamedFormat.validate(string): optional<list<string>>', (format: CelFormat, text: string) => {
    const faults = format.faults(text);
    return faults.length > 0 ? Optional.of(faults) : Optional.none();
  });
}
