import { expect, test } from 'vitest';
import { connectRuntime } from './connect.ts';
import { isRuntimeError } from './runtime.ts';
import { taskEvent } from './task-event.ts';

test('a runtime that is away is Unavailable', async () => {
  await using runtime = connectRuntime('/nonexistent/wherry-test.sock');
  const error = await runtime.version().catch((fault: unknown) => fault);
  expect(isRuntimeError(error, 'Unavailable')).toBe(true);
});

/** Strings and numbers (varints under 128) by field number, as protobuf writes them. */
function message(fields: Record<number, string | number>): Uint8Array {
  return Buffer.concat(Object.entries(fields).map(([number, value]) => (typeof value === 'number'
    ? Buffer.from([Number(number) * 8, value])
    : Buffer.concat([Buffer.from([Number(number) * 8 + 2, value.length]), Buffer.from(value)]))));
}

test.each([
  ['the end of a container', '/tasks/exit', { 1: 'c', 2: 'c', 3: 42, 4: 1 }, { type: 'stopped', id: 'c' }],
  ['not the end of a command in it', '/tasks/exit', { 1: 'c', 2: 'exec-1', 3: 42 }, undefined],
  ['its start', '/tasks/start', { 1: 'c', 2: 42 }, { type: 'started', id: 'c' }],
  ['nothing else', '/tasks/oom', { 1: 'c' }, undefined],
])("containerd's events tell %s", (_, topic, fields, expected) => {
  expect(taskEvent({ topic, event: { value: message(fields as Record<number, string | number>) } })).toEqual(expected);
});
