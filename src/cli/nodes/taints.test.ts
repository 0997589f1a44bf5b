import { describe, expect, it } from 'vitest';
import { changeTaints, checkConflicts, parseTaints } from './taints.ts';

describe('taints', () => {
  const present = [{ key: 'a', value: '1', effect: 'NoSchedule' }, { key: 'b', effect: 'NoExecute' }] as const;
  it.each([
    [['c=x:NoSchedule'], false, 'tainted', 'c,a,b'], [['a:NoSchedule-'], false, 'untainted', 'b'], [['a-', 'c:NoExecute'], false, 'modified', 'c,b'], [['a=2:NoSchedule'], true, 'modified', 'a,b'],
  ])('%j makes the node %s', (specs, overwrite, done, keys) => {
    const result = changeTaints('n', present, parseTaints(specs), overwrite);
    expect([result.done, result.taints.map(({ key }) => key).join()]).toEqual([done, keys]);
  });
  it.each([
    [['a=2:NoSchedule'], 'node n already has a taint(s) with same effect(s) and --overwrite is false'], [['z-'], 'taint "z" not found'],
    [['a:Never'], 'invalid taint effect: Never, unsupported taint effect'], [['a'], 'invalid taint spec: a']
  ])('%j is refused', (specs, message) => expect(() => changeTaints('n', present, parseTaints(specs), false)).toThrow(message));
  it('refuses to add and remove one at once', () => expect(() => checkConflicts(parseTaints(['a-', 'a:NoSchedule']))).toThrow('can not both modify and remove'));
});
