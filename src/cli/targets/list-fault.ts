import { StatusError } from '../../api/errors.ts';
import type { DiscoveredResource } from '../command/resource-mapper.ts';

/** A fault of a list, after what was asked for. Upstream: cli-runtime pkg/resource.EnhanceListError. */
export function listFault(error: unknown, { group, version, resource }: DiscoveredResource, labels: string, fields: string): unknown {
  if (!(error instanceof StatusError) || (error.reason !== 'BadRequest' && error.reason !== 'NotFound')) return error;
  const what = JSON.stringify(`${group}/${version}, Resource=${resource}`);
  const head = labels || fields ? `Unable to find ${what} that match label selector ${JSON.stringify(labels)}, field selector ${JSON.stringify(fields)}` : `Unable to list ${what}`;
  return new StatusError({ ...error.status, message: `${head}: ${error.message}` });
}
