import { expect, it } from 'vitest';
import { DetachKeys } from './detach-keys.ts';

/** Feeds each text as one read; '|' is the end of the attachment. */
const typed = (keys: string, ...reads: string[]): string => {
  const detach = new DetachKeys(keys);
  return reads.map((read) => detach.take(Buffer.from(read))?.toString() ?? '|').join('');
};

it.each([
  ['', ['a', '\x10', '\x11'], 'a|'], ['', ['\x10\x11'], '\x10\x11'], ['', ['\x10', 'x', '\x11'], '\x10x\x11'], ['', ['\x10', 'xy'], '\x10xy'], ['a,b', ['a', 'b'], '|'], ['ctrl-@', ['\0'], '|'],
  ['ctrl-[,x', ['\x1b', 'x'], '|'],
])('of the keys %j, %j gives %j', (keys, reads, wanted) => expect(typed(keys, ...reads)).toBe(wanted));

it('refuses keys that no keyboard has', () => expect(() => new DetachKeys('ctrl-1')).toThrow("could not bind detach keys: Unknown character: 'ctrl-1'"));
