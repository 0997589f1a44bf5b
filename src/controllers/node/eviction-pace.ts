import type { Node } from '../../api/generated/core-v1.ts';
import { readyStatus } from './node-health.ts';

/** `partial`: most of the zone is down; `full`: all of it. Upstream: nodelifecycle ComputeZoneState. */
export type ZoneState = 'normal' | 'partial' | 'full';

const UNHEALTHY_SHARE = 0.55;
const LARGE_ZONE = 50;
const PACE_MS = 10_000;
const SECONDARY_PACE_MS = 100_000;

export function zoneState(ready: number, down: number): ZoneState {
  if (ready === 0 && down > 0) return 'full';
  return down > 2 && down / (ready + down) >= UNHEALTHY_SHARE ? 'partial' : 'normal';
}

/** Pods are driven from one node of the zone in so many milliseconds; undefined: from none. Upstream: handleDisruption, its default rates. */
export function paceOf(state: ZoneState, nodes: number): number | undefined {
  if (state !== 'partial') return PACE_MS;
  return nodes > LARGE_ZONE ? SECONDARY_PACE_MS : undefined;
}

interface Zone {
  /** Whether each node, by its name, is ready. */
  readonly nodes: Map<string, boolean>;
  ready: number;
  state: ZoneState;
  /** When the next node's turn is; milliseconds since 1970. */
  nextMs: number;
}

/**
 * Keeps count of what is up in which zone, so that pods are driven from few nodes at a time, the slower the more is down; and from none where
 * everything is down, for then it is likelier that we are cut off than that all have died.
 */
export class EvictionPace {
  readonly #zones = new Map<string, Zone>();
  readonly #zoneOf = new Map<string, string>();
  readonly #onChange: (nodes: Iterable<string>) => void;

  /** `onChange` is told of nodes that are down and that the new state of things concerns. */
  constructor(onChange: (nodes: Iterable<string>) => void) {
    this.#onChange = onChange;
  }

  /** Nothing at all is up. */
  get cutOff(): boolean {
    return this.#zones.size > 0 && this.#zones.values().every(({ state }) => state === 'full');
  }

  set(node: Node): void {
    const { name } = node.metadata;
    const zoneName = zoneNameOf(node);
    if (this.#zoneOf.has(name) && this.#zoneOf.get(name) !== zoneName) this.delete(name);
    this.#zoneOf.set(name, zoneName);
    let zone = this.#zones.get(zoneName);
    if (!zone) this.#zones.set(zoneName, (zone = { nodes: new Map(), ready: 0, state: 'normal', nextMs: 0 }));
    const ready = readyStatus(node) === 'True';
    const before = zone.nodes.get(name);
    if (before === ready) return;
    if (before === true) zone.ready--;
    if (ready) zone.ready++;
    zone.nodes.set(name, ready);
    this.#review(zone);
  }

  delete(name: string): void {
    const zone = this.#zones.get(this.#zoneOf.get(name) ?? '');
    if (!zone) return;
    if (zone.nodes.get(name)) zone.ready--;
    zone.nodes.delete(name);
    if (zone.nodes.size === 0) this.#zones.delete(this.#zoneOf.get(name)!);
    this.#zoneOf.delete(name);
    this.#review(zone);
  }

  /** How long until it is this node's turn: 0 is now, undefined not before `onChange`. */
  waitMs(name: string, nowMs: number): number | undefined {
    const zone = this.#zones.get(this.#zoneOf.get(name) ?? '');
    if (!zone || this.cutOff || paceOf(zone.state, zone.nodes.size) === undefined) return undefined;
    return Math.max(0, zone.nextMs - nowMs);
  }

  /** The node had its turn. */
  took(name: string, nowMs: number): void {
    const zone = this.#zones.get(this.#zoneOf.get(name) ?? '');
    if (zone) zone.nextMs = nowMs + (paceOf(zone.state, zone.nodes.size) ?? 0);
  }

  #wasCutOff = false;

  #review(zone: Zone): void {
    const state = zoneState(zone.ready, zone.nodes.size - zone.ready);
    const changed = state !== zone.state;
    zone.state = state;
    const concerned = this.cutOff !== this.#wasCutOff ? [...this.#zones.values()] : changed ? [zone] : [];
    this.#wasCutOff = this.cutOff;
    for (const { nodes } of concerned) this.#onChange([...nodes].filter(([, ready]) => !ready).map(([name]) => name));
  }
}

function zoneNameOf({ metadata: { labels } }: Node): string {
  return `${labels?.['topology.kubernetes.io/region'] ?? ''}/${labels?.['topology.kubernetes.io/zone'] ?? ''}`;
}
