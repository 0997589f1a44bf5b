import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Pod } from '../../api/generated/core-v1.ts';
import { UserNamespaces } from './user-namespaces.ts';

test('each pod has a range of its own, also after a restart, until it is gone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'userns-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const pod = (uid: string, hostUsers?: boolean): Pod => {
    mkdirSync(join(folder, uid), { recursive: true });
    return { metadata: { uid }, spec: { containers: [], ...(hostUsers !== undefined && { hostUsers }) } } as unknown as Pod;
  };
  const first = new UserNamespaces(folder, 2);
  expect(first.of(pod('host'))).toBe(undefined);
  expect(first.of(pod('told', true))).toBe(undefined);
  const range = (hostId: number) => ({ mode: 'POD', uids: [{ hostId, containerId: 0, length: 65_536 }], gids: [{ hostId, containerId: 0, length: 65_536 }] });
  expect(first.of(pod('a', false))).toEqual(range(65_536));
  expect(first.of(pod('b', false))).toEqual(range(131_072));
  expect(first.of(pod('a', false))).toEqual(range(65_536));
  expect(JSON.parse(readFileSync(join(folder, 'b/userns'), 'utf8'))).toEqual({ uidMappings: [{ hostId: 131_072, containerId: 0, length: 65_536 }], gidMappings: [{ hostId: 131_072, containerId: 0, length: 65_536 }] });
  expect(() => first.of(pod('c', false))).toThrow('could not find an empty slot to allocate a user namespace');

  const second = new UserNamespaces(folder, 2);
  expect(second.of(pod('b', false))).toEqual(range(131_072));
  second.release('a');
  rmSync(join(folder, 'a'), { recursive: true });
  expect(second.of(pod('c', false))).toEqual(range(65_536));
});
