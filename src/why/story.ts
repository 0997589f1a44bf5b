import type { LedgerEntry, WorkEntry, WriteEntry } from '../ledger/entry.ts';
import { isWorthTelling } from './words.ts';

/** An entry and what came of it, the earliest first. */
export interface StoryNode {
  readonly entry: LedgerEntry;
  readonly children: StoryNode[];
}

export interface StoryOptions {
  /** Also what changed nothing that is worth telling: counters, observed generations. */
  readonly bookkeeping?: boolean;
  /** The uid that the story is about: what others did and nothing of it came is left out. */
  readonly focus?: string | undefined;
}

/**
 * The entries as a tree of causes. Where a write has several causes (a controller looks at once at all that happened), it stands under the one that says most: what changed
 * somebody's wish comes before what changed a status, the newest before older ones. What a component did of its own accord (a kubelet whose container ended) stands under
 * what set it to work.
 */
export function storyOf(entries: readonly LedgerEntry[], { bookkeeping = false, focus }: StoryOptions = {}): readonly StoryNode[] {
  const ordered = [...entries].sort((a, b) => a.at - b.at || a.id - b.id);
  const index = new StoryIndex(ordered);
  const nodes = new Map<LedgerEntry, StoryNode>(ordered.map((entry) => [entry, { entry, children: [] }]));
  const shownParent = (entry: LedgerEntry): LedgerEntry | undefined => {
    let parent = index.parentOf(entry);
    while (parent && !bookkeeping && index.isLeftOut(parent)) parent = index.standIn(parent) ?? index.parentOf(parent);
    return parent;
  };
  const roots: StoryNode[] = [];
  for (const entry of ordered) {
    if (!bookkeeping && index.isLeftOut(entry)) continue;
    const parent = shownParent(entry);
    (parent ? nodes.get(parent)!.children : roots).push(nodes.get(entry)!);
  }
  const leadsNowhere = ({ entry, children }: StoryNode): boolean => children.length === 0 && entry.about.uid !== focus && entry.kind === 'write' && entry.verb === 'update';
  return bookkeeping || focus === undefined ? roots : roots.filter((root) => !leadsNowhere(root));
}

class StoryIndex {
  readonly #writes = new Map<number, WriteEntry>();
  readonly #made = new Map<string, WriteEntry>();
  readonly #bound = new Map<string, WriteEntry>();
  readonly #marked = new Map<string, WriteEntry>();
  /** The decision of the scheduler that a pod's binding carried out. */
  readonly #decided = new Map<string, WorkEntry>();
  readonly #parents = new Map<LedgerEntry, LedgerEntry | undefined>();

  constructor(ordered: readonly LedgerEntry[]) {
    for (const entry of ordered) {
      const { uid } = entry.about;
      if (entry.kind === 'write') {
        this.#writes.set(entry.revision, entry);
        if (entry.verb === 'create') this.#made.set(uid, entry);
        if (entry.verb === 'mark') this.#marked.set(uid, entry);
        if (entry.changes['node']?.[1]) this.#bound.set(uid, entry);
      } else if (entry.work === 'schedule' && entry.error === undefined) this.#decided.set(uid, entry);
    }
  }

  parentOf(entry: LedgerEntry): LedgerEntry | undefined {
    if (!this.#parents.has(entry)) {
      // Against circles, which a false claim of a client could make.
      this.#parents.set(entry, undefined);
      this.#parents.set(entry, this.#findParent(entry));
    }
    return this.#parents.get(entry);
  }

  /** Whether the entry tells nothing, or nothing that another one does not. */
  isLeftOut(entry: LedgerEntry): boolean {
    if (entry.kind === 'work') return false;
    // The old form of what EndpointSlices say.
    if (entry.about.kind === 'Endpoints') return true;
    return !isWorthTelling(entry) || this.standIn(entry) !== undefined;
  }

  /** The entry that tells the same, and more: for a binding the decision that led to it. */
  standIn(entry: LedgerEntry): LedgerEntry | undefined {
    if (entry.kind !== 'write') return undefined;
    const node = entry.changes['node']?.[1];
    const decision = this.#decided.get(entry.about.uid);
    return node && decision?.facts['node'] === node ? decision : undefined;
  }

  #findParent(entry: LedgerEntry): LedgerEntry | undefined {
    const causes = entry.causes.map((cause) => this.#writes.get(cause)).filter((cause) => cause !== undefined && cause !== entry && cause.at <= entry.at) as WriteEntry[];
    const wishes = entry.kind === 'write' && entry.wanted ? causes.filter(({ wanted }) => wanted) : [];
    let parent: LedgerEntry | undefined = wishes.at(-1) ?? causes.at(-1);
    // A status that follows the writer's own last status stands beside it, not under it.
    while (parent?.kind === 'write' && !parent.wanted && parent.by === entry.by && parent.user === entry.user && parent.about.uid === entry.about.uid) parent = this.parentOf(parent) ?? this.#origin(entry);
    return parent ?? this.#origin(entry);
  }

  /** What set to work whoever did this of their own accord: for people nothing did. */
  #origin(entry: LedgerEntry): LedgerEntry | undefined {
    if (!entry.user.startsWith('system:')) return undefined;
    const { uid } = entry.about;
    const owner = entry.kind === 'write' && entry.owner ? this.#made.get(entry.owner) : undefined;
    const marked = this.#marked.get(uid);
    const ofNode = marked && marked.at <= entry.at ? marked : this.#bound.get(uid);
    const origin = (entry.user.startsWith('system:node:') ? ofNode : undefined) ?? this.#made.get(uid) ?? owner;
    return origin === entry ? owner : origin;
  }
}
