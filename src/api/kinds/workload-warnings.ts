import type { PodTemplateSpec } from '../generated/core-v1.ts';
import type { KubeObject } from '../object.ts';
import { isDns1123Label } from '../names.ts';
import { podSpecWarnings } from '../validation/pod/warnings.ts';

/** Warnings of a kind that makes pods: about its own name at creation, about its template whenever that may have changed. */
export function templateWarnings(object: KubeObject, template: PodTemplateSpec | undefined, previous?: KubeObject, path = 'spec.template', aboutName = true): readonly string[] {
  const warnings: string[] = [];
  if (!previous && aboutName) {
    const label = isDns1123Label(object.metadata.name);
    if (label.length) {
      warnings.push(`metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${label.join(' ')}]`);
    }
  }
  const unchanged = previous && previous.metadata.generation === object.metadata.generation;
  if (template?.spec && !unchanged) warnings.push(...podSpecWarnings(`${path}.spec`, template.spec, template.metadata ?? {}, `${path}.metadata`));
  return warnings;
}
