import { existsSync, readFileSync } from 'node:fs';

/** `[type's description, { field: description }]` by type name; written by tools/generate-descriptions.ts, and not there in a plain checkout. */
type Descriptions = Readonly<Record<string, readonly [string, Readonly<Record<string, string>>]>>;

let loaded: Descriptions | undefined;

function load(): Descriptions {
  if (loaded) return loaded;
  const file = new URL('../../api/generated/descriptions.json', import.meta.url);
  return (loaded = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Descriptions) : {});
}

/** What a type is for; empty where the descriptions were not built. */
export function typeDescription(type: string): string {
  return load()[type]?.[0] ?? '';
}

export function fieldDescription(type: string, field: string): string {
  return load()[type]?.[1][field] ?? '';
}
