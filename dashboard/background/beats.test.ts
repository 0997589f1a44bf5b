import { expect, test } from 'vitest';
import type { Step } from '../../src/dashboard/background/step.ts';
import { beatsOf } from './beats.ts';
import { flowsOf } from './flows-of.ts';
import { pictureAt } from './picture.ts';
import { wordsOf } from './words.ts';

let id = 0;
const step = (at: number, parent: number | undefined, part: Partial<Step> & Pick<Step, 'station' | 'act' | 'kind' | 'name'>): Step => ({
  id: ++id,
  at,
  who: 'somebody',
  by: part.station,
  you: false,
  uid: `uid-${part.name}`,
  changes: {},
  facts: {},
  failed: false,
  did: 'did it',
  more: [],
  ...(parent !== undefined && { parent }),
  ...part,
});

/** kubectl create deployment with two pods, as the ledger tells it. */
function story(): readonly Step[] {
  id = 0;
  const pod = (name: string, rest: Pick<Step, 'station' | 'act'> & Partial<Step>): Omit<Step, 'id' | 'at'> =>
    ({ kind: 'Pod', name, ...rest }) as Step;
  return [
    step(0, undefined, { station: 'client', act: 'create', kind: 'Deployment', name: 'kubia', changes: { replicas: [null, 2] } }),
    step(5, 1, { station: 'controller', act: 'create', kind: 'ReplicaSet', name: 'kubia-1', changes: { replicas: [null, 2] } }),
    step(10, 2, pod('a', { station: 'controller', act: 'create' })),
    step(11, 2, pod('b', { station: 'controller', act: 'create' })),
    step(20, 3, pod('a', { station: 'scheduler', act: 'schedule', node: 'boat', facts: { node: 'boat' } })),
    step(21, 4, pod('b', { station: 'scheduler', act: 'schedule', node: 'boat-2', facts: { node: 'boat-2' } })),
    step(40, 5, pod('a', { station: 'registry', act: 'pull', node: 'boat', facts: { image: 'maestro' } })),
    step(50, 5, pod('a', { station: 'container', act: 'start', node: 'boat', facts: { container: 'c' } })),
    step(60, 5, pod('a', { station: 'node', act: 'update', node: 'boat', changes: { ready: [null, true] } })),
    step(61, 9, { station: 'controller', act: 'update', kind: 'ReplicaSet', name: 'kubia-1', changes: { ready: [null, 1] } }),
    step(70, 6, pod('b', { station: 'container', act: 'start', node: 'boat-2', facts: { container: 'c' } })),
  ];
}

test('what went the same way because of the same is one beat; beats stand in the order in which they began', () => {
  const beats = beatsOf(story());
  expect(beats.map(({ station, steps, depth, at, end }) => [station, steps.length, depth, at, end])).toEqual([
    ['client', 1, 0, 0, 0],
    ['controller', 1, 1, 5, 5],
    ['controller', 2, 2, 10, 11],
    ['scheduler', 2, 3, 20, 21],
    ['registry', 1, 4, 40, 40],
    ['container', 2, 4, 50, 70],
    ['node', 1, 4, 60, 60],
    ['controller', 1, 5, 61, 61],
  ]);
  expect(wordsOf(beats[3]!)).toMatchObject({ who: 'somebody', did: 'chose nodes for 2 pods: boat 1, boat-2 1' });
  expect(wordsOf(beats[2]!).did).toBe('made 2 pods');
});

test.each([
  [0, [['kubia', 2, 0]], []],
  [
    2,
    [
      ['kubia', 2, 0],
      ['kubia-1', 2, 0],
    ],
    [
      ['a', undefined, 'asked'],
      ['b', undefined, 'asked'],
    ],
  ],
  [
    3,
    [
      ['kubia', 2, 0],
      ['kubia-1', 2, 0],
    ],
    [
      ['a', 'boat', 'placed'],
      ['b', 'boat-2', 'placed'],
    ],
  ],
  [
    5,
    [
      ['kubia', 2, 0],
      ['kubia-1', 2, 0],
    ],
    [
      ['a', 'boat', 'started'],
      ['b', 'boat-2', 'started'],
    ],
  ],
  [
    7,
    [
      ['kubia', 2, 0],
      ['kubia-1', 2, 1],
    ],
    [
      ['a', 'boat', 'ready'],
      ['b', 'boat-2', 'started'],
    ],
  ],
])('the picture after beat %i', (index, cards, pods) => {
  const picture = pictureAt(beatsOf(story()), index);
  expect(picture.cards.map(({ name, wanted, ready }) => [name, wanted, ready])).toEqual(cards);
  expect(picture.pods.map(({ name, node, stage }) => [name, node, stage])).toEqual(pods);
});

test('pods that are ready are one beat, whether or not their addresses were told before', () => {
  const ready = (name: string, changes: Step['changes']): Step =>
    step(1, undefined, { station: 'node', act: 'update', kind: 'Pod', name, node: 'boat', changes: { ...changes, ready: [null, true] } });
  const beats = beatsOf([ready('a', { phase: ['Pending', 'Running'] }), ready('b', { address: [null, '10.0.0.1'], phase: ['Pending', 'Running'] })]);
  expect(beats.map((beat) => wordsOf(beat).did)).toEqual(['say: 2 pods are running and ready']);
});

test('scrubbing back forgets: stations are lit by what has happened so far', () => {
  const beats = beatsOf(story());
  expect([...pictureAt(beats, 3).lit.keys()]).toEqual(['client', 'api', 'controller', 'scheduler']);
  expect([...pictureAt(beats, 0).lit]).toEqual([
    ['client', 0],
    ['api', 0],
  ]);
});

test('pods that were there before stand in their rooms from the beginning, and go when they are removed', () => {
  const beats = beatsOf([
    step(0, undefined, { station: 'client', act: 'update', kind: 'Deployment', name: 'kubia', changes: { replicas: [2, 1] } }),
    step(2, id, { station: 'controller', act: 'mark', kind: 'Pod', name: 'old' }),
    step(9, id, { station: 'container', act: 'exit', kind: 'Pod', name: 'old', node: 'boat', facts: { code: 0 } }),
    step(12, id, { station: 'node', act: 'delete', kind: 'Pod', name: 'old', node: 'boat' }),
  ]);
  expect([0, 1, 2, 3].map((index) => pictureAt(beats, index).pods.map(({ node, stage }) => [node, stage]))).toEqual([
    [['boat', 'ready']],
    [['boat', 'ending']],
    [['boat', 'ending']],
    [['boat', 'gone']],
  ]);
});

test('everybody meets at the API server', () => {
  const beats = beatsOf(story());
  expect(flowsOf(beats[0])).toEqual([{ from: 'client', to: 'api', what: 'write' }]);
  expect(flowsOf(beats[1])).toEqual([
    { from: 'api', to: 'controller', what: 'hear' },
    { from: 'controller', to: 'api', what: 'write' },
  ]);
  expect(flowsOf(beats[4])).toEqual([{ from: 'registry', to: 'node:boat', what: 'fetch' }]);
  expect(flowsOf(beats[6])).toEqual([{ from: 'node:boat', to: 'api', what: 'write' }]);
});
