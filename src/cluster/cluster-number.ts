import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../base/user-error.ts';
import { HIGHEST_CLUSTER_INDEX } from '../machine/address-plan.ts';

/**
 * Which cluster uses which address ranges of this machine: a folder of links, `NUMBER → folder of the cluster`. A link whose cluster
 * is gone is free. Making a link is atomic, so that two clusters never get one number. Numbers that are not `usable` on this machine are passed over.
 */
export function claimClusterNumber(registry: string, clusterFolder: string, usable: (number: number) => boolean): number {
  mkdirSync(registry, { recursive: true });
  for (const name of readdirSync(registry)) if (readlinkSync(join(registry, name)) === clusterFolder) return Number(name);
  for (let number = 0; number <= HIGHEST_CLUSTER_INDEX; number++) {
    if (!usable(number)) continue;
    const link = join(registry, String(number));
    if (isStale(link)) rmSync(link, { force: true });
    try {
      symlinkSync(clusterFolder, link);
      return number;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  throw new UserError('this machine has no address ranges left for another cluster', 'remove one: wherry delete --profile NAME');
}

/** The number that the cluster in the folder has. */
export function clusterNumberOf(registry: string, clusterFolder: string): number | undefined {
  if (!existsSync(registry)) return undefined;
  const name = readdirSync(registry).find((link) => readlinkSync(join(registry, link)) === clusterFolder);
  return name === undefined ? undefined : Number(name);
}

/** The folders of all clusters that have a number. */
export function numberedClusters(registry: string): string[] {
  return existsSync(registry) ? readdirSync(registry).flatMap((name) => holderOf(registry, Number(name)) ?? []) : [];
}

/** The folder of the cluster that has the number. */
export function holderOf(registry: string, number: number): string | undefined {
  try {
    return readlinkSync(join(registry, String(number)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function releaseClusterNumber(registry: string, clusterFolder: string): void {
  if (!existsSync(registry)) return;
  for (const name of readdirSync(registry)) if (readlinkSync(join(registry, name)) === clusterFolder) rmSync(join(registry, name));
}

/** A link to a folder without a cluster, made by one that did not get so far or was removed by hand. */
function isStale(link: string): boolean {
  try {
    return !existsSync(readlinkSync(link));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
