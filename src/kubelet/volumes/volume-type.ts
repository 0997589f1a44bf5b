import type { Pod, Volume } from '../../api/generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { Client } from '../../client/client.ts';
import type { CriRuntime } from '../../cri/runtime.ts';
import type { ReferencedObjects } from '../referenced-objects.ts';
import type { CsiDrivers } from '../csi/csi-drivers.ts';
import type { FieldContext } from '../container/field-ref.ts';
import type { Mounter } from './mounter.ts';
import type { TokenSource } from './token-source.ts';
import type { VolumesInUse } from './volumes-in-use.ts';

export interface VolumeContext {
  readonly pod: Pod;
  readonly volume: Volume;
  /** The folder of this volume, not made yet: `…/pods/UID/volumes/kubernetes.io~TYPE/NAME`. */
  readonly directory: string;
  readonly objects: ReferencedObjects;
  readonly tokens: TokenSource;
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly fields: FieldContext;
  readonly ground: VolumeGround;
}

/** What volumes are made with, whichever pod they are of. */
export interface VolumeGround {
  /** undefined: nothing is mounted (simulated nodes). */
  readonly mounter: Mounter | undefined;
  readonly runtime: Pick<CriRuntime, 'viewImage' | 'releaseImageView'>;
  /** undefined: no storage drivers run here. */
  readonly csi: CsiGround | undefined;
  /** Absent: they are. If not, volumes that show objects of the API hold nothing. */
  readonly containersReadFiles?: boolean;
  readonly log: Log;
}

/** The storage drivers of a node, and where they find its volumes. */
export interface CsiGround {
  readonly drivers: Pick<CsiDrivers, 'get'>;
  readonly nodeName: string;
  readonly rootDir: string;
  /** By what name drivers know `rootDir`; both are the same folder. */
  readonly driversRoot: string;
  readonly inUse: VolumesInUse;
}

export interface MountedVolume {
  /** What containers mount; of a block volume, its device. */
  readonly path: string;
  readonly readOnly?: boolean;
  /** A block device, to be passed on as it is. */
  readonly isDevice?: boolean;
  /** Whether its content is not the pod's to add to: sub-paths must be there. */
  readonly fixed?: boolean;
  /** Whether fsGroup makes the content the group's. */
  readonly owned?: boolean;
  /** It was set up before: its root tells whether its content is the group's. */
  readonly isOld?: boolean;
  /** When the content must be made again, in milliseconds since 1970 (tokens that expire). */
  readonly refreshAtMs?: number;
}

/** One kind of volume. Setting up is idempotent: doing it again brings the content up to date. */
export interface VolumeType {
  /** In folder names, `empty-dir`. */
  readonly name: string;
  matches(volume: Volume): boolean;
  setUp(context: VolumeContext): Promise<MountedVolume>;
  /** Before its folder is removed. */
  tearDown?(context: Pick<VolumeContext, 'directory' | 'ground'>): Promise<void>;
}
