import { expect, test } from 'vitest';
import type { Container, ContainerState, ContainerStatus, Pod } from '../../api/generated/core-v1.ts';
import { podPhase } from './phase.ts';

const ended = (exitCode: number): ContainerState => ({ terminated: { exitCode } });
const states: Record<string, { state: ContainerState; lastState?: ContainerState }> = {
  waiting: { state: { waiting: {} } }, running: { state: { running: {} } }, ok: { state: ended(0) }, failed: { state: ended(1) }, crashing: { state: { waiting: {} }, lastState: ended(1) },
};

/** Statuses as `app:running other:ok`; a name that begins with `i` is an init container's, with `s` a sidecar's. */
function phase(restartPolicy: string, text: string, terminal = false): string {
  const names = text.split(' ').filter(Boolean).map((part) => part.split(':') as [string, string]);
  const make = (name: string): Container => ({ name, ...(name.startsWith('s') && { restartPolicy: 'Always' }) });
  const pod = {
    metadata: {}, spec: { restartPolicy, initContainers: names.filter(([n]) => /^[is]/.test(n)).map(([n]) => make(n)), containers: names.filter(([n]) => !/^[is]/.test(n)).map(([n]) => make(n)) },
  } as unknown as Pod;
  const statuses = names.filter(([, state]) => state !== 'none').map(([name, state]): ContainerStatus => ({ name, ready: false, started: state === 'running', restartCount: 0, image: '', imageID: '', ...states[state]! }));
  return podPhase(pod, statuses, terminal, names.some(([n, s]) => !/^[is]/.test(n) && s === 'running'));
}

test.each([
  ['Always', 'app:waiting', 'Pending'], ['Always', 'app:none', 'Pending'], ['Always', 'app:running', 'Running'], ['Always', 'app:running other:waiting', 'Pending'],
  ['Always', 'app:running other:crashing', 'Running'], ['Always', 'app:ok', 'Running'], ['Always', 'app:crashing', 'Running'],
  ['OnFailure', 'app:ok other:failed', 'Running'], ['OnFailure', 'app:ok other:ok', 'Succeeded'], ['OnFailure', 'app:crashing', 'Running'],
  ['Never', 'app:ok other:failed', 'Failed'], ['Never', 'app:ok', 'Succeeded'], ['Never', 'app:ok other:running', 'Running'],
  ['Always', 'init:running app:waiting', 'Pending'], ['Always', 'init:failed app:waiting', 'Pending'], ['Never', 'init:failed app:waiting', 'Failed'], ['Always', 'init:ok app:running', 'Running'],
  ['Always', 's:running app:running', 'Running'], ['Always', 's:waiting app:waiting', 'Pending'], ['Never', 's:running app:ok', 'Running'], ['Never', 's:ok app:ok', 'Succeeded'],
])('restart %s, %s → %s', (restartPolicy, text, expected) => {
  expect(phase(restartPolicy, text)).toBe(expected);
});

test('a pod that is being ended does not count on restarts', () => {
  expect(phase('Always', 'app:ok', true)).toBe('Succeeded');
  expect(phase('Always', 'app:failed other:ok', true)).toBe('Failed');
});
