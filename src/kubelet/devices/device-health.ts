import type { Clock } from '../../base/clock.ts';

export interface DeviceHealth {
  readonly health: 'Healthy' | 'Unhealthy' | 'Unknown';
  readonly message: string;
}

/** As a driver tells it (DRAResourceHealth). */
export interface ReportedHealth {
  readonly device: { readonly poolName: string; readonly deviceName: string } | null;
  readonly health: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY';
  /** 0: the default. */
  readonly healthCheckTimeoutSeconds: number;
  readonly message: string;
}

interface Known extends DeviceHealth {
  readonly toldMs: number;
  readonly timeoutMs: number;
}

/** What was said so long ago, unless its driver named another time, is no longer known. Upstream: DefaultHealthTimeout. */
const TIMEOUT_MS = 30_000;
const LONGEST_MESSAGE = 1024;
const HEALTH = { HEALTHY: 'Healthy', UNHEALTHY: 'Unhealthy', UNKNOWN: 'Unknown' } as const;
const unknown: DeviceHealth = { health: 'Unknown', message: '' };

/** How devices are, as their drivers told last. Upstream: kubelet/cm/dra/healthinfo.go, which keeps it in a file too. */
export class DeviceHealths {
  /** By driver, then by `POOL/DEVICE`. */
  readonly #known = new Map<string, Map<string, Known>>();
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  get(driver: string, pool: string, device: string): DeviceHealth {
    const known = this.#known.get(driver)?.get(`${pool}/${device}`);
    return known && this.#clock.now() - known.toldMs <= known.timeoutMs ? known : unknown;
  }

  /** Takes note of what a driver told, and returns the devices (`POOL/DEVICE`) that are otherwise than before. */
  report(driver: string, reported: readonly ReportedHealth[]): readonly string[] {
    const now = this.#clock.now();
    const known = this.#known.get(driver) ?? new Map<string, Known>();
    this.#known.set(driver, known);
    const changed: string[] = [];
    const told = new Set<string>();
    for (const { device, health, healthCheckTimeoutSeconds, message } of reported) {
      const key = `${device?.poolName ?? ''}/${device?.deviceName ?? ''}`;
      told.add(key);
      const next: Known = {
        health: HEALTH[health] ?? 'Unknown', message: message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE - 3)}...` : message,
        toldMs: now, timeoutMs: healthCheckTimeoutSeconds > 0 ? healthCheckTimeoutSeconds * 1000 : TIMEOUT_MS,
      };
      const before = known.get(key);
      if (before?.health !== next.health || before.message !== next.message || before.timeoutMs !== next.timeoutMs) changed.push(key);
      known.set(key, next);
    }
    for (const [key, { health, toldMs, timeoutMs }] of known) {
      if (told.has(key) || health === 'Unknown' || now - toldMs <= timeoutMs) continue;
      known.set(key, { ...unknown, toldMs: now, timeoutMs });
      changed.push(key);
    }
    return changed;
  }

  /** Returns the devices that were known. */
  forget(driver: string): readonly string[] {
    const keys = [...this.#known.get(driver)?.keys() ?? []];
    this.#known.delete(driver);
    return keys;
  }
}
