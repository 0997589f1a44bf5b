import { expect, test } from 'vitest';
import { statusPatch } from './status-patch.ts';

const ready = (status: string, more = {}) => ({ type: 'Ready', status, lastTransitionTime: 't', ...more });

test('names only what differs', () => {
  expect(statusPatch('u', { phase: 'Pending', hostIP: '1.2.3.4' }, { phase: 'Running', hostIP: '1.2.3.4' })).toEqual({ metadata: { uid: 'u' }, status: { phase: 'Running' } });
  expect(statusPatch('u', { phase: 'Running', conditions: [ready('True')] }, { conditions: [ready('True')], phase: 'Running' })).toBeUndefined();
});

test('takes away what is gone', () => {
  expect(statusPatch('u', { phase: 'Running', message: 'x' }, { phase: 'Running' })?.status).toEqual({ message: null });
  expect(statusPatch('u', { conditions: [ready('False', { reason: 'R', message: 'm' })] }, { conditions: [ready('True')] })?.status).toEqual({
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: 't', reason: null, message: null }],
  });
  expect(statusPatch('u', { conditions: [{ type: 'PodResizePending', status: 'True' }] }, { conditions: [] })?.status).toEqual({ conditions: [{ type: 'PodResizePending', $patch: 'delete' }] });
});

test("leaves others' conditions to them", () => {
  const other = (status: string) => ({ type: 'example.com/gate', status });
  expect(statusPatch('u', { conditions: [other('True'), ready('False')] }, { conditions: [other('False'), ready('True')] })?.status).toEqual({ conditions: [ready('True')] });
  expect(statusPatch('u', { conditions: [other('True')] }, { conditions: [] })).toBeUndefined();
});

test('replaces addresses as a whole, for a merge would keep the old ones', () => {
  expect(statusPatch('u', { podIPs: [{ ip: '10.0.0.1' }] }, { podIPs: [{ ip: '10.0.0.2' }] })?.status).toEqual({ podIPs: [{ $patch: 'replace' }, { ip: '10.0.0.2' }] });
});
