/** Upstream: pkg/registry/apps/statefulset/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { StatefulSet, StatefulSetSpec } from '../generated/apps-v1.ts';
import { statefulSets } from '../generated/resources.ts';
import { defaultPodTemplate } from '../pod/pod-spec-defaults.ts';
import { selectorOf } from '../selector.ts';
import { statefulSetErrors, statefulSetUpdateErrors } from '../validation/stateful-set.ts';
import { collisionCountErrors, replicaCountErrors } from '../validation/workload.ts';
import { claimErrors } from '../validation/persistent-volume-claim.ts';
import { dnsLabel } from '../validation/fields.ts';
import { fill, mapItems, mapMember } from './fill.ts';
import { defaultClaim } from './persistent-volume-claim.ts';
import { ageColumn, containerColumns, nameColumn, text } from './table-columns.ts';
import { templateWarnings } from './workload-warnings.ts';

const counts = ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas', 'observedGeneration', 'collisionCount'] as const;

export const statefulSet: KindDefinition<StatefulSet> = {
  resource: statefulSets,
  defaults: (object) => mapMember(object, 'spec', defaultSpec),
  prepareForCreate: (object) => ({ ...object, status: { replicas: 0, availableReplicas: 0 } }),
  validate: (object) => [...statefulSetErrors('spec', object.spec)],
  validateCreate: ({ spec }) => [
    ...(spec.serviceName ? dnsLabel('spec.serviceName', spec.serviceName) : []),
    ...(spec.volumeClaimTemplates ?? []).flatMap((claim, i) => [...claimErrors(`spec.volumeClaimTemplates[${i}].spec`, claim.spec)]),
  ],
  validateUpdate: (next, previous) => [...statefulSetUpdateErrors(next.spec, previous.spec)],
  validateStatusUpdate: (next, previous) => [...replicaCountErrors(next.status ?? {}, counts, 'status.'), ...collisionCountErrors(next.status, previous.status)],
  warnings(object, previous) {
    // Its name is a DNS label by rule, so that a warning about the name has no use.
    const template = templateWarnings(object, object.spec.template, previous, 'spec.template', false);
    return (object.spec.revisionHistoryLimit ?? 0) < 0
      ? [...template, 'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended']
      : template;
  },
  nameRule: 'label',
  scale: {
    replicas: (object) => object.spec.replicas ?? 0,
    statusReplicas: (object) => object.status?.replicas ?? 0,
    selector: (object) => selectorOf(object.spec.selector).toString(),
    withReplicas: (object, replicas) => ({ ...object, spec: { ...object.spec, replicas } }),
  },
  columns: [
    nameColumn,
    text('Ready', 'How many pods are ready, of how many are desired.', (object) => `${object.status?.readyReplicas ?? 0}/${object.spec.replicas ?? 0}`),
    ageColumn,
    ...containerColumns<StatefulSet>((object) => object.spec.template),
  ],
};

function defaultSpec(spec: StatefulSetSpec): StatefulSetSpec {
  let next = fill(spec, { podManagementPolicy: 'OrderedReady', replicas: 1, revisionHistoryLimit: 10 });
  let strategy = next.updateStrategy?.type ? next.updateStrategy : { rollingUpdate: {}, ...next.updateStrategy, type: 'RollingUpdate' };
  if (strategy.type === 'RollingUpdate') strategy = mapMember(strategy, 'rollingUpdate', (rolling) => fill(rolling, { partition: 0 }));
  if (strategy !== next.updateStrategy) next = { ...next, updateStrategy: strategy };
  const retention = fill(next.persistentVolumeClaimRetentionPolicy ?? {}, { whenDeleted: 'Retain', whenScaled: 'Retain' });
  if (retention !== next.persistentVolumeClaimRetentionPolicy) next = { ...next, persistentVolumeClaimRetentionPolicy: retention };
  next = mapMember(next, 'volumeClaimTemplates', (claims) => mapItems(claims, (claim) => fill(defaultClaim(claim), { apiVersion: 'v1', kind: 'PersistentVolumeClaim' })));
  return mapMember(next, 'template', defaultPodTemplate);
}
