import { seededRandom } from '../../base/random.ts';
import { startControllersUnderTest, type ControllersUnderTest, type ControllersUnderTestOptions } from '../controllers-under-test.ts';
import { faultyClient, WRITES } from '../faulty-client.ts';
import { laggingClient } from '../lagging-client.ts';

/**
 * What controllers have to live with. `calm`: nothing. `killed`: they are restarted and killed in the middle of their work. `refused`: that, and one write
 * in ten is a conflict with somebody else's, or fails before it is done. `mixed`: that, and the answers of some writes are lost. `lagging`: as `refused`, and what they see is late
 * (but no answers are lost: whoever neither sees nor hears of a pod makes another).
 */
export type Hardship = 'calm' | 'killed' | 'refused' | 'mixed' | 'lagging';

export interface HardLife extends ControllersUnderTest {
  /** From now on nothing fails any more. */
  calm(): void;
  /** What was written by the controllers, events aside, since this was called last: verb and resource. */
  written(): string[];
}

/** Controllers under test that have it hard; everything follows from the seed. */
export async function startHardLife(seed: number, hardship: Hardship, options: ControllersUnderTestOptions = {}): Promise<HardLife> {
  const random = seededRandom(seed + 500);
  const lag = seededRandom(seed + 900);
  const faults: { stop(): void }[] = [];
  const writes: string[] = [];
  let isCalm = false;
  const world = await startControllersUnderTest({
    ...options,
    wrapClient(client, clock, meddler) {
      let wrapped = countingClient(client, writes);
      if (hardship === 'refused' || hardship === 'mixed' || hardship === 'lagging') {
        const faulty = faultyClient(wrapped, { random, rate: 0.1, kind: hardship === 'mixed' ? 'mixed' : 'refused', meddler });
        if (isCalm) faulty.stop();
        faults.push(faulty);
        wrapped = faulty;
      }
      return hardship === 'lagging' ? laggingClient(wrapped, { clock, random: lag, upToMs: 200 }) : wrapped;
    },
  });
  return {
    ...world,
    calm() {
      isCalm = true;
      for (const faulty of faults) faulty.stop();
    },
    written: () => writes.splice(0),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

function countingClient<C extends object>(client: C, writes: string[]): C {
  return new Proxy(client, {
    get(target, name) {
      const method = (target as never)[name] as unknown;
      if (typeof method !== 'function') return method;
      return (...parameters: unknown[]) => {
        const [resource] = parameters as [{ resource: string }];
        if (WRITES.has(name) && resource.resource !== 'events') writes.push(`${String(name)} ${resource.resource}`);
        return method.apply(target, parameters) as unknown;
      };
    },
  });
}
