import { randomFillSync, randomUUID } from 'node:crypto';

/** The only source of randomness; tests pass a seeded one. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  uuid(): string;
}

/** Drawn in advance: asking the system takes much longer than the number itself. */
const drawn = Buffer.alloc(6 * 512);
let used = drawn.length;

export const systemRandom: Random = {
  next() {
    if (used === drawn.length) {
      randomFillSync(drawn);
      used = 0;
    }
    used += 6;
    return drawn.readUIntBE(used - 6, 6) / 2 ** 48;
  },
  uuid: () => randomUUID(),
};

/** A small reproducible generator (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const hex = (digits: number): string => Array.from({ length: digits }, () => Math.floor(next() * 16).toString(16)).join('');
  return { next, uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}` };
}

/** No vowels and no look-alikes, so that no word and no doubt comes up. Upstream: apimachinery util/rand. */
const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** The random end of a generated name, `kubia-7d4f5c-x2k8q`. */
export function nameSuffix(random: Random, length = 5): string {
  let suffix = '';
  while (suffix.length < length) suffix += SUFFIX_ALPHABET[Math.floor(random.next() * SUFFIX_ALPHABET.length)];
  return suffix;
}
