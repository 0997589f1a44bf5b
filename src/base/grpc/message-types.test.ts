import { expect, test } from 'vitest';
import { MessageTypes } from './message-types.ts';

const types = new MessageTypes({
  Every: 'text=1:string flag=2:bool small=3:int32 large=4:int64 count=5:uint64 ratio=6:double blob=7:bytes colour=8:Colour inner=9:Every '
    + 'texts=10:string[] numbers=11:int64[] inners=12:Every[] labels=13:map<string,string> blobs=14:map<string,bytes> colours=16:Colour[]',
  Unpacked: 'number=11:int64',
  Newer: 'text=1:string later=99:string',
}, { Colour: 'RED=0 GREEN=1' });

const EMPTY = {
  text: '', flag: false, small: 0, large: 0, count: 0, ratio: 0, blob: Buffer.alloc(0), colour: 'RED', inner: null, texts: [], numbers: [], inners: [], labels: {}, blobs: {}, colours: [],
};
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

// The bytes on the left were worked out by hand from protobuf's encoding guide.
test.each<[string, string, Record<string, unknown>]>([
  ['nothing', '', {}],
  ['a text', '0a 03 c3a9 21', { text: 'é!' }],
  ['numbers', '18 9601 20 80808080 20', { small: 150, large: 2 ** 33 }],
  ['negative numbers in ten bytes', '18 ffffffffffffffffff01 20 feffffffffffffffff01', { small: -1, large: -2 }],
  ['a double and a flag', '10 01 31 000000000000f83f', { flag: true, ratio: 1.5 }],
  ['bytes and an enum by its name', '3a 02 00ff 40 01', { blob: hex('00ff'), colour: 'GREEN' }],
  ['a message, empty', '4a 00', { inner: EMPTY }],
  ['lists: numbers packed, others one by one', '52 01 61 52 01 62 5a 03 01 9601 62 03 0a 01 78 8201 02 01 00', { texts: ['a', 'b'], numbers: [1, 150], inners: [{ ...EMPTY, text: 'x' }], colours: ['GREEN', 'RED'] }],
  ['maps', '6a 06 0a 01 61 12 01 31 6a 06 0a 01 62 12 01 32 72 06 0a 01 63 12 01 ff', { labels: { a: '1', b: '2' }, blobs: { c: hex('ff') } }],
])('reads %s', (_, bytes, expected) => {
  expect(types.decode('Every', hex(bytes))).toEqual({ ...EMPTY, ...expected });
});

test.each<[string, Record<string, unknown>, string]>([
  ['what is there, in the order of the table', { text: 'a', labels: { k: 'v', j: '' }, numbers: [1, 150], texts: ['', 'b'] }, '0a 01 61 52 00 52 01 62 5a 03 01 9601 6a 06 0a 01 6b 12 01 76 6a 05 0a 01 6a 12 00'],
  ['neither what is undefined or null nor empty lists', { text: undefined, inner: null, texts: [], labels: {} }, ''],
  ['negative numbers, enums, messages', { small: -1, colour: 'GREEN', inner: { text: 'x' }, colours: ['GREEN'] }, '18 ffffffffffffffffff01 40 01 4a 03 0a 01 78 8201 01 01'],
])('writes %s', (_, object, bytes) => {
  expect(types.encode('Every', object).toString('hex')).toBe(hex(bytes).toString('hex'));
});

test('passes over fields of later releases, and takes lists of numbers also where they are not packed', () => {
  expect(types.decode('Every', types.encode('Newer', { text: 'a', later: 'z' }))).toEqual({ ...EMPTY, text: 'a' });
  const one = types.encode('Unpacked', { number: 7 });
  expect(types.decode('Every', Buffer.concat([one, one]))).toEqual({ ...EMPTY, numbers: [7, 7] });
});

test.each([['a broken length', '0a 05 61'], ['a tag alone', '0a'], ['an unknown kind of field', '0f']])('refuses %s', (_, bytes) => {
  expect(() => types.decode('Every', hex(bytes))).toThrow(/proto|EOF/);
});

test('refuses values that the table does not know', () => {
  expect(() => types.encode('Every', { colour: 'BLUE' })).toThrow('no value is called BLUE');
  expect(() => types.encode('None', {})).toThrow('no message is called None');
});
