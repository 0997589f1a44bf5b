import { readFileSync } from 'node:fs';
import { parseApiVersion } from '../../api/resources.ts';
import type { Flags, FlagSpecs } from '../command/flags.ts';
import { goJson, sortKeys } from './sort-keys.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { compileGoTemplate, GoTemplateError } from './go-template.ts';
import { goQuote } from './go-template-lex.ts';
import { goMap, goSyntax } from './go-value.ts';
import { compileJsonPath, findAll, findEach, JsonPathError, relaxedJsonPath, type JsonPathTemplate } from './jsonpath.ts';
import { textTable } from './text-table.ts';
import { toKyaml } from './kyaml.ts';
import { toYaml } from './yaml.ts';

export const outputFlags = {
  output: { short: 'o', type: 'string', usage: 'Output format. One of: (json, yaml, kyaml, name, go-template, go-template-file, template, templatefile, jsonpath, jsonpath-as-json, jsonpath-file).' },
  template: { type: 'string', usage: 'Template string or path to template file to use when -o=go-template, -o=go-template-file.' },
  'allow-missing-template-keys': { type: 'bool', default: true, usage: 'If true, ignore any errors in templates when a field or map key is missing in the template.' },
  'show-managed-fields': { type: 'bool', usage: 'If true, keep the managedFields when printing objects in JSON or YAML format.' },
} as const satisfies FlagSpecs;

interface Printable {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly managedFields?: unknown };
  readonly items?: readonly Printable[];
}

/** Prints an object (or a list object) in one of kubectl's machine-readable forms. */
export type ObjectPrinter = (object: unknown) => string;

/** The printer that `-o` asks for; undefined for the verb's own text (absent, `wide`). Forms in `columns` are for verbs that show tables. Throws KubectlError for an unknown format. */
export function objectPrinter(flags: Flags, { columns = false }: { readonly columns?: boolean } = {}): ObjectPrinter | undefined {
  const output = flags.string('output');
  const equals = output.indexOf('=');
  const given = equals < 0 ? output : output.slice(0, equals);
  // `--template` alone means a Go template.
  const format = given === '' && flags.changed('template') ? 'go-template' : given;
  const argument = equals < 0 ? flags.string('template') : output.slice(equals + 1);
  const allowMissingKeys = flags.bool('allow-missing-template-keys');
  const needArgument = (): string => {
    if (!argument) throw new KubectlError(format === 'custom-columns' ? 'custom-columns format specified but no custom columns given' : 'template format specified but no template given');
    return argument;
  };
  if (equals >= 0 && ['json', 'yaml', 'kyaml', 'name', 'wide'].includes(format)) throw unknownFormat(output, columns);
  const clean = flags.bool('show-managed-fields') ? (object: unknown) => object : withoutManagedFields;
  switch (format) {
    case '':
      return undefined;
    case 'wide':
      if (columns) return undefined;
      throw unknownFormat(output, columns);
    case 'json':
      return (object) => `${JSON.stringify(sortKeys(clean(object)), null, 4)}\n`;
    case 'yaml':
      return (object) => toYaml(clean(object));
    case 'kyaml':
      return (object) => toKyaml(clean(object));
    case 'name':
      return (object) => ((object as Printable).items ?? [object as Printable]).map((item) => `${nameOf(item)}\n`).join('');
    case 'jsonpath':
    case 'jsonpath-file': {
      const source = format === 'jsonpath' ? needArgument() : readText(needArgument(), '--template');
      const template = compilePath(source);
      return (object) => runPath(() => template(object, { allowMissingKeys }), source, object);
    }
    case 'jsonpath-as-json': {
      const template = needArgument();
      compilePath(template);
      return (object) => runPath(() => findEach(template, object, { allowMissingKeys }), template, object).map((found) => `${JSON.stringify(sortKeys(found), null, 4)}\n`).join('');
    }
    case 'go-template':
    case 'go-template-file':
    case 'template':
    case 'templatefile': {
      const source = format.endsWith('file') ? readText(needArgument(), '--template') : needArgument();
      const template = compileTemplate(source, allowMissingKeys);
      return (object) => runTemplate(template, source, object);
    }
    case 'custom-columns':
    case 'custom-columns-file':
      if (!columns) throw unknownFormat(output, columns);
      return customColumns(format === 'custom-columns' ? needArgument() : columnsOfFile(needArgument()), !(flags.has('no-headers') && flags.bool('no-headers')), flags.bool('show-managed-fields'));
    default:
      throw unknownFormat(output, columns);
  }
}

