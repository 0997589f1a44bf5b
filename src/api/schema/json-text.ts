/** Duplicate keys of a parsed text: for each object that has any, the keys that came more than once. */
export type DuplicateKeys = ReadonlyMap<object, readonly string[]>;

/** A text that is not JSON; the message is worded as Go's decoder words it. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

/** Reads JSON. Faults are worded as Go's: `invalid character 'x' looking for beginning of value`. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return readJson(text).value; // Throws the same fault in Go's words.
  }
}

/** Reads JSON and notes keys that come twice in one object (the last one counts). */
export function parseJsonStrictly(text: string): { readonly value: unknown; readonly duplicates: DuplicateKeys } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return readJson(text); // Throws the same fault in Go's words.
  }
  // What looks like a key may stand in a string, so that at least as many are seen as there are. As many as there are in the value: none came twice.
  return keysSeen(text) === keysIn(value) ? { value, duplicates: none } : readJson(text);
}

const none: DuplicateKeys = new Map();

function keysSeen(text: string): number {
  const key = /"[ \t\n\r]*:/g;
  let count = 0;
  while (key.test(text)) count++;
  return count;
}

function keysIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += keysIn(item);
    return count;
  }
  for (const key in value) count += 1 + keysIn((value as Record<string, unknown>)[key]);
  return count;
}

/** The same about ten times slower than JSON.parse, with Go's words for faults. */
function readJson(text: string): { readonly value: unknown; readonly duplicates: DuplicateKeys } {
  const reader = new Reader(text);
  return { value: reader.document(), duplicates: reader.duplicates };
}

const shown = (character: string): string => (character === "'" ? `'\\''` : character === '"' ? `'"'` : `'${JSON.stringify(character).slice(1, -1)}'`);

class Reader {
  readonly duplicates = new Map<object, string[]>();
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    const value = this.#value('looking for beginning of value');
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail('after top-level value');
    return value;
  }

  #fail(where: string): never {
    if (this.#at >= this.#text.length) throw new JsonSyntaxError('unexpected end of JSON input');
    throw new JsonSyntaxError(`invalid character ${shown(String.fromCodePoint(this.#text.codePointAt(this.#at)!))} ${where}`);
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.#at++;
    }
  }

  #value(where: string): unknown {
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === '{') return this.#object();
    if (first === '[') return this.#array();
    if (first === '"') return this.#string();
    if (first === 't') return this.#literal('true', true);
    if (first === 'f') return this.#literal('false', false);
    if (first === 'n') return this.#literal('null', null);
    if (first === '-' || (first !== undefined && first >= '0' && first <= '9')) return this.#number();
    return this.#fail(where);
  }

  #literal<T>(word: string, value: T): T {
    for (let i = 0; i < word.length; i++, this.#at++) {
      if (this.#text[this.#at] !== word[i]) this.#fail(`in literal ${word} (expecting ${shown(word[i]!)})`);
    }
    return value;
  }

  #number(): number {
    const match = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
    match.lastIndex = this.#at;
    const found = match.exec(this.#text);
    if (!found) {
      this.#at++;
      return this.#fail('in numeric literal');
    }
    this.#at += found[0].length;
    const next = this.#text[this.#at];
    if (next === '.') {
      this.#at++;
      return this.#fail('after decimal point in numeric literal');
    }
    if (next === 'e' || next === 'E') {
      this.#at++;
      return this.#fail('in exponent of numeric literal');
    }
    return Number(found[0]);
  }

  #string(): string {
    const start = this.#at++;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(code)) return this.#fail('in string literal');
      if (code < 32) return this.#fail('in string literal');
      if (code === 34) break;
      if (code === 92) {
        this.#at++;
        const escape = this.#text[this.#at];
        if (escape === undefined || !'"\\/bfnrtu'.includes(escape)) return this.#fail('in string escape code');
        if (escape === 'u') {
          for (let i = 0; i < 4; i++) {
            this.#at++;
            if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? '')) return this.#fail('in \\u hexadecimal character escape');
          }
        }
      }
      this.#at++;
    }
    this.#at++;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #array(): unknown[] {
    const items: unknown[] = [];
    this.#at++;
    this.#skipSpace();
    if (this.#text[this.#at] === ']') {
      this.#at++;
      return items;
    }
    for (;;) {
      items.push(this.#value('looking for beginning of value'));
      this.#skipSpace();
      const next = this.#text[this.#at];
      if (next !== ',' && next !== ']') return this.#fail('after array element');
      this.#at++;
      if (next === ']') return items;
    }
  }

  #object(): object {
    const object: Record<string, unknown> = {};
    this.#at++;
    this.#skipSpace();
    if (this.#text[this.#at] === '}') {
      this.#at++;
      return object;
    }
    for (;;) {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') return this.#fail('looking for beginning of object key string');
      const key = this.#string();
      this.#skipSpace();
      if (this.#text[this.#at] !== ':') return this.#fail('after object key');
      this.#at++;
      if (Object.hasOwn(object, key)) {
        const known = this.duplicates.get(object);
        if (!known) this.duplicates.set(object, [key]);
        else if (!known.includes(key)) known.push(key);
      }
      const value = this.#value('looking for beginning of value');
      // A key `__proto__` must become a field and not the prototype.
      if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      else object[key] = value;
      this.#skipSpace();
      const next = this.#text[this.#at];
      if (next !== ',' && next !== '}') return this.#fail('after object key:value pair');
      this.#at++;
      if (next === '}') return object;
    }
  }
}
