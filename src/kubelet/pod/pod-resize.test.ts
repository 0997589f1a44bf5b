import { expect, test } from 'vitest';
import type { Pod } from '../../api/generated/core-v1.ts';
import type { ObservedContainer, PodObservation } from './observation.ts';
import { PodResize } from './pod-resize.ts';

const pod = (init: string, main: string): Pod => ({
  metadata: { name: 'p' }, spec: { initContainers: [{ name: 'init', resources: { requests: { cpu: init } } }], containers: [{ name: 'main', resources: { requests: { cpu: main } } }] },
} as unknown as Pod);
const running = (id: string, name: string): PodObservation => ({ containers: [{ id, name, state: 'running' } as ObservedContainer], sandboxes: [] });

test('an init container that runs is given what it is to have, as others are; one that comes later begins with it', () => {
  const resize = new PodResize(pod('100m', '1'));
  resize.started('i1', 'init');
  expect(resize.asksForMore(pod('200m', '1'))).toBe(true);
  expect(resize.allocatedPod(pod('200m', '1')).spec.initContainers![0]!.resources).toEqual({ requests: { cpu: '100m' } });
  resize.accept(pod('200m', '2'));
  expect(resize.pending(pod('200m', '2'), running('i1', 'init'))).toEqual([{ id: 'i1', name: 'init', restart: false }]);
  expect(resize.resources('init', 'i1')).toEqual({ allocated: { requests: { cpu: '200m' } }, actual: { requests: { cpu: '100m' } } });
  resize.started('i1', 'init');
  expect(resize.pending(pod('200m', '2'), running('i1', 'init'))).toEqual([]);
  expect(resize.resources('init', 'i1').actual).toEqual({ requests: { cpu: '200m' } });
  expect(resize.resources('main', undefined).actual).toEqual({ requests: { cpu: '2' } });
});
