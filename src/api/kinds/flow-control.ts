/** Who waits for whom when the server is busy. Upstream: pkg/registry/flowcontrol, pkg/apis/flowcontrol/v1/defaults.go. */
import type { KindDefinition, TableColumn } from '../kind.ts';
import type { FlowSchema, LimitResponse, PriorityLevelConfiguration, QueuingConfiguration } from '../generated/flowcontrol-v1.ts';
import { flowSchemas, priorityLevelConfigurations } from '../generated/resources.ts';
import { flowSchemaErrors, priorityLevelErrors } from '../validation/flow-control.ts';
import { fill, mapMember } from './fill.ts';
import { ageColumn, nameColumn, text } from './table-columns.ts';

export const flowSchema: KindDefinition<FlowSchema> = {
  resource: flowSchemas,
  defaults: (object) => mapMember(object, 'spec', (spec) => (spec.matchingPrecedence ? spec : { ...spec, matchingPrecedence: 1000 })),
  validate: (object) => [...flowSchemaErrors('spec', object.spec ?? {}, object.metadata.name)],
  columns: [
    nameColumn,
    text('PriorityLevel', 'The priority level of its requests.', ({ spec }) => spec.priorityLevelConfiguration.name),
    numeric('MatchingPrecedence', 'The lower, the earlier a request is matched.', ({ spec }) => spec.matchingPrecedence ?? 0),
    text('DistinguisherMethod', 'How its requests are told apart.', ({ spec }) => spec.distinguisherMethod?.type ?? '<none>'),
    ageColumn,
    text('MissingPL', 'Whether its priority level is missing.', ({ status }) => status?.conditions?.find((condition) => condition.type === 'Dangling')?.status ?? '?'),
  ],
};

export const priorityLevelConfiguration: KindDefinition<PriorityLevelConfiguration> = {
  resource: priorityLevelConfigurations,
  defaults: (object) => mapMember(object, 'spec', (spec) => {
    const exempt = mapMember(spec, 'exempt', (value) => fill(value, { nominalConcurrencyShares: 0, lendablePercent: 0 }));
    return mapMember(exempt, 'limited', (limited) => mapMember(fill(limited, { nominalConcurrencyShares: 30, lendablePercent: 0 }), 'limitResponse', defaultResponse));
  }),
  validate: (object) => [...priorityLevelErrors('spec', object.spec ?? {}, object.metadata.name)],
  columns: [
    nameColumn,
    text('Type', 'Whether its requests are limited.', ({ spec }) => spec.type),
    numeric('NominalConcurrencyShares', 'Its part of the places.', ({ spec }) => spec.limited?.nominalConcurrencyShares ?? '<none>'),
    numeric('Queues', 'How many queues it has.', (object) => queuing(object)?.queues ?? '<none>'),
    numeric('HandSize', 'How many queues a flow may use.', (object) => queuing(object)?.handSize ?? '<none>'),
    numeric('QueueLengthLimit', 'How long a queue may be.', (object) => queuing(object)?.queueLengthLimit ?? '<none>'),
    ageColumn,
  ],
};

/** Upstream calls these columns text, and fills them with numbers. */
function numeric<T>(name: string, description: string, value: (object: T) => number | string): TableColumn<T> {
  return { name, type: 'string', description, value };
}

const queuing = ({ spec }: PriorityLevelConfiguration): QueuingConfiguration | undefined => spec.limited?.limitResponse?.queuing;

function defaultResponse(response: LimitResponse): LimitResponse {
  return mapMember(response, 'queuing', (value) => ({ ...value, handSize: value.handSize || 8, queues: value.queues || 64, queueLengthLimit: value.queueLengthLimit || 50 }));
}
