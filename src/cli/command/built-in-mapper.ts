import { builtInResources } from '../../api/resources.ts';
import { ResourceMapper } from './resource-mapper.ts';

/** Knows the resources that every cluster of this version serves. Their names win over those of custom resources, as in discovery's order. */
export const builtInMapper = new ResourceMapper(builtInResources.map(({ group, version, resource, singular, kind, namespaced, shortNames = [], categories = [], verbs }) => ({
  group, version, resource, singular, kind, namespaced, shortNames, categories, verbs,
})));
