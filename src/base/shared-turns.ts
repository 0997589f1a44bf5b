import type { Clock } from './clock.ts';

/** Milliseconds of work that begin in one turn before others are looked at again. */
const SHARE_MS = 2;

interface Member {
  readonly waiting: (() => void)[];
  /** Time it had, counted from those that waited when it came. */
  had: number;
}

interface Group {
  readonly members: Map<string, Member>;
  had: number;
}

/**
 * Shares the one thread. Work that comes while the thread has time begins at once; what comes after a turn has done its share waits, and then goes
 * on in a fair order: groups get time by their weights, members of a group get the same. In between new work is taken in, so that
 * somebody who seldom asks does not stand behind a thousand requests of one who always does.
 */
export class SharedTurns {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #groups = new Map<string, Group>();
  #waiting = 0;
  #open = false;
  #until = 0;
  /** What runs now out of the line, and since when. */
  #running: { readonly group: Group; readonly member: Member; readonly weight: number; readonly since: number } | undefined;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Undefined: begin now. Otherwise resolves when it is the caller's turn. `weight` > 0. */
  enter(groupName: string, weight: number, memberName: string): Promise<void> | undefined {
    const now = this.#clock.monotonic();
    if (!this.#open) {
      this.#open = true;
      this.#until = now + SHARE_MS;
      setImmediate(this.#nextTurn);
    }
    if (this.#waiting === 0 && now < this.#until) return undefined;
    let group = this.#groups.get(groupName);
    if (!group) this.#groups.set(groupName, (group = { members: new Map(), had: least(this.#groups.values()) }));
    let member = group.members.get(memberName);
    if (!member) group.members.set(memberName, (member = { waiting: [], had: least(group.members.values()) }));
    this.#waiting++;
    const { waiting } = member;
    return new Promise((resolve) => waiting.push(() => {
      this.#running = { group, member, weight, since: this.#clock.monotonic() };
      resolve();
    }));
  }

  readonly #nextTurn = (): void => {
    if (this.#waiting === 0) {
      this.#open = false;
      return;
    }
    this.#until = this.#clock.monotonic() + SHARE_MS;
    setImmediate(this.#nextTurn);
    this.#goOn();
  };

  /** Lets one go on, and after all that it does at once, the next. */
  readonly #goOn = (): void => {
    const now = this.#clock.monotonic();
    if (this.#running) {
      const { group, member, weight, since } = this.#running;
      member.had += now - since;
      group.had += (now - since) / weight;
      this.#running = undefined;
    }
    if (this.#waiting === 0 || now >= this.#until) return;
    const [groupName, group] = poorest(this.#groups);
    const [memberName, member] = poorest(group.members);
    const begin = member.waiting.shift()!;
    if (member.waiting.length === 0) group.members.delete(memberName);
    if (group.members.size === 0) this.#groups.delete(groupName);
    this.#waiting--;
    begin();
    // Ticks come after all microtasks: the work that begins has then done what it does without waiting.
    queueMicrotask(() => process.nextTick(this.#goOn));
  };
}

function least(all: Iterable<{ readonly had: number }>): number {
  let found = Infinity;
  for (const { had } of all) if (had < found) found = had;
  return found === Infinity ? 0 : found;
}

/** The one that had least; of several, the one that came last. */
function poorest<T extends { readonly had: number }>(all: ReadonlyMap<string, T>): readonly [string, T] {
  let found: readonly [string, T] | undefined;
  for (const entry of all) if (!found || entry[1].had <= found[1].had) found = entry;
  return found!;
}
