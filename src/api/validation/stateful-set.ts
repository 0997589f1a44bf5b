/** Upstream: pkg/apis/apps/validation ValidateStatefulSet. */
import { fieldError } from '../errors.ts';
import type { StatefulSetSpec } from '../generated/apps-v1.ts';
import type { PodTemplateSpec, Volume } from '../generated/core-v1.ts';
import { atMost100Percent, intOrPercent, intOrPercentNumber, isEmptySelector, labelSelector, nonNegative, type FieldErrors } from './fields.ts';
import { podTemplateErrors } from './pod/pod-template.ts';
import { isSame } from './same.ts';
import { alwaysRestartingErrors, selectorMatchesTemplate } from './workload.ts';

export function* statefulSetErrors(path: string, spec: StatefulSetSpec): FieldErrors {
  if (!spec.podManagementPolicy) yield fieldError.required(`${path}.podManagementPolicy`);
  else if (spec.podManagementPolicy !== 'OrderedReady' && spec.podManagementPolicy !== 'Parallel') {
    yield fieldError.invalid(`${path}.podManagementPolicy`, spec.podManagementPolicy, "must be 'OrderedReady' or 'Parallel'");
  }
  yield* strategyErrors(`${path}.updateStrategy`, spec.updateStrategy ?? {});
  for (const field of ['whenDeleted', 'whenScaled'] as const) {
    const policy = spec.persistentVolumeClaimRetentionPolicy?.[field];
    if (policy !== undefined && policy !== 'Retain' && policy !== 'Delete') {
      yield fieldError.notSupported(`${path}.persistentVolumeClaimRetentionPolicy.${field}`, policy, ['Retain', 'Delete']);
    }
  }
  yield* nonNegative(`${path}.replicas`, spec.replicas);
  yield* nonNegative(`${path}.minReadySeconds`, spec.minReadySeconds);
  yield* nonNegative(`${path}.ordinals.start`, spec.ordinals?.start);
  if (!spec.selector) {
    yield fieldError.required(`${path}.selector`);
  } else {
    const faults = [...labelSelector(`${path}.selector`, spec.selector)];
    yield* faults;
    if (isEmptySelector(spec.selector)) yield fieldError.invalid(`${path}.selector`, spec.selector, 'empty selector is invalid for statefulset');
    if (faults.length > 0) yield fieldError.invalid(`${path}.selector`, spec.selector, '');
    else yield* selectorMatchesTemplate(`${path}.template`, spec.selector, spec.template);
  }
  yield* podTemplateErrors(`${path}.template`, withClaimVolumes(spec));
  yield* alwaysRestartingErrors(`${path}.template`, spec.template ?? {}, 'StatefulSet');
}

/** The template as its pods will be: each claim template is a volume of that name; the set gives host names itself. */
function withClaimVolumes(spec: StatefulSetSpec): PodTemplateSpec {
  const template = spec.template ?? {};
  if (!template.spec) return template;
  const claims = (spec.volumeClaimTemplates ?? []).map((claim): Volume => ({ name: claim.metadata?.name ?? '', persistentVolumeClaim: { claimName: claim.metadata?.name ?? '' } }));
  const names = new Set(claims.map((claim) => claim.name));
  const volumes = [...claims, ...(template.spec.volumes ?? []).filter((volume) => !names.has(volume.name))];
  return { ...template, spec: { ...template.spec, volumes, hostname: '', subdomain: '' } };
}

function* strategyErrors(path: string, strategy: NonNullable<StatefulSetSpec['updateStrategy']>): FieldErrors {
  const rolling = strategy.rollingUpdate;
  switch (strategy.type) {
    case undefined:
    case '':
      yield fieldError.required(path);
      return;
    case 'OnDelete':
      if (rolling) yield fieldError.invalid(`${path}.rollingUpdate`, rolling, "only allowed for updateStrategy 'RollingUpdate'");
      return;
    case 'RollingUpdate': {
      yield* nonNegative(`${path}.rollingUpdate.partition`, rolling?.partition);
      const unavailable = rolling?.maxUnavailable;
      if (unavailable === undefined) return;
      const at = `${path}.rollingUpdate.maxUnavailable`;
      yield* intOrPercent(at, unavailable);
      if (intOrPercentNumber(unavailable) === 0) yield fieldError.invalid(at, unavailable, 'cannot be 0');
      yield* atMost100Percent(at, unavailable);
      return;
    }
    default:
      yield fieldError.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'");
  }
}

const mutable = ['replicas', 'template', 'updateStrategy', 'minReadySeconds', 'ordinals', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy'] as const;

export function* statefulSetUpdateErrors(next: StatefulSetSpec, previous: StatefulSetSpec): FieldErrors {
  const kept = { ...next, ...Object.fromEntries(mutable.map((field) => [field, previous[field]])) };
  if (isSame(kept, previous)) return;
  yield fieldError.forbidden('spec', "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    + "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
}
