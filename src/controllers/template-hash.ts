import { semanticEqual } from './semantic-equal.ts';
import type { PodTemplateSpec } from '../api/generated/core-v1.ts';
import { without } from './without.ts';

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * The hash of a template that names a replica set or a controller revision: FNV-1a of 32 bits over the template's
 * canonical JSON and the collision count, spelled in letters that make no words. Stable between releases of ours; it
 * need not (and cannot) equal upstream's, which hashes a dump of Go's memory (pkg/controller: ComputeHash).
 */
export function templateHash(template: unknown, collisionCount?: number): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(canonical(template) + (collisionCount ?? ''))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return [...String(hash)].map((digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join('');
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner && typeof inner === 'object' && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner);
}

export const POD_TEMPLATE_HASH = 'pod-template-hash';

/** Whether two templates are the same but for the label that a deployment adds to its replica sets'. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return semanticEqual(a?.spec, b?.spec) && semanticEqual(withoutHash(a), withoutHash(b));
}

function withoutHash(template: PodTemplateSpec | undefined): unknown {
  return { ...template?.metadata, labels: without(template?.metadata?.labels ?? {}, POD_TEMPLATE_HASH) };
}
