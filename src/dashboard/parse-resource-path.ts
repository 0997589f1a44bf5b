import { badRequest } from '../api/errors.ts';

/** `/apis/apps/v1/namespaces/default/deployments/kubia` taken apart. Throws where a path names no object. */
export function parseResourcePath(path: string): {
  readonly group: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name: string;
} {
  const [, root, ...parts] = path.split('/');
  const group = root === 'api' ? '' : parts.shift();
  parts.shift();
  const namespace = parts[0] === 'namespaces' && parts.length > 2 ? parts[1] : undefined;
  const [resource, name, ...more] = namespace === undefined ? parts : parts.slice(2);
  if ((root !== 'api' && root !== 'apis') || group === undefined || !resource || !name || more.length > 0)
    throw badRequest(`${path} names no object`);
  return { group, resource, name, ...(namespace !== undefined && { namespace }) };
}
