import { constants, inflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { SpdyReader, SpdyWriter } from './spdy-client.ts';
import { channelsOf } from './translate-channels.ts';

test('opens odd streams, whose headers are one compressed stream over all frames', () => {
  const writer = new SpdyWriter();
  const opened = [writer.open({ streamtype: 'error' }), writer.open({ streamtype: 'stdin' })];
  expect(opened.map(({ stream }) => stream)).toEqual([1, 3]);
  // Version 3, SYN_STREAM, no flags, the length, stream 1, associated to none, priority 0, slot 0.
  const [first, second] = opened.map(({ frame }) => frame) as [Buffer, Buffer];
  expect(first.toString('hex')).toMatch(/^80030001000000..00000001000000000000/);
  expect(first.readUInt32BE(4)).toBe(first.length - 8);
  // After the six bytes that name the dictionary comes plain deflate, which stops at a flush in each frame.
  const headers = inflateRawSync(Buffer.concat([first.subarray(24), second.subarray(18)]), { finishFlush: constants.Z_SYNC_FLUSH });
  expect(first.subarray(18, 24).toString('hex')).toBe('78bbe3c6a7c2');
  expect(headers.toString('latin1')).toBe('\0\0\0\x01\0\0\0\nstreamtype\0\0\0\x05error\0\0\0\x01\0\0\0\nstreamtype\0\0\0\x05stdin');
});

test('reads back what is written, in whatever pieces it comes', () => {
  const writer = new SpdyWriter();
  const payload = Buffer.alloc(200_000, 'abc');
  const bytes = Buffer.concat([
    writer.data(3, payload), Buffer.from('80030003000000080000000500000005', 'hex'), writer.pong(2), writer.end(3), Buffer.from('80030004000000040000000000', 'hex').subarray(0, 12),
    Buffer.from('80030002010000040000000980030007000000080000000000000000', 'hex'),
  ]);
  for (const size of [1, 7, 65_536, bytes.length]) {
    const reader = new SpdyReader();
    const frames = [];
    for (let at = 0; at < bytes.length; at += size) frames.push(...reader.read(bytes.subarray(at, at + size)));
    const data = frames.flatMap((frame) => (frame.type === 'data' && frame.payload.length > 0 ? [frame.payload] : []));
    expect(Buffer.concat(data).equals(payload)).toBe(true);
    expect(frames.slice(data.length)).toEqual([
      { type: 'reset', stream: 5 }, { type: 'ping', id: 2 }, { type: 'data', stream: 3, payload: Buffer.alloc(0), last: true },
      { type: 'data', stream: 9, payload: Buffer.alloc(0), last: true }, { type: 'goaway' },
    ]);
  }
});

test('a terminal has sizes and no standard error', () => {
  expect(channelsOf({ stdin: true, stdout: true, stderr: true, tty: false })).toEqual([[3, 'error'], [0, 'stdin'], [1, 'stdout'], [2, 'stderr']]);
  expect(channelsOf({ stdin: true, stdout: true, stderr: true, tty: true })).toEqual([[3, 'error'], [0, 'stdin'], [1, 'stdout'], [4, 'resize']]);
  expect(channelsOf({ stdin: false, stdout: true, stderr: false, tty: false })).toEqual([[3, 'error'], [1, 'stdout']]);
});
