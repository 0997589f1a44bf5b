import { internalError, isReason, StatusError } from '../../api/errors.ts';
import type { Pod, ResourceQuota, ScopedResourceSelectorRequirement } from '../../api/generated/core-v1.ts';
import { resourceQuotas } from '../../api/generated/resources.ts';
import type { ResourceList } from '../../api/pod/resources.ts';
import { addQuantities, compareQuantities, quantitySign, subtractQuantities } from '../../api/quantity.ts';
import { hasDeadline, inScope, quotaMatches, quotaScopes } from '../../api/quota/quota-scopes.ts';
import { countsFor, missingAmounts, quotaUsage } from '../../api/quota/quota-usage.ts';
import { refused } from './admission-fault.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import type { LimitedResource } from './admission-configuration.ts';
import type { AdmissionServices } from './admission-services.ts';

/** How often the usage of a quota is tried to be raised against other writers. */
const ATTEMPTS = 10;

/**
 * Lets an object in only if every quota of its namespace has room for it, and charges it there and then: two requests at once never get the
 * same room. The last plugin, so that what another one refuses is not charged. What a later fault of storage leaves charged, and what deletions
 * free, the quota controller puts right. Upstream: apiserver pkg/admission/plugin/resourcequota.
 */
export function resourceQuota({ objects, registry, clock, serverContext, configuration: { limitedResources } }: AdmissionServices): AdmissionPlugin {
  const charge = async (attributes: AdmissionAttributes, name: string): Promise<void> => {
    const store = registry.store('', 'v1', 'resourcequotas');
    if (!store) throw internalError('resource quotas are not served');
    for (let attempt = 1; ; attempt++) {
      try {
        await store.update(serverContext, { namespace: attributes.namespace, name }, (current) => {
          const quota = current as ResourceQuota;
          const used = usageAfter(quota, deltaFor(quota, attributes, clock.now()), attributes);
          return used ? ({ ...quota, status: { ...quota.status, used } } as ResourceQuota) : quota;
        }, { subresource: 'status' });
        return;
      } catch (error) {
        // The quota went meanwhile: nothing limits any more.
        if (isReason(error, 'NotFound')) return;
        if (!isReason(error, 'Conflict') || attempt === ATTEMPTS) throw error;
      }
    }
  };

  return {
    name: 'ResourceQuota',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    async validate(attributes) {
      const { namespace, subresource, object, oldObject, resource } = attributes;
      if (!namespace || !object || (subresource !== '' && subresource !== 'resize') || (resource.resource === 'resourcequotas' && attributes.operation === 'UPDATE')) return;
      // Most updates of pods change nothing that counts; one that gives a deadline moves the pod to other quotas.
      if (resource.group === '' && resource.resource === 'pods' && attributes.operation === 'UPDATE' && subresource === '' && hasDeadline(object as Pod) === hasDeadline(oldObject as Pod)) return;
      const quotas = objects.list(resourceQuotas, namespace);
      if (quotas.length === 0 && limitedResources.length === 0) return;
      const now = clock.now();
      // All are asked before any is charged.
      if (limitedResources.length > 0) refuseUncovered(limitedResources, quotas, attributes, now);
      const charged = quotas.filter((quota) => usageAfter(quota, deltaFor(quota, attributes, now), attributes));
      if (attributes.dryRun) return;
      for (const quota of charged) await charge(attributes, quota.metadata.name);
    },
  };
}

/**
 * Refuses what is limited by configuration and covered by no quota of the namespace: 403 for amounts, and, as upstream answers it, 500 for scopes.
 * Upstream: resourcequota/controller.go CheckRequest.
 */
