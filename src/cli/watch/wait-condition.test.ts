import { describe, expect, it } from 'vitest';
import { waitCondition } from './wait-condition.ts';

const pod = (status: unknown, generation = 1): never => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', generation }, status }) as never;
const met = (text: string, object: never): boolean => {
  const condition = waitCondition(text);
  return condition.kind === 'met' && condition.isMet(object);
};

describe('waitCondition', () => {
  const ready = { conditions: [{ type: 'Ready', status: 'True' }], readyReplicas: 3, phase: 'Running' };
  it.each([
    ['condition=Ready', true], ['condition=ready=TRUE', true], ['condition=Ready=False', false], ['condition=Other', false],
    ["jsonpath='{.status.phase}'=Running".replaceAll("'", ''), true], ['jsonpath={.status.readyReplicas}=3', true], ['jsonpath=.status.readyReplicas=4', false],
    ['jsonpath={.status.phase}', true], ['jsonpath={.status.missing}', false], ['jsonpath={.status.conditions[?(@.type=="Ready")].status}=True', true],
  ])('%s is met: %s', (text, expected) => expect(met(text, pod(ready))).toBe(expected));

  it('does not believe a condition of an older generation', () => expect(met('condition=Ready', pod({ ...ready, observedGeneration: 1 }, 2))).toBe(false));
  it.each([['nonsense', 'unrecognized condition: "nonsense"'], ['jsonpath=', 'jsonpath expression cannot be empty']])('refuses %s', (text, message) => expect(() => waitCondition(text)).toThrow(message));
});
