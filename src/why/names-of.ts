import type { KubeObject } from '../api/object.ts';

/** `the pod web-1`, `the pods web-1, web-2 and 3 more`. */
export function namesOf(objects: readonly KubeObject[], noun: string): string {
  const names = objects.map(({ metadata }) => metadata.name);
  if (names.length === 1) return `the ${noun} ${names[0]}`;
  const shown = names.slice(0, 3);
  return `the ${noun}s ${shown.length === names.length ? `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}` : `${shown.join(', ')} and ${names.length - shown.length} more`}`;
}
