/** Field selectors: `metadata.name=kubia,status.phase!=Running`. Upstream: apimachinery pkg/fields/selector.go. */
export interface FieldTerm {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

export class FieldSelectorError extends Error {
  override readonly name = 'FieldSelectorError';
}

export class FieldSelector {
  readonly terms: readonly FieldTerm[];

  constructor(terms: readonly FieldTerm[]) {
    this.terms = terms;
  }

  get empty(): boolean {
    return this.terms.length === 0;
  }

  /** `fields` answers the selectable fields of an object; a field that it does not have counts as the empty string. */
  matches(fields: Readonly<Record<string, string>>): boolean {
    return this.terms.every(({ field, operator, value }) => ((fields[field] ?? '') === value) === (operator === '='));
  }

  /** The one value that `field` must have, where the selector says so. */
  exactValue(field: string): string | undefined {
    return this.terms.find((term) => term.field === field && term.operator === '=')?.value;
  }

  toString(): string {
    return this.terms.map(({ field, operator, value }) => `${field}${operator}${value.replace(/[\\,=]/g, '\\$&')}`).join(',');
  }
}

export const anyField = new FieldSelector([]);

/** Throws a FieldSelectorError worded as upstream's. Which fields a kind knows is the caller's to check (`field label not supported: …`). */
export function parseFieldSelector(source: string): FieldSelector {
  if (source === '') return anyField;
  const terms: FieldTerm[] = [];
  for (const part of splitUnescaped(source).sort()) {
    if (part === '') continue;
    const match = /^(.*?)(!=|==|=)(.*)$/s.exec(part);
    if (!match) throw new FieldSelectorError(`invalid selector: '${source}'; can't understand '${part}'`);
    terms.push({ field: match[1]!, operator: match[2] === '!=' ? '!=' : '=', value: unescape(match[3]!) });
  }
  return new FieldSelector(terms);
}

function splitUnescaped(source: string): string[] {
  const parts = [''];
  for (let i = 0; i < source.length; i++) {
    if (source[i] === ',') parts.push('');
    else if (source[i] === '\\') parts[parts.length - 1] += source[i]! + (source[++i] ?? '');
    else parts[parts.length - 1] += source[i]!;
  }
  return parts;
}

function unescape(value: string): string {
  let result = '';
  for (let i = 0; i < value.length; i++) {
    const character = value[i]!;
    if (character === '\\') {
      const next = value[++i];
      if (next === undefined || !'\\,='.includes(next)) throw new FieldSelectorError(`invalid field selector: invalid escape sequence: \\${next ?? ''}`);
      result += next;
    } else if (character === ',' || character === '=') {
      throw new FieldSelectorError(`invalid field selector: unescaped character in value: ${character.charCodeAt(0)}`);
    } else {
      result += character;
    }
  }
  return result;
}
