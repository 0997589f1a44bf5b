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

test('what a pod as a whole may use is a limit of its containers that have none, and outlives the kubelet', () => {
  const whole = (cpu: string, status: object = {}): Pod => ({ metadata: { name: 'p' }, spec: { resources: { requests: { cpu: '1' }, limits: { cpu } }, containers: [{ name: 'free' }, { name: 'bound', resources: { limits: { cpu: '1' } } }] }, status } as unknown as Pod);
  const both: PodObservation = { containers: [...running('f1', 'free').containers, ...running('b1', 'bound').containers], sandboxes: [] };
  const resize = new PodResize(whole('2'));
  resize.started('f1', 'free');
  resize.started('b1', 'bound');
  expect(resize.asksForMore(whole('3'))).toBe(true);
  expect(resize.allocatedPod(whole('3')).spec.resources!.limits).toEqual({ cpu: '2' });
  resize.accept(whole('3'));
  expect(resize.pending(whole('3'), both)).toEqual([{ id: 'f1', name: 'free', restart: false }]);
  expect(resize.conditions(whole('3'), both)).toEqual([{ type: 'PodResizeInProgress', status: 'True' }]);
  resize.started('f1', 'free');
  expect([resize.pending(whole('3'), both), resize.podPending, resize.actualPod(whole('3')).spec.resources!.limits]).toEqual([[], true, { cpu: '2' }]);
  resize.podStarted();
  expect([resize.podPending, resize.actualPod(whole('3')).spec.resources!.limits, resize.conditions(whole('3'), both)]).toEqual([false, { cpu: '3' }, []]);
  // A kubelet that comes after it goes by what was told.
  expect(new PodResize(whole('4', { phase: 'Running', resources: { requests: { cpu: '1' }, limits: { cpu: '3' } } })).allocatedPod(whole('4')).spec.resources!.limits).toEqual({ cpu: '3' });
});

test('what cannot be done is an error of what is under way, until it is done or something else is asked for', () => {
  const before = pod('100m', '1');
  const resize = new PodResize(before);
  resize.started('m1', 'main');
  resize.accept(pod('100m', '2'));
  expect([resize.fail('below current usage'), resize.fail('below current usage')]).toEqual([true, false]);
  expect(resize.conditions(pod('100m', '2'), running('m1', 'main'))).toEqual([{ type: 'PodResizeInProgress', status: 'True', reason: 'Error', message: 'below current usage' }]);
  resize.accept(pod('100m', '3'));
  expect(resize.conditions(pod('100m', '3'), running('m1', 'main'))).toEqual([{ type: 'PodResizeInProgress', status: 'True' }]);
  resize.started('m1', 'main');
  expect(resize.conditions(pod('100m', '3'), running('m1', 'main'))).toEqual([]);
});
