import { expect, test } from 'vitest';
import { shimOf } from './runtime-leftovers.ts';

const socket = '/data/nodes/one/containerd.sock';

test.each([
  ['a shim of ours', ['/usr/bin/containerd-shim-runc-v2', '-namespace', 'k8s.io', '-id', 'abc', '-address', socket], 'abc'],
  ['of another containerd', ['/usr/bin/containerd-shim-runc-v2', '-namespace', 'k8s.io', '-id', 'abc', '-address', '/run/containerd/containerd.sock'], undefined],
  ['of a node whose name begins as ours', ['/usr/bin/containerd-shim-runc-v2', '-namespace', 'k8s.io', '-id', 'abc', '-address', `${socket}.ttrpc`], undefined],
  ['of another namespace', ['/usr/bin/containerd-shim-runc-v2', '-namespace', 'moby', '-id', 'abc', '-address', socket], undefined],
  ['what only names one', ['less', '/usr/bin/containerd-shim-runc-v2', '-namespace', 'k8s.io', '-id', 'abc', '-address', socket], undefined],
  ['a process without a command line', [], undefined],
])('%s', (_, words, expected) => {
  expect(shimOf(words, socket)).toBe(expected);
});
