import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { PageFiles } from './build-page.ts';

/** The dashboard's page: as built beside the bundle, else built now from the sources. */
export async function loadPageFiles(): Promise<PageFiles> {
  const built = fileURLToPath(new URL('dashboard/', import.meta.url));
  if (existsSync(built)) return new Map(readdirSync(built).map((name) => [name, readFileSync(`${built}${name}`)]));
  const { buildPage } = await import('./build-page.ts');
  return await buildPage();
}