function unknownFormat(output: string, columns: boolean): KubectlError {
  return new KubectlError(`unable to match a printer suitable for the output format "${output}", allowed formats are: ${columns ? 'custom-columns,custom-columns-file,' : ''}go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,${columns ? 'wide,' : ''}yaml`);
}

function readText(file: string, noun: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new KubectlError(`error reading ${noun} ${file}, open ${file}: no such file or directory`);
  }
}

function compilePath(source: string): JsonPathTemplate {
  try {
    return compileJsonPath(source);
  } catch (error) {
    if (!(error instanceof JsonPathError)) throw error;
    throw new KubectlError(`error parsing jsonpath ${source}, ${error.message}`);
  }
}

function runPath<T>(run: () => T, source: string, object: unknown): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof JsonPathError)) throw error;
    throw new KubectlError(`error executing jsonpath ${JSON.stringify(source)}: Error executing template: ${error.message}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${source}\n\tobject given to jsonpath engine was:\n\t\t${goSyntax(object)}\n\n`);
  }
}

function compileTemplate(source: string, allowMissingKeys: boolean): (data: unknown) => string {
  try {
    return compileGoTemplate(source, { allowMissingKeys });
  } catch (error) {
    if (!(error instanceof GoTemplateError)) throw error;
    throw new KubectlError(`error parsing template ${source}, ${error.message}`);
  }
}

/** What was printed before the fault stands in the output, and behind it what helps to find the fault. */
function runTemplate(template: (data: unknown) => string, source: string, data: unknown): string {
  try {
    return template(data);
  } catch (error) {
    if (!(error instanceof GoTemplateError)) throw error;
    const help = `Error executing template: ${error.message}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${source}\n\traw data was:\n\t\t${goJson(data)}\n\tobject given to template engine was:\n\t\t${goMap(data)}\n\n`;
    throw new KubectlError(`error executing template ${goQuote(source)}: ${error.message}`, { printed: error.printed + help });
  }
}

function nameOf(item: Printable): string {
  const { group } = parseApiVersion(item.apiVersion ?? 'v1');
  return `${(item.kind ?? '').toLowerCase()}${group ? `.${group}` : ''}/${item.metadata?.name ?? ''}`;
}

export function withoutManagedFields(object: unknown): unknown {
  const printable = object as Printable;
  if (printable.items) return { ...printable, items: printable.items.map(withoutManagedFields) };
  if (printable.metadata?.managedFields === undefined) return object;
  const { managedFields: _dropped, ...metadata } = printable.metadata;
  return { ...printable, metadata };
}

function columnsOfFile(file: string): string {
  const [headers = '', paths = ''] = readText(file, 'template').split('\n');
  const names = headers.trim().split(/\s+/);
  return paths.trim().split(/\s+/).map((path, i) => `${names[i]}:${path}`).join(',');
}

function customColumns(spec: string, headers: boolean, managedFields: boolean): ObjectPrinter {
  const columns = spec.split(',').map((part) => {
    const colon = part.indexOf(':');
    if (colon < 0) throw new KubectlError(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`);
    return { header: part.slice(0, colon), path: part.length === colon + 1 ? undefined : relaxedJsonPath(part.slice(colon + 1)) };
  });
  // What a watch prints later stands under the same header, in the same columns.
  const widths: number[] = [];
  let headed = !headers;
  return (object) => {
    const items = (object as Printable).items ?? [object as Printable];
    const rows = items.map((item) => columns.map(({ path }) => {
      if (path === undefined) return '<none>';
      const found = findAll(path, managedFields ? item : withoutManagedFields(item), { allowMissingKeys: true });
      return found.length === 0 ? '<none>' : found.map((value) => (value !== null && typeof value === 'object' ? goMap(value) : String(value ?? '<nil>'))).join(',');
    }));
    const shown = headed ? rows : [columns.map(({ header }) => header), ...rows];
    headed = true;
    return textTable(shown, widths);
  };
}
