import { compareKeys } from './yaml-key-order.ts';
import { readsAsOther } from './yaml.ts';

/**
 * YAML in which nothing depends on blanks or on what a bare word may mean: braces, quoted texts, a comma behind everything; every reader of YAML reads it.
 * Upstream: sigs.k8s.io/yaml/kyaml.
 */
export function toKyaml(value: unknown): string {
  return `---\n${shown(value, '')}\n`;
}

function shown(value: unknown, margin: string): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return quoted(value, `${margin}  `);
  if (typeof value !== 'object') return String(value);
  const inner = `${margin}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    // Braces stand beside the brackets around them.
    const cuddled = value.every((item) => typeof item === 'object' && item !== null && Object.keys(item).length > 0);
    return cuddled ? `[${value.map((item) => shown(item, margin)).join(', ')}]` : `[\n${value.map((item) => `${inner}${shown(item, inner)},\n`).join('')}${margin}]`;
  }
  const keys = Object.keys(value).filter((key) => (value as Record<string, unknown>)[key] !== undefined).toSorted(compareKeys);
  if (keys.length === 0) return '{}';
  return `{\n${keys.map((key) => `${inner}${bareKey(key) ? key : JSON.stringify(key)}: ${shown((value as Record<string, unknown>)[key], inner)},\n`).join('')}${margin}}`;
}

const bareKey = (key: string): boolean => /^[A-Za-z_][\w./-]*$/.test(key) && !readsAsOther(key);

/** A text with line breaks stands in several lines, each behind a blank; where a line begins with a blank of its own, a backslash takes that place. */
function quoted(text: string, margin: string): string {
  if (!text.includes('\n')) return `"${escaped(text)}"`;
  const lines = text.split('\n');
  const last = lines.pop()!;
  const written = [...lines.map((line) => `${escaped(line)}\\n\\`), ...(last ? [`${escaped(last)}\\`] : [])];
  return `"\\\n${written.map((line) => `${margin}${/^[ \t]/.test(line) ? '\\' : ' '}${line}\n`).join('')}${margin}"`;
}

const LETTERS: Readonly<Record<string, string>> = { '\0': '\\0', '\u0007': '\\a', '\b': '\\b', '\v': '\\v', '\f': '\\f', '\r': '\\r', '\u001B': '\\e', '"': '\\"', '\\': '\\\\' };

function escaped(text: string): string {
  return text.replaceAll(/["\\]|[^\P{Cc}\t]/gu, (c) => LETTERS[c] ?? `\\x${c.codePointAt(0)!.toString(16).toUpperCase().padStart(2, '0')}`);
}
