/** Upstream: pkg/registry/core/componentstatus. */
import type { KindDefinition } from '../kind.ts';
import type { ComponentCondition, ComponentStatus } from '../generated/core-v1.ts';
import { componentStatuses } from '../generated/resources.ts';
import { nameColumn, text } from './table-columns.ts';

const healthy = ({ conditions }: ComponentStatus): ComponentCondition | undefined => conditions?.find((condition) => condition.type === 'Healthy');

export const componentStatus: KindDefinition<ComponentStatus> = {
  resource: componentStatuses,
  deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
  generation: false,
  columns: [
    nameColumn,
    text('Status', 'Whether the component is well.', (object) => {
      const condition = healthy(object);
      return condition ? (condition.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown';
    }),
    text('Message', 'What the component says of itself.', (object) => healthy(object)?.message ?? ''),
    text('Error', 'What is wrong with it.', (object) => healthy(object)?.error ?? ''),
  ],
};
