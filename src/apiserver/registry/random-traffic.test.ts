import { expect, test } from 'vitest';
import { events } from '../../api/generated/resources.ts';
import type { Event } from '../../api/generated/core-v1.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf } from '../../api/object.ts';
import { seededRandom } from '../../base/random.ts';
import type { WatchEvent, WatchOptions } from '../../client/client.ts';
import { startTestApiServer } from '../../testing/api-server.ts';

/** What a watcher holds when it believes what it is told: each event must fit what it knew before. */
class Follower {
  readonly objects = new Map<string, Event>();
  readonly faults: string[] = [];
  #last: number;

  constructor(resourceVersion: string, present: readonly Event[]) {
    this.#last = Number(resourceVersion);
    for (const object of present) this.objects.set(keyOf(object), object);
  }

  take({ type, object }: WatchEvent<Event>): void {
    const version = Number(object.metadata.resourceVersion);
    const key = keyOf(object);
    if (type === 'BOOKMARK') return;
    if (version <= this.#last) this.faults.push(`${type} ${key}@${version} after ${this.#last}`);
    this.#last = version;
    const known = this.objects.has(key);
    if ((type === 'ADDED') === known) this.faults.push(`${type} ${key}@${version} when it was ${known ? 'known' : 'unknown'}`);
    if (type === 'DELETED') this.objects.delete(key);
    else this.objects.set(key, object);
  }
}

const SELECTIONS: readonly Pick<WatchOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>[] = [
  {}, { namespace: 'default' }, { labelSelector: 'color=red' }, { namespace: 'default', labelSelector: 'color in (red,blue)' }, { fieldSelector: 'metadata.name=c3' },
  { labelSelector: '!color' }, { fieldSelector: 'reason=Rose' }, { namespace: 'default', fieldSelector: 'reason=Fell', labelSelector: 'color' }, { fieldSelector: 'reason!=Fell' }, { fieldSelector: 'metadata.name!=c1', labelSelector: 'color!=red' },
];

test.each([1, 2, 3])('writers and watchers at random: no event is missed, repeated or out of order (seed %i)', async (seed) => {
  await using api = await startTestApiServer();
  const { admin } = api;
  const random = seededRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random.next() * from.length)]!;
  const stop = new AbortController();
  const followers: { follower: Follower; selection: (typeof SELECTIONS)[number]; done: Promise<void> }[] = [];

  const follow = async (): Promise<void> => {
    const selection = pick(SELECTIONS);
    const list = await admin.list(events, selection);
    // Writes go on between the list and the watch: the watch starts from history.
    for (let i = Math.floor(random.next() * 4); i > 0; i--) await write();
    const follower = new Follower(list.metadata.resourceVersion, list.items);
    const watch = await admin.watch(events, { ...selection, resourceVersion: list.metadata.resourceVersion, signal: stop.signal });
    const done = (async () => {
      for await (const event of watch) follower.take(event);
    })();
    followers.push({ follower, selection, done });
  };

  const write = async (): Promise<void> => {
    const key = { namespace: pick(['default', 'kube-system']), name: `c${Math.floor(random.next() * 6)}` };
    const color = pick([undefined, 'red', 'blue', 'green']);
    const metadata = { ...key, ...(color && { labels: { color } }) };
    const content = { metadata, reason: pick(['Rose', 'Fell']), type: 'Normal', involvedObject: { kind: 'Pod', name: 'p', namespace: key.namespace }, message: String(random.next()) };
    const action = random.next();
    try {
      if (action < 0.35) await admin.create(events, content);
      else if (action < 0.75) await admin.update(events, { ...(await admin.get(events, key)), ...content } as unknown as Event);
      else await admin.delete(events, key);
    } catch (error) {
      if (!isReason(error, 'NotFound', 'AlreadyExists', 'Conflict')) throw error;
    }
  };

  const writers = Array.from({ length: 8 }, async () => {
    for (let i = 0; i < 150; i++) {
      if (random.next() < 0.05) await follow();
      await write();
    }
  });
  await Promise.all(writers);
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await Promise.all(followers.map(({ done }) => done));
  expect(followers.length).toBeGreaterThan(20);
  for (const { follower, selection } of followers) {
    expect(follower.faults).toEqual([]);
    const truth = (await admin.list(events, selection)).items;
    expect([...follower.objects.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))).toEqual([...truth].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)));
  }
});
