import { createHash } from 'node:crypto';

/**
 * The queues that a flow may use: `handSize` different ones out of `deckSize`, dealt by a hash of the flow's identity, so that two flows seldom
 * share all of theirs and one that floods its own leaves most others a queue without it. Upstream: apiserver pkg/util/shufflesharding.
 */
export function dealHand(flow: string, deckSize: number, handSize: number): readonly number[] {
  let entropy = createHash('sha256').update(flow).digest().readBigUInt64LE();
  const hand: number[] = [];
  for (let i = 0; i < Math.min(handSize, deckSize); i++) {
    const left = BigInt(deckSize - i);
    let card = Number(entropy % left);
    entropy /= left;
    // The card counts among those not dealt yet: it moves up by each dealt one at or below it.
    for (const dealt of [...hand].sort((a, b) => a - b)) if (card >= dealt) card++;
    hand.push(card);
  }
  return hand;
}
