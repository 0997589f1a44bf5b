/** How big a value may be: characters, bytes, items or entries. Infinity where nobody can tell. */
export interface Size {
  readonly min: number;
  readonly max: number;
}

export const UNKNOWN_SIZE: Size = { min: 0, max: Infinity };

/** What the characters of a string cost when all are looked at once. */
export const TRAVERSAL = 0.1;
/** What a character of a pattern costs for each unit of the string that it is tried on. */
export const PATTERN = 0.25;

export const fixedSize = (size: number): Size => ({ min: size, max: size });
export const add = (a: Size, b: Size): Size => ({ min: a.min + b.min, max: a.max + b.max });
export const union = (a: Size, b: Size): Size => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });

/** The product, where nothing times anything, even without end, is nothing. */
export const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);
export const multiply = (a: Size, b: Size): Size => ({ min: times(a.min, b.min), max: times(a.max, b.max) });
/** In whole units of cost. */
export const costOf = (size: number, factor: number): number => Math.ceil(times(size, factor));
