import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isReason } from '../api/errors.ts';
import type { PersistentVolume } from '../api/generated/core-v1.ts';
import { persistentVolumes, storageClasses } from '../api/generated/resources.ts';
import type { Log } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import type { InformerFactory } from '../client/informer.ts';
import { LOCAL_PATH } from '../controllers/volume/local-path-provisioner.ts';
import type { Profile } from './profile.ts';

export interface LocalVolumesOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  /** Holds a folder for each volume; all nodes of this machine see it. */
  readonly folder: string;
  readonly log: Log;
}

/** Where the volumes of a cluster are. */
export const volumesFolder = ({ folder }: Profile): string => join(folder, 'volumes');

/** The default storage class, whose volumes are folders of this machine, and their end: the folder of a deleted volume is removed. */
export async function startLocalVolumes({ client, informers, folder, log }: LocalVolumesOptions): Promise<Disposable> {
  mkdirSync(folder, { recursive: true });
  await ensureStorageClass(client, folder);
  const volumes = informers.informer(persistentVolumes);
  const remove = (name: string): void => {
    rm(join(folder, name), { recursive: true, force: true }).catch((error: unknown) => log.error('cannot remove the folder of a deleted volume', { name, error }));
  };
  const subscription = volumes.subscribe({
    // A volume with the policy Retain keeps its data for whoever asked for that.
    delete: (volume) => { if (volume.spec.persistentVolumeReclaimPolicy === 'Delete') folderOf(volume, folder).forEach(remove); },
  });
  return subscription;
}

/** The name of the volume's folder, where it is one of ours. */
function folderOf(volume: PersistentVolume, folder: string): string[] {
  const path = volume.spec.hostPath?.path;
  return path !== undefined && dirname(path) === folder ? [basename(path)] : [];
}

async function ensureStorageClass(client: Client, folder: string): Promise<void> {
  try {
    await client.create(storageClasses, {
      metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: LOCAL_PATH, parameters: { path: folder }, reclaimPolicy: 'Delete', volumeBindingMode: 'WaitForFirstConsumer', allowVolumeExpansion: true,
    });
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
  }
}
