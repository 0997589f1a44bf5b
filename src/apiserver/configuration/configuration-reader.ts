import { UserError } from '../../base/user-error.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Reads one object of a configuration document, and tells of what is wrong where it is. */
export class ConfigurationReader {
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #source: string;

  /** `source`: the document's kind and file, for messages. Throws UserError where `value` is no object. */
  constructor(value: unknown, source: string, path = '') {
    this.#source = source;
    this.#path = path;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UserError(`${source}: ${path || 'the document'} must be an object`);
    this.#value = value as Readonly<Record<string, unknown>>;
  }

  /** The object itself. */
  get value(): Readonly<Record<string, unknown>> {
    return this.#value;
  }

  /** Throws where the object has other members. */
  knows(...names: readonly string[]): void {
    const unknown = Object.keys(this.#value).find((name) => !names.includes(name));
    if (unknown !== undefined) throw this.fault(unknown, `unknown field; there are ${names.join(', ')}`);
  }

  has(name: string): boolean {
    return this.#value[name] !== undefined && this.#value[name] !== null;
  }

  text(name: string): string | undefined {
    return this.#of(name, 'string', 'text');
  }

  /** Throws where it is missing or empty. */
  mustText(name: string): string {
    const value = this.text(name);
    if (!value) throw this.fault(name, 'is required');
    return value;
  }

  truth(name: string): boolean | undefined {
    return this.#of(name, 'boolean', 'true or false');
  }

  /** In milliseconds: `3s`, `1m30s`, `500ms`. */
  duration(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) throw this.fault(name, 'must be a duration, as 3s or 1m30s');
    return [...text.matchAll(/([\d.]+)(ms|s|m|h)/g)].reduce((sum, [, number, unit]) => sum + Number(number) * UNITS[unit!]!, 0);
  }

  texts(name: string): readonly string[] {
    return this.#array(name).map((value, i) => {
      if (typeof value !== 'string') throw this.fault(`${name}[${i}]`, 'must be text');
      return value;
    });
  }

  list(name: string): readonly ConfigurationReader[] {
    return this.#array(name).map((value, i) => new ConfigurationReader(value, this.#source, this.#at(`${name}[${i}]`)));
  }

  object(name: string): ConfigurationReader | undefined {
    return this.has(name) ? new ConfigurationReader(this.#value[name], this.#source, this.#at(name)) : undefined;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.text(name);
    if (!allowed.includes(value as T)) throw this.fault(name, `must be one of ${allowed.join(', ')}`);
    return value as T;
  }

  someOf<T extends string>(name: string, allowed: readonly T[]): readonly T[] {
    return this.texts(name).map((value, i) => {
      if (!allowed.includes(value as T)) throw this.fault(`${name}[${i}]`, `must be one of ${allowed.join(', ')}`);
      return value as T;
    });
  }

  fault(name: string, message: string): UserError {
    return new UserError(`${this.#source}: ${this.#at(name)}: ${message}`);
  }

  #of<T>(name: string, type: 'string' | 'boolean', words: string): T | undefined {
    if (!this.has(name)) return undefined;
    if (typeof this.#value[name] !== type) throw this.fault(name, `must be ${words}`);
    return this.#value[name] as T;
  }

  #array(name: string): readonly unknown[] {
    if (!this.has(name)) return [];
    const value = this.#value[name];
    if (!Array.isArray(value)) throw this.fault(name, 'must be a list');
    return value;
  }

  #at(name: string): string {
    return this.#path ? `${this.#path}.${name}` : name;
  }
}
