import { isMap, isScalar, LineCounter, parseDocument, visit, type YAMLParseError } from 'yaml';

export interface YamlText {
  readonly value: unknown;
  /** What a strict reader refuses, as one text: keys that come twice. */
  readonly fault?: string;
}

/**
 * Reads a YAML document; of keys that come twice the last one counts. `strictly`: such keys are told, worded as Go's decoder words them:
 * `yaml: unmarshal errors:\n  line 9: key "foo" already set in map`. Throws YAMLParseError.
 */
export function parseYamlText(text: string, strictly: boolean): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { strict: strictly, uniqueKeys: false, lineCounter: lines });
  const [error]: readonly YAMLParseError[] = document.errors;
  if (error) throw error;
  const value: unknown = document.toJS({ maxAliasCount: 100 });
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
