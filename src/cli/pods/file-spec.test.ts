import { expect, it } from 'vitest';
import { parseFileSpec } from './file-spec.ts';

it.each([
  ['a/b', 'a/b'], ['pod:/x', { pod: 'pod', path: '/x' }], ['ns/pod:x', { namespace: 'ns', pod: 'pod', path: 'x' }], ['./a:b', './a:b'], ['/tmp/a:b', '/tmp/a:b'],
])('%s', (text, expected) => expect(parseFileSpec(text)).toEqual(expected));

it.each([[':x', 'filespec must match'], ['a/b/c:x', 'filespec must match'], ['pod:', 'filepath can not be empty']])('%s is refused', (text, message) => expect(() => parseFileSpec(text)).toThrow(message));
