/** Upstream: pkg/registry/core/resourcequota/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { ResourceQuota } from '../generated/core-v1.ts';
import { resourceQuotas } from '../generated/resources.ts';
import { resourceQuotaErrors, resourceQuotaStatusErrors, resourceQuotaUpdateErrors } from '../validation/resource-quota.ts';
import { ageColumn, nameColumn, text } from './table-columns.ts';

export const resourceQuota: KindDefinition<ResourceQuota> = {
  returnsDeleted: true,
  resource: resourceQuotas,
  validate: (object) => [...resourceQuotaErrors('spec', object.spec ?? {})],
  validateUpdate: (next, previous) => [...resourceQuotaUpdateErrors(next, previous)],
  validateStatusUpdate: (next) => [...resourceQuotaStatusErrors(next)],
  generation: false,
  columns: [
    nameColumn,
    text('Request', 'How much is asked for, of how much may be.', (object) => used(object, (name) => !isLimit(name))),
    text('Limit', 'How much may be used, of how much may be.', (object) => used(object, isLimit)),
    ageColumn,
  ],
};

const isLimit = (name: string): boolean => name.startsWith('limits.');

/** `cpu: 1/2, pods: 3/10`. */
function used({ status }: ResourceQuota, chosen: (name: string) => boolean): string {
  return Object.entries(status?.hard ?? {}).filter(([name]) => chosen(name)).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, hard]) => `${name}: ${status?.used?.[name] ?? '0'}/${hard}`).join(', ');
}
