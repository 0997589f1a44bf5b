import { KubectlError } from '../command/kubectl-error.ts';
import { fitsKind, visitField, type FieldSpec } from './field-spec.ts';
import { annotationFields, metadataLabels, replicaFields, selectorLabels, templateLabels, volumeClaimTemplateLabels } from './field-specs.ts';
import type { ImageChange, Kustomization, LabelPairs } from './kustomization.ts';
import { isTree, type Resource } from './resource.ts';

function setPairs(resources: readonly Resource[], pairs: Readonly<Record<string, unknown>>, specs: readonly FieldSpec[]): void {
  for (const { object } of resources) {
    for (const spec of specs) {
      visitField(object, spec, 'map', (holder, key) => {
        holder[key] = { ...(isTree(holder[key]) ? holder[key] : {}), ...Object.fromEntries(Object.entries(pairs).map(([name, value]) => [name, String(value)])) };
      });
    }
  }
}

function fieldsOf({ fields = [], includeSelectors, includeTemplates, includeVolumeClaimTemplates }: LabelPairs): FieldSpec[] {
  if (includeSelectors) return [...fields, ...selectorLabels];
  return [...fields, ...(includeTemplates ? templateLabels : []), ...(includeVolumeClaimTemplates ? volumeClaimTemplateLabels : []), metadataLabels];
}

export function setLabels(resources: readonly Resource[], { labels, commonLabels }: Kustomization): void {
  for (const label of labels) setPairs(resources, label.pairs ?? {}, fieldsOf(label));
  if (commonLabels) setPairs(resources, commonLabels, selectorLabels);
}

export function setAnnotations(resources: readonly Resource[], annotations: Readonly<Record<string, unknown>>): void {
  setPairs(resources, annotations, annotationFields);
}

/** Throws KubectlError where nothing that can be scaled is called so. */
export function setReplicas(resources: readonly Resource[], { name, count }: { readonly name: string; readonly count: number }): void {
  let found = false;
  for (const { ids, object } of resources) {
    if (!ids.some((id) => id.name === name)) continue;
    for (const spec of replicaFields) {
      if (!fitsKind(object, spec)) continue;
      found = true;
      visitField(object, spec, 'text', (holder, key) => (holder[key] = count));
    }
  }
  if (!found) throw new KubectlError(`resource with name ${name} does not match a config with the following GVK [${replicaFields.map(({ kind }) => `${kind}.[noVer].[noGrp]`).join(' ')}]`);
}

/** Renames images in every list of containers, however deep. */
export function setImage(resources: readonly Resource[], change: ImageChange): void {
  for (const { object } of resources) if (object['kind'] !== 'CustomResourceDefinition') walk(object);

  function walk(value: unknown): void {
    if (Array.isArray(value)) return value.forEach(walk);
    if (!isTree(value)) return;
    for (const [key, below] of Object.entries(value)) {
      if ((key === 'containers' || key === 'initContainers') && Array.isArray(below)) {
        for (const container of below) if (isTree(container) && typeof container['image'] === 'string') container['image'] = changed(container['image'], change);
      }
      walk(below);
    }
  }
}

function changed(image: string, { name, newName, newTag, digest, tagSuffix }: ImageChange): string {
  if (!new RegExp(`^${name}(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$`).test(image)) return image;
  const [reference = '', oldDigest] = image.split('@');
  const colon = reference.indexOf(':', reference.lastIndexOf('/') + 1);
  const base = newName || (colon < 0 ? reference : reference.slice(0, colon));
  const oldTag = colon < 0 ? '' : reference.slice(colon + 1);
  const wanted = newTag !== undefined && newTag !== '' ? { tag: String(newTag), digest } : digest ? { tag: '', digest } : tagSuffix ? { tag: oldTag + tagSuffix, digest: undefined } : { tag: oldTag, digest: oldDigest };
  return base + (wanted.tag ? `:${wanted.tag}` : '') + (wanted.digest ? `@${wanted.digest}` : '');
}