function refuseUncovered(configured: readonly LimitedResource[], quotas: readonly ResourceQuota[], attributes: AdmissionAttributes, nowMs: number): void {
  const { resource, object, oldObject, operation } = attributes;
  const usage = quotaUsage(resource, object!, nowMs);
  const before = operation === 'UPDATE' && oldObject ? quotaUsage(resource, oldObject, nowMs) : {};
  if (!Object.entries(usage).some(([name, amount]) => quantitySign(subtractQuantities(amount, before[name])) > 0)) return;
  const limited = configured.filter((one) => one.group === resource.group && one.resource === resource.resource);
  const covered = new Set(quotas.flatMap((quota) => {
    const hard = Object.keys(quota.status?.hard ?? {});
    return quotaMatches(quota, resource, object!, hard) ? hard.filter((name) => countsFor(resource, name)) : [];
  }));
  const uncovered = Object.entries(usage).filter(([name, amount]) => quantitySign(amount) > 0 && !covered.has(name) && limited.some(({ matchContains }) => matchContains.some((part) => name.includes(part))));
  if (uncovered.length > 0) throw refused(attributes, `insufficient quota to consume: ${uncovered.map(([name]) => name).sort().join(',')}`);
  const within = (scopes: readonly ScopedResourceSelectorRequirement[]): readonly ScopedResourceSelectorRequirement[] => scopes.filter((scope) => inScope(resource, object!, scope));
  const quotaScoped = new Set(quotas.flatMap((quota) => within(quotaScopes(quota)).map(({ scopeName }) => scopeName)));
  const missing = within(configured.flatMap(({ matchScopes }) => matchScopes)).filter(({ scopeName }) => !quotaScoped.has(scopeName));
  if (missing.length === 0) return;
  const shown = missing.map(({ scopeName, operator, values = [] }) => `{${scopeName} ${operator} [${values.join(' ')}]}`).join(' ');
  throw new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: `insufficient quota to match these scopes: [${shown}]`, code: 500 });
}

/** What the write adds to the use of a quota; undefined where the quota is not about it. Throws 403 where the object does not say enough. */
function deltaFor(quota: ResourceQuota, attributes: AdmissionAttributes, nowMs: number): ResourceList | undefined {
  const { resource, object, oldObject, operation } = attributes;
  const hard = Object.keys(quota.status?.hard ?? {});
  if (!quotaMatches(quota, resource, object!, hard)) return undefined;
  const limited = hard.filter((name) => countsFor(resource, name));
  const { name } = quota.metadata;
  const missing = resource.group === '' && resource.resource === 'pods' ? missingAmounts(object as Pod, limited) : undefined;
  if (missing) throw refused(attributes, `failed quota: ${name}: ${missing}`);
  const unknown = limited.filter((resourceName) => quota.status?.used?.[resourceName] === undefined);
  if (unknown.length) throw refused(attributes, `status unknown for quota: ${name}, resources: ${[...limited].sort().join(',')}`);
  const usage = quotaUsage(resource, object!, nowMs);
  const before = operation === 'UPDATE' && oldObject && quotaMatches(quota, resource, oldObject, hard) ? quotaUsage(resource, oldObject, nowMs) : {};
  const delta: Record<string, string> = {};
  for (const resourceName of limited) {
    const change = subtractQuantities(usage[resourceName], before[resourceName]);
    if (quantitySign(change) > 0) delta[resourceName] = change;
  }
  return delta;
}

/** The quota's use after the write; undefined where nothing is added. Throws 403 where it would be too much. */
function usageAfter(quota: ResourceQuota, delta: ResourceList | undefined, attributes: AdmissionAttributes): ResourceList | undefined {
  if (!delta || Object.keys(delta).length === 0) return undefined;
  const used = quota.status?.used ?? {};
  const hard = quota.status?.hard ?? {};
  const after: Record<string, string> = { ...used };
  for (const [name, amount] of Object.entries(delta)) after[name] = addQuantities(used[name], amount);
  const exceeded = Object.keys(delta).filter((name) => compareQuantities(after[name], hard[name]) > 0).sort();
  if (exceeded.length) throw exceededFault(quota, exceeded, { delta, used, hard }, attributes);
  return after;
}

function exceededFault(quota: ResourceQuota, names: readonly string[], amounts: { delta: ResourceList; used: ResourceList; hard: ResourceList }, attributes: AdmissionAttributes): StatusError {
  const text = (list: ResourceList): string => names.map((name) => `${name}=${list[name] ?? '0'}`).join(',');
  return refused(attributes, `exceeded quota: ${quota.metadata.name}, requested: ${text(amounts.delta)}, used: ${text(amounts.used)}, limited: ${text(amounts.hard)}`);
}
