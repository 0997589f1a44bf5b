/**
 * How deep values may be nested. Much of what is done with a value calls itself for each level, and a value that ends the stack of one would be kept, and end others.
 * The deepest that people write, schemas of custom resources, have some fifty levels. (Upstream's decoder stops at 10,000.)
 */
export const DEEPEST = 500;

/** Whether a JSON value has more levels than may be. */
export function isTooDeep(value: unknown, left = DEEPEST): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (left === 0) return true;
  if (Array.isArray(value)) return value.some((item) => isTooDeep(item, left - 1));
  for (const name in value) if (isTooDeep((value as Record<string, unknown>)[name], left - 1)) return true;
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The same of JSON that is not parsed yet; of text that is no JSON, anything. */
export function isTextTooDeep(text: Uint8Array): boolean {
  // Each level takes two bytes.
  if (text.length <= 2 * DEEPEST) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case QUOTE:
        for (i++; i < text.length && text[i] !== QUOTE; i++) if (text[i] === BACKSLASH) i++;
        break;
      case 0x5b: case 0x7b: // [ {
        if (++depth > DEEPEST) return true;
        break;
      case 0x5d: case 0x7d: // ] }
        depth--;
        break;
      default:
    }
  }
  return false;
}
