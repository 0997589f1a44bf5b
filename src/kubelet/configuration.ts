import { readFileSync } from 'node:fs';
import { parseDuration } from '../api/schema/time-text.ts';
import { shutdownPeriods, type ShutdownPeriod } from './node/shutdown.ts';
import { hardThresholds, parseThresholds, type Threshold } from './eviction/thresholds.ts';

/** What may be set for a kubelet. Times are milliseconds. */
export interface KubeletConfiguration {
  /** undefined: 110. */
  readonly maxPods?: number;
  /** How long the node's lease is good for; a quarter of it goes by from one renewal to the next. */
  readonly leaseSeconds: number;
  readonly thresholds: readonly Threshold[];
  /** A pressure is reported for so long after it was last felt. */
  readonly pressureTransitionMs: number;
  /** The longest grace of a pod that goes by a soft threshold. */
  readonly evictionMaxPodGraceSeconds: number;
  readonly images: ImageCollection;
  /** Names, or prefixes that end in `*`. */
  readonly allowedUnsafeSysctls: readonly string[];
  /** How long pods may take when the node is shut down, by their priority; none: it does not wait for them. */
  readonly shutdown: readonly ShutdownPeriod[];
  /** A folder of manifests of pods that run whatever the API says. */
  readonly staticPodPath?: string;
}

/** When images that nobody uses are removed. */
export interface ImageCollection {
  /** Percent of the file system: from the first on images go, down to the second. 100: never. */
  readonly highPercent: number;
  readonly lowPercent: number;
  /** With more than so many bytes free, the disk counts as roomy whatever its percentage. */
  readonly roomyBytes: number;
  readonly minAgeMs: number;
  /** Unused for so long, they go with room left too; 0: they stay. */
  readonly maxAgeMs: number;
}

/** Upstream: kubelet/apis/config/v1beta1/defaults.go. */
export const defaultConfiguration: KubeletConfiguration = {
  leaseSeconds: 40,
  thresholds: hardThresholds, pressureTransitionMs: 5 * 60_000, evictionMaxPodGraceSeconds: 0,
  images: { highPercent: 85, lowPercent: 80, roomyBytes: Infinity, minAgeMs: 2 * 60_000, maxAgeMs: 0 },
  allowedUnsafeSysctls: [], shutdown: [],
};

/** The node shows itself four times, at least, in what its cluster lets pass without a sign of life. */
export function withinGrace(configuration: KubeletConfiguration, graceSeconds = Infinity): KubeletConfiguration {
  return { ...configuration, leaseSeconds: Math.min(configuration.leaseSeconds, graceSeconds) };
}

type Fields = Readonly<Record<string, unknown>>;
type Setting = (value: never, before: KubeletConfiguration, all: Fields) => Partial<KubeletConfiguration>;

const milliseconds = (text: string): number => parseDuration(text) / 1e6;
const seconds = (text: string): number => Math.floor(milliseconds(text) / 1000);

/** One line a field of `kubelet.config.k8s.io/v1beta1`. */
const SETTINGS: Readonly<Record<string, Setting>> = {
  apiVersion: () => ({}),
  kind: () => ({}),
  maxPods: (maxPods: number) => ({ maxPods }),
  nodeLeaseDurationSeconds: (leaseSeconds: number) => ({ leaseSeconds }),
  evictionHard: (values: Record<string, string>, before) => ({ thresholds: [...before.thresholds.filter(({ graceMs }) => graceMs > 0), ...parseThresholds(values)] }),
  evictionSoft: (values: Record<string, string>, before, { evictionSoftGracePeriod = {} }) => {
    const graces = evictionSoftGracePeriod as Readonly<Record<string, string>>;
    const soft = parseThresholds(values, (signal) => {
      if (graces[signal] === undefined) throw new Error(`evictionSoftGracePeriod is missing for ${signal}`);
      return milliseconds(graces[signal]);
    });
    return { thresholds: [...before.thresholds.filter(({ graceMs }) => graceMs === 0), ...soft] };
  },
  evictionSoftGracePeriod: () => ({}),
  evictionMaxPodGracePeriod: (evictionMaxPodGraceSeconds: number) => ({ evictionMaxPodGraceSeconds }),
  evictionPressureTransitionPeriod: (text: string) => ({ pressureTransitionMs: milliseconds(text) }),
  imageGCHighThresholdPercent: (highPercent: number, { images }) => ({ images: { ...images, highPercent, roomyBytes: Infinity } }),
  imageGCLowThresholdPercent: (lowPercent: number, { images }) => ({ images: { ...images, lowPercent } }),
  imageMinimumGCAge: (text: string, { images }) => ({ images: { ...images, minAgeMs: milliseconds(text) } }),
  imageMaximumGCAge: (text: string, { images }) => ({ images: { ...images, maxAgeMs: milliseconds(text) } }),
  allowedUnsafeSysctls: (allowedUnsafeSysctls: readonly string[]) => ({ allowedUnsafeSysctls }),
  shutdownGracePeriod: (total: string, _, { shutdownGracePeriodCriticalPods = '0s' }) => ({ shutdown: shutdownPeriods(seconds(total), seconds(shutdownGracePeriodCriticalPods as string)) }),
  shutdownGracePeriodCriticalPods: () => ({}),
  shutdownGracePeriodByPodPriority: (periods: readonly { readonly priority: number; readonly shutdownGracePeriodSeconds: number }[]) => ({
    shutdown: periods.map(({ priority, shutdownGracePeriodSeconds }) => ({ priority, graceSeconds: shutdownGracePeriodSeconds })),
  }),
  staticPodPath: (staticPodPath: string) => ({ staticPodPath }),
};

/** A `KubeletConfiguration` document over other settings. Rejects on fields that cannot be set here: nothing is silently passed over. */
export async function parseConfiguration(text: string, base: KubeletConfiguration = defaultConfiguration): Promise<KubeletConfiguration> {
  // Most nodes have no such file, and spare the memory.
  const { readYaml } = await import('./read-yaml.ts');
  const fields = (readYaml(text) ?? {}) as Fields;
  const { kind, apiVersion } = fields;
  if (kind !== 'KubeletConfiguration' || apiVersion !== 'kubelet.config.k8s.io/v1beta1') throw new Error(`kind KubeletConfiguration of kubelet.config.k8s.io/v1beta1 is wanted, not ${String(kind)} of ${String(apiVersion)}`);
  let result = base;
  for (const [name, value] of Object.entries(fields)) {
    const setting = SETTINGS[name];
    if (!setting) throw new Error(`the field ${name} cannot be set for this kubelet; these can: ${Object.keys(SETTINGS).join(', ')}`);
    result = { ...result, ...setting(value as never, result, fields) };
  }
  if (result.images.lowPercent >= result.images.highPercent) throw new Error(`imageGCLowThresholdPercent ${result.images.lowPercent} must be less than imageGCHighThresholdPercent ${result.images.highPercent}`);
  return result;
}

/** The settings of a file; those of `base` where there is none. */
export async function readConfiguration(path: string, base: KubeletConfiguration): Promise<KubeletConfiguration> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return base;
    throw error;
  }
  try {
    return await parseConfiguration(text, base);
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

