import { isMap, isScalar, LineCounter, parseDocument, visit, type YAMLParseError } from 'yaml';
import { MANIFEST_YAML } from '../../base/manifest-yaml.ts';
import { isTextTooDeep } from '../../api/schema/depth.ts';
import { JsonSyntaxError, parseJson, parseJsonStrictly } from '../../api/schema/json-text.ts';

export interface YamlText {
  readonly value: unknown;
  /** What a strict reader refuses, as one text: keys that come twice. */
  readonly fault?: string;
}

/**
 * Reads a YAML document; of keys that come twice the last one counts. `strictly`: such keys are told, worded as Go's decoder words them:
 * `yaml: unmarshal errors:\n  line 9: key "foo" already set in map`. Throws YAMLParseError,
 * and JsonSyntaxError for what is YAML but no tree of values: circles, aliases without an anchor or of too much, and what is nested too deep.
 */
export function parseYamlText(text: string, strictly: boolean): YamlText {
  return parseJsonText(text, strictly) ?? parseYaml(text, strictly);
}

/** Most YAML that programs send is JSON, which is read some thirty times faster as such. Undefined where it is not, or where something is to be told of it. */
function parseJsonText(text: string, strictly: boolean): YamlText | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  // Reading that as YAML would take seconds, to find the same.
  if (isTextTooDeep(Buffer.from(text))) throw new JsonSyntaxError('exceeded max depth');
  try {
    if (!strictly) return { value: parseJson(text) };
    const { value, duplicates } = parseJsonStrictly(text);
    return duplicates.size > 0 ? undefined : { value };
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
}

function parseYaml(text: string, strictly: boolean): YamlText {
  try {
    return readYaml(text, strictly);
  } catch (error) {
    // The library tells by these errors of aliases (too many, or of nothing) and of its stack's end.
    if (error instanceof ReferenceError || error instanceof RangeError) throw new JsonSyntaxError(`yaml: ${error.message}`);
    throw error;
  }
}

/** Throws where a value holds itself. `pending` has each value to look into, and after its members the value again, when it is left. */
function refuseCircles(root: unknown): void {
  const above = new Set<object>();
  const pending: { readonly value: object; readonly leaving: boolean }[] = [];
  const enter = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (above.has(value)) throw new JsonSyntaxError('yaml: anchor contains itself');
    pending.push({ value, leaving: false });
  };
  enter(root);
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (next.leaving) {
      above.delete(next.value);
      continue;
    }
    if (above.has(next.value)) throw new JsonSyntaxError('yaml: anchor contains itself');
    above.add(next.value);
    pending.push({ value: next.value, leaving: true });
    for (const member of Object.values(next.value)) enter(member);
  }
}

function readYaml(text: string, strictly: boolean): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { ...MANIFEST_YAML, strict: strictly, uniqueKeys: false, lineCounter: lines });
  const [error]: readonly YAMLParseError[] = document.errors;
  if (error) throw error;
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  if (text.includes('&')) refuseCircles(value);
  if (!strictly) return { value };
  const faults: string[] = [];
  visit(document, (_, node) => {
    if (!isMap(node)) return;
    const seen = new Set<unknown>();
    for (const { key } of node.items) {
      if (!isScalar(key)) continue;
      if (seen.has(key.value)) faults.push(`  line ${lines.linePos(key.range?.[0] ?? 0).line}: key ${JSON.stringify(key.value)} already set in map`);
      seen.add(key.value);
    }
  });
  return faults.length > 0 ? { value, fault: `yaml: unmarshal errors:\n${faults.join('\n')}` } : { value };
}
