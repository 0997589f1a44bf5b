/** Upstream: apiextensions-apiserver pkg/registry/customresourcedefinition, pkg/apis/apiextensions/v1/defaults.go. */
import { rfc3339 } from '../../base/clock.ts';
import type { KindDefinition } from '../kind.ts';
import type { CustomResourceDefinition } from '../generated/apiextensions-v1.ts';
import { customResourceDefinitions } from '../generated/resources.ts';
import { customResourceDefinitionErrors, customResourceDefinitionUpdateErrors } from '../validation/custom/definition.ts';
import { fill, mapMember } from './fill.ts';

export const customResourceDefinition: KindDefinition<CustomResourceDefinition> = {
  resource: customResourceDefinitions,
  defaults: (object) => withStorageVersion(mapMember(object, 'spec', (spec) => {
    const named = mapMember(spec, 'names', (names) => fill(names, { singular: (names.kind ?? '').toLowerCase(), ...(names.kind && { listKind: `${names.kind}List` }) }));
    const next = fill(named, { conversion: { strategy: 'None' } });
    return mapMember(next, 'conversion', (conversion) => mapMember(conversion, 'webhook', (webhook) =>
      mapMember(webhook, 'clientConfig', (config) => mapMember(config, 'service', (service) => fill(service, { port: 443 })))));
  })),
  prepareForCreate: withStorageVersion,
  prepareForUpdate: withStorageVersion,
  validate: (object) => [...customResourceDefinitionErrors(object)],
  validateUpdate: (next, previous) => [...customResourceDefinitionUpdateErrors(next, previous)],
  unconditionalUpdate: false,
  shortFinalizers: true,
  prepareForDelete(object, nowMs) {
    const { finalizers = [] } = object.metadata;
    const terminating = {
      type: 'Terminating', status: 'True', lastTransitionTime: rfc3339(nowMs), reason: 'InstanceDeletionPending',
      message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
    };
    return {
      ...object,
      metadata: { ...object.metadata, finalizers: finalizers.includes(CLEANUP_FINALIZER) ? finalizers : [...finalizers, CLEANUP_FINALIZER] },
      status: { ...object.status, conditions: [...(object.status?.conditions ?? []).filter(({ type }) => type !== 'Terminating'), terminating] },
    };
  },
};

/** Holds a definition until its instances are gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** The version that is stored is one of those that were ever stored. */
function withStorageVersion(object: CustomResourceDefinition): CustomResourceDefinition {
  const storage = object.spec?.versions?.find((version) => version.storage)?.name;
  const stored = object.status?.storedVersions ?? [];
  return storage === undefined || stored.includes(storage) ? object : { ...object, status: { ...object.status, storedVersions: [...stored, storage] } };
}
