import { expect, test } from 'vitest';
import { nodes } from '../../api/generated/resources.ts';
import { systemClock as clock } from '../../base/clock.ts';
import { addressPlan, nodePods } from '../../machine/index.ts';
import { startControllersUnderTest } from '../../testing/controllers-under-test.ts';
import { MACHINE, numberOf } from './annotations.ts';
import { numberGiven, takeNumber } from './take-number.ts';

const plan = addressPlan(0);
const profile = 'wherry';

test('nodes that this machine adds and machines that join, all at once, have each a number of its own', async () => {
  await using world = await startControllersUnderTest({ options: { clusterCidr: plan.pods }, pods: { nodes: [] } });
  const { admin: client } = world;
  const first = { name: profile, index: 1 };
  await client.create(nodes, { metadata: { name: profile }, spec: { podCIDR: nodePods(plan, 1), podCIDRs: [nodePods(plan, 1)] } });
  const join = async (name: string): Promise<number> => {
    await client.create(nodes, { metadata: { name, annotations: { [MACHINE]: `192.168.50.${name.length}/24` } }, spec: {} });
    return numberGiven({ client, plan, clock }, name);
  };
  const add = async (): Promise<number[]> => {
    const present = [first];
    // One after the other, as the lock of a cluster has it.
    for (let i = 0; i < 4; i++) present.push(await takeNumber({ client, profile, plan, present, clock }));
    return present.map(({ index }) => index);
  };
  let underWay = true;
  const all = Promise.all([add(), ...['box', 'wherry-3', 'another', 'furthest', 'last'].map(join)] as const).finally(() => { underWay = false; });
  while (underWay) await world.pass(0.1);
  const [added, ...joined] = await all;
  const numbers = [...added, ...joined];
  expect(new Set(numbers).size).toBe(10);
  const found = (await client.list(nodes)).items;
  expect(found).toHaveLength(10);
  expect(found.map((node) => numberOf(node, plan)).toSorted((a, b) => a! - b!)).toEqual(numbers.toSorted((a, b) => a - b));
});
