import { expect, test } from 'vitest';
import type { ConfigMap } from '../../api/generated/core-v1.ts';
import { configMaps } from '../../api/generated/resources.ts';
import { seededRandom } from '../../base/random.ts';
import { startControllersUnderTest } from '../../testing/controllers-under-test.ts';
import { faultyClient } from '../../testing/faulty-client.ts';
import { laggingClient } from '../../testing/lagging-client.ts';

const namespace = 'default';

/** What should be there: each object with the owners it still has. */
class Family {
  readonly owners = new Map<string, Set<string>>();

  /** The object goes, and with it all that has no owner left; who has another one loses the reference. Orphans only lose the reference. */
  delete(name: string, policy: string): void {
    this.owners.delete(name);
    for (const [other, own] of this.owners) if (own.delete(name) && own.size === 0 && policy !== 'Orphan') this.delete(other, 'Background');
  }
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])('owners are deleted at random, with faults, restarts and lagging caches, seed %i', { timeout: 120_000 }, async (seed) => {
  const random = seededRandom(seed);
  const any = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
  await using world = await startControllersUnderTest({
    only: ['garbage-collector-controller'],
    wrapClient: (client, clock) => laggingClient(faultyClient(client, { random: seededRandom(seed + 500), rate: 0.1, kind: seed % 2 ? 'refused' : 'lost' }), { clock, random: seededRandom(seed + 900), upToMs: 20 }),
  });
  const { admin } = world;
  const made = new Map<string, ConfigMap>();
  const family = new Family();
  for (let index = 0; index < 40; index++) {
    const name = `o${index}`;
    const own = index < 5 ? [] : [...new Set(Array.from({ length: 1 + Math.floor(random.next() * 2) }, () => any([...made.keys()])))];
    const ownerReferences = own.map((owner) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: owner, uid: made.get(owner)!.metadata.uid, blockOwnerDeletion: random.next() < 0.5 }));
    made.set(name, await admin.create(configMaps, { metadata: { name, namespace, ownerReferences } }));
    family.owners.set(name, new Set(own));
  }
  await world.pass(10);
  for (let count = 0; count < 5; count++) {
    const name = `o${Math.floor(random.next() * 15)}`;
    if (!family.owners.has(name)) continue;
    const propagationPolicy = any(['Background', 'Background', 'Foreground', 'Foreground', 'Orphan'] as const);
    // Deletions may overtake each other, but what an orphan has left depends on what went before.
    const inTurn = propagationPolicy === 'Orphan';
    if (inTurn) await world.pass(60);
    await admin.delete(configMaps, { namespace, name }, { propagationPolicy });
    family.delete(name, propagationPolicy);
    await world.pass(random.next() * 5);
    if (random.next() < 0.5) await world.restart();
    if (inTurn) await world.pass(60);
  }
  await world.pass(120);
  const left = (await admin.list(configMaps, { namespace })).items.filter((map) => map.metadata.name.startsWith('o'));
  expect(left.map((map) => map.metadata.name).toSorted()).toEqual([...family.owners.keys()].toSorted());
  expect(left.filter((map) => map.metadata.deletionTimestamp)).toEqual([]);
});
