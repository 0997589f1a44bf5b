import { generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { fixedSignature, JsonWebTokenKey } from './json-web-token.ts';

const der = (r: string, s: string): Buffer => {
  const number = (hex: string): string => `02${(hex.length / 2).toString(16).padStart(2, '0')}${hex}`;
  const body = number(r) + number(s);
  return Buffer.from(`30${(body.length / 2).toString(16)}${body}`, 'hex');
};

test.each([
  ['full', 'ab'.repeat(32).replace(/^ab/, '7b'), '11'.repeat(32)],
  ['with the zero that keeps a number positive', `00${'ff'.repeat(32)}`, `00${'80'.repeat(32)}`],
  ['short', '01', `7f${'22'.repeat(29)}`],
  ['short, with a zero', '0080', '11'.repeat(31)],
])('the numbers of a signature fill 32 bytes each: %s', (_, r, s) => {
  const fixed = (hex: string): string => hex.slice(-64).padStart(64, '0');
  expect(fixedSignature(der(r, s)).toString('hex')).toBe(fixed(r) + fixed(s));
});

test.each([['ec', { namedCurve: 'P-256' }], ['rsa', { modulusLength: 2048 }]] as const)('others take our tokens for what they are (%s)', async (type, options) => {
  const { privateKey, publicKey } = generateKeyPairSync(type as 'ec', options as { namedCurve: string });
  const key = new JsonWebTokenKey(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  for (let i = 0; i < 20; i++) {
    const token = key.sign({ sub: `someone ${i}` });
    expect((await jwtVerify(token, publicKey)).payload.sub).toBe(`someone ${i}`);
    expect(key.read(token)).toEqual({ sub: `someone ${i}` });
  }
});
