import { randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * NaCl's secretbox: XSalsa20 with Poly1305, which node:crypto does not have. Written for what is at rest, a few kilobytes a time.
 * Upstream: golang.org/x/crypto/nacl/secretbox; https://nacl.cr.yp.to/secretbox.html.
 */
export const NONCE_LENGTH = 24;
const TAG_LENGTH = 16;
/** The first bytes of the stream are the key of the tag. */
const TAG_KEY_LENGTH = 32;

export function sealSecretBox(message: Uint8Array, key: Uint8Array, nonce: Uint8Array = randomBytes(NONCE_LENGTH)): Buffer {
  const stream = xsalsa20(key, nonce, TAG_KEY_LENGTH + message.length);
  const cipher = Buffer.alloc(message.length);
  for (let i = 0; i < message.length; i++) cipher[i] = message[i]! ^ stream[TAG_KEY_LENGTH + i]!;
  return Buffer.concat([poly1305(cipher, stream.subarray(0, TAG_KEY_LENGTH)), cipher]);
}

/** Undefined where the box was not made with this key. */
export function openSecretBox(box: Uint8Array, key: Uint8Array, nonce: Uint8Array): Buffer | undefined {
  if (box.length < TAG_LENGTH) return undefined;
  const cipher = box.subarray(TAG_LENGTH);
  const stream = xsalsa20(key, nonce, TAG_KEY_LENGTH + cipher.length);
  if (!timingSafeEqual(poly1305(cipher, stream.subarray(0, TAG_KEY_LENGTH)), box.subarray(0, TAG_LENGTH))) return undefined;
  const message = Buffer.alloc(cipher.length);
  for (let i = 0; i < cipher.length; i++) message[i] = cipher[i]! ^ stream[TAG_KEY_LENGTH + i]!;
  return message;
}

/** "expand 32-byte k" as four little-endian words. */
const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;

const word = (bytes: Uint8Array, at: number): number => (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** Ten double rounds of Salsa20 over a state of sixteen words, in place. */
function rounds(x: Uint32Array): void {
  const quarter = (a: number, b: number, c: number, d: number): void => {
    x[b]! ^= rotate((x[a]! + x[d]!) | 0, 7);
    x[c]! ^= rotate((x[b]! + x[a]!) | 0, 9);
    x[d]! ^= rotate((x[c]! + x[b]!) | 0, 13);
    x[a]! ^= rotate((x[d]! + x[c]!) | 0, 18);
  };
  for (let i = 0; i < 10; i++) {
    quarter(0, 4, 8, 12); quarter(5, 9, 13, 1); quarter(10, 14, 2, 6); quarter(15, 3, 7, 11);
    quarter(0, 1, 2, 3); quarter(5, 6, 7, 4); quarter(10, 11, 8, 9); quarter(15, 12, 13, 14);
  }
}

function stateOf(key: ArrayLike<number>, input: readonly number[]): Uint32Array {
  return Uint32Array.of(SIGMA[0], key[0]!, key[1]!, key[2]!, key[3]!, SIGMA[1], ...input, SIGMA[2], key[4]!, key[5]!, key[6]!, key[7]!, SIGMA[3]);
}

function xsalsa20(key: Uint8Array, nonce: Uint8Array, length: number): Buffer {
  const words = (bytes: Uint8Array, from: number, count: number): number[] => Array.from({ length: count }, (_, i) => word(bytes, from + 4 * i));
  const first = stateOf(words(key, 0, 8), words(nonce, 0, 4));
  rounds(first);
  const derived = [0, 5, 10, 15, 6, 7, 8, 9].map((i) => first[i]!);
  const out = Buffer.alloc(Math.ceil(length / 64) * 64);
  const tail = words(nonce, 16, 2);
  for (let block = 0; block * 64 < length; block++) {
    const input = stateOf(derived, [...tail, block >>> 0, 0]);
    const mixed = input.slice();
    rounds(mixed);
    for (let i = 0; i < 16; i++) out.writeUInt32LE((mixed[i]! + input[i]!) >>> 0, block * 64 + 4 * i);
  }
  return out.subarray(0, length);
}

const PRIME = (1n << 130n) - 5n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex') || '0'}`);

function poly1305(message: Uint8Array, key: Uint8Array): Buffer {
  const r = number(key.subarray(0, 16)) & CLAMP;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const block = message.subarray(at, at + 16);
    sum = ((sum + number(block) + (1n << BigInt(8 * block.length))) * r) % PRIME;
  }
  const tag = (sum + number(key.subarray(16, 32))) & ((1n << 128n) - 1n);
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse();
}
