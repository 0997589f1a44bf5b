import type { Beat } from './beats.ts';
import { isWrite } from './picture.ts';

/** Between two places of the stage; what moves along it is what the beat is about. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  /** `hear`: a watch tells of a write; `write`: a request; `fetch`: an image. */
  readonly what: 'hear' | 'write' | 'fetch';
}

/** Who talks to whom in a beat: everybody hears of things from the API server, and writes to it. Pure. */
export function flowsOf(beat: Beat | undefined): readonly Flow[] {
  if (!beat) return [];
  const { station, steps, parent } = beat;
  const nodes = [...new Set(steps.map(({ node }) => `node:${node ?? ''}`))];
  const places = station === 'node' || station === 'container' || station === 'registry' ? nodes : station === 'api' ? [] : [station];
  const heard = parent?.steps.some(isWrite) ?? false;
  return places.flatMap((place): Flow[] => [
    ...(heard && place !== 'client' ? [{ from: 'api', to: place, what: 'hear' as const }] : []),
    ...(station === 'registry' && !steps[0]!.facts['present'] ? [{ from: 'registry', to: place, what: 'fetch' as const }] : []),
    // A decision of the scheduler is written down as the pod's node.
    ...(steps.some(isWrite) || (station === 'scheduler' && !steps[0]!.failed) ? [{ from: place, to: 'api', what: 'write' as const }] : []),
  ]);
}
