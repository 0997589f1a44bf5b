import type { ResourceType } from '../api/object.ts';
import type { ListOptions, WriteOptions } from './client.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** `/apis/apps/v1/namespaces/default/deployments/web/status` */
export function resourcePath(resource: Pick<ResourceType<unknown>, 'group' | 'version' | 'resource'>, namespace?: string, name?: string, subresource?: string): string {
  const parts = [resource.group ? `/apis/${resource.group}/${resource.version}` : `/api/${resource.version}`];
  if (namespace) parts.push('namespaces', encodeURIComponent(namespace));
  parts.push(resource.resource);
  if (name) parts.push(encodeURIComponent(name));
  if (subresource) parts.push(subresource);
  return parts.join('/');
}

/** Appends what is defined and not empty. */
export function withQuery(path: string, query: Query): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  return pairs.length === 0 ? path : `${path}?${pairs.map(([key, value]) => `${key}=${encodeURIComponent(value!)}`).join('&')}`;
}

export function listQuery(options: ListOptions): Query {
  const { labelSelector, fieldSelector, limit, resourceVersion, resourceVersionMatch } = options;
  return { labelSelector, fieldSelector, limit, continue: options.continue, resourceVersion, resourceVersionMatch };
}

export function writeQuery(options: WriteOptions = {}): Query {
  const { dryRun, fieldManager, fieldValidation } = options;
  return { ...(dryRun && { dryRun: 'All' }), fieldManager, fieldValidation };
}
