import { parseSelector } from '../../api/selector.ts';
import type { Selector } from './kustomization.ts';
import { effectiveNamespace, type Resource } from './resource.ts';

/** Whether the selector means the resource, by what it is or was called. */
export function isSelected(resource: Resource, selector: Selector): boolean {
  const fits = (pattern: string | undefined, ...texts: string[]): boolean => !pattern || texts.some((text) => new RegExp(`^(?:${pattern})$`).test(text));
  const { id, ids } = resource;
  return fits(selector.group, id.group) && fits(selector.version, id.version) && fits(selector.kind, id.kind)
    && fits(selector.name, ...ids.map(({ name }) => name)) && fits(selector.namespace, ...ids.map(effectiveNamespace))
    && (!selector.labelSelector || parseSelector(selector.labelSelector).matches(resource.strings('labels')))
    && (!selector.annotationSelector || parseSelector(selector.annotationSelector).matches(resource.strings('annotations')));
}
