import { isMap, isScalar, isSeq, parseAllDocuments, type Node, type Pair } from 'yaml';
import { resolve, type KindSchema, type Schema } from './schema.ts';

export interface TextFault {
  readonly from: number;
  readonly to: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

export type FindSchema = (apiVersion: string, kind: string) => Promise<KindSchema | undefined>;

/** What is wrong with a text of YAML documents, as far as grammar and schemas tell; the server has the last word. */
export async function faultsIn(text: string, find: FindSchema): Promise<readonly TextFault[]> {
  const faults: TextFault[] = [];
  for (const document of parseAllDocuments(text)) {
    for (const {
      pos: [from, to],
      message,
    } of [...document.errors, ...document.warnings])
      faults.push({ from, to: Math.max(to, from + 1), severity: 'error', message: message.split('\n')[0]! });
    const { contents } = document;
    if (document.errors.length > 0 || !isMap(contents)) continue;
    const [apiVersion, kind] = [contents.get('apiVersion'), contents.get('kind')];
    if (typeof apiVersion !== 'string' || typeof kind !== 'string') continue;
    const schema = await find(apiVersion, kind);
    if (schema) check(contents, schema.root, schema, faults);
  }
  return faults
    .filter(({ from, to }) => from <= text.length && to <= text.length + 1)
    .map((fault) => ({ ...fault, to: Math.min(fault.to, text.length) }));
}

function check(node: Node, found: Schema, kind: KindSchema, faults: TextFault[]): void {
  const schema = resolve(found, kind.definitions);
  if (!schema || schema['x-kubernetes-preserve-unknown-fields']) return;
  const say = (at: Node, message: string, severity: TextFault['severity'] = 'warning'): void => {
    if (at.range) faults.push({ from: at.range[0], to: Math.max(at.range[1], at.range[0] + 1), severity, message });
  };
  const { properties, additionalProperties } = schema;
  if (isMap(node)) {
    if (schema.type === 'array' || schema.type === 'string')
      return say(node, `${schema.type === 'array' ? 'a list' : 'a text'} is expected here`, 'error');
    for (const { key, value } of node.items as Pair<Node, Node | null>[]) {
      if (!isScalar(key)) continue;
      const below = properties?.[String(key.value)] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
      if (below && value) check(value, below, kind, faults);
      else if (!below && properties && additionalProperties !== true) say(key, `there is no field ${String(key.value)} here`);
    }
  } else if (isSeq(node)) {
    if (schema.type !== undefined && schema.type !== 'array')
      return say(node, `no list is expected here, but ${schema.type === 'object' ? 'a mapping' : `a ${schema.type}`}`, 'error');
    for (const item of node.items as Node[]) if (schema.items && item) check(item, schema.items, kind, faults);
  } else if (isScalar(node) && node.value !== null) {
    const { type, format } = schema;
    const is = typeof node.value;
    const free = schema['x-kubernetes-int-or-string'] || schema.oneOf || format === 'int-or-string';
    if (free) return;
    if (type === 'object' || type === 'array')
      say(node, type === 'array' ? 'a list is expected here' : 'a mapping is expected here', 'error');
    else if (type === 'string' && is !== 'string' && !(node.value instanceof Date))
      say(node, 'a text is expected here: put it in quotes', 'error');
    else if ((type === 'integer' || type === 'number') && is !== 'number') say(node, 'a number is expected here', 'error');
    else if (type === 'boolean' && is !== 'boolean') say(node, 'true or false is expected here', 'error');
    else if (schema.enum && !schema.enum.includes(node.value)) say(node, `one of ${schema.enum.join(', ')} is expected here`);
  }
}
