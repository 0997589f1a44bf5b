import { fieldError, invalid, type FieldError } from '../../api/errors.ts';
import type { AllocatedDeviceStatus, AllocationResult, DeviceRequest, ResourceClaim, ResourceClaimStatus, ResourceClaimTemplate } from '../../api/generated/resource-v1.ts';
import { namespaces } from '../../api/generated/resources.ts';
import type { User } from '../../api/kind.ts';
import { authorizationFault, type Authorizer } from '../authz/authorizer.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { concerns } from './admission-fault.ts';
import type { AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

const GROUP = 'resource.k8s.io';
const ADMIN_LABEL = 'resource.kubernetes.io/admin-access';

/**
 * Who may have devices that others have as well (those in namespaces with the label for it), who may say which devices a claim has (`resourceclaims/binding`), and who may
 * say how they are (`resourceclaims/driver`, by the driver's name). Upstream: pkg/registry/resource/utils.go. There the right must be to the verb of the request, here to
 * either way of writing.
 */
export function resourceClaimAccess({ objects, authorizer }: AdmissionServices): AdmissionPlugin {
  function adminFaults(namespace: string, path: string): readonly FieldError[] {
    const labelled = objects.get(namespaces, { name: namespace })?.metadata.labels?.[ADMIN_LABEL] === 'true';
    return labelled ? [] : [fieldError.forbidden(path, `admin access to devices requires the \`${ADMIN_LABEL}: true\` label on the containing namespace`)];
  }

  return {
    name: 'ResourceClaimAccess',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    async validate(attributes) {
      const { operation, namespace, object, oldObject, resource, context } = attributes;
      if (resource.group !== GROUP || !object) return;
      let faults: readonly FieldError[] = [];
      const isClaim = concerns(attributes, GROUP, 'resourceclaims');
      if (operation === 'CREATE' && (isClaim || concerns(attributes, GROUP, 'resourceclaimtemplates'))) {
        const { devices } = (isClaim ? (object as ResourceClaim).spec : (object as ResourceClaimTemplate).spec.spec) ?? {};
        const wanted = firstAdmin(devices?.requests ?? [], (request: DeviceRequest) => request.exactly?.adminAccess);
        if (wanted >= 0) faults = adminFaults(namespace, `spec.devices.requests[${wanted}].adminAccess`);
      } else if (operation === 'UPDATE' && concerns(attributes, GROUP, 'resourceclaims', 'status')) {
        const [next, before] = [(object as ResourceClaim).status ?? {}, (oldObject as ResourceClaim).status ?? {}];
        const granted = (status: ResourceClaimStatus): number => firstAdmin(status.allocation?.devices?.results ?? [], ({ adminAccess }) => adminAccess);
        faults = [
          ...(granted(before) < 0 && granted(next) >= 0 ? adminFaults(namespace, `status.allocation.devices.results[${granted(next)}].adminAccess`) : []),
          ...await bindingFaults(authorizer, context.user, next, before),
          // With the allocation go the states of its devices, whoever takes it away.
          ...(next.allocation ? await driverFaults(authorizer, context.user, namespace, next, before) : []),
        ];
      }
      if (faults.length > 0) throw invalid(resource, attributes.name || object.metadata.name, faults);
    },
  };
}

const firstAdmin = <T>(list: readonly T[], isAdmin: (item: T) => boolean | undefined): number => list.findIndex((item) => isAdmin(item) === true);

/** Undefined where one of the verbs is allowed; else why the first of them is not. */
async function refusal(authorizer: Authorizer, user: User, verbs: readonly string[], of: { readonly subresource: string; readonly namespace: string; readonly name: string }): Promise<string | undefined> {
  let first: string | undefined;
  for (const verb of verbs) {
    const attributes = { user, verb, resource: { group: GROUP, version: 'v1', resource: 'resourceclaims', ...of } };
    const decision = await authorizer.authorize(attributes);
    if (decision.allowed) return undefined;
    first ??= authorizationFault(attributes, decision).message;
  }
  return first;
}

async function bindingFaults(authorizer: Authorizer, user: User, next: ResourceClaimStatus, before: ResourceClaimStatus): Promise<readonly FieldError[]> {
  if (deepEqual(next.allocation, before.allocation) && deepEqual(next.reservedFor ?? [], before.reservedFor ?? [])) return [];
  const why = await refusal(authorizer, user, ['update', 'patch'], { subresource: 'binding', namespace: '', name: '' });
  return why === undefined ? [] : [fieldError.forbidden('status.allocation', `changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="update" permission: ${why}`)];
}

async function driverFaults(authorizer: Authorizer, user: User, namespace: string, next: ResourceClaimStatus, before: ResourceClaimStatus): Promise<readonly FieldError[]> {
  const own = next.allocation && isOnNode(user, nodeOf(next.allocation));
  const verbs = [...(own ? ['associated-node:'] : []), 'arbitrary-node:'].flatMap((prefix) => ['update', 'patch'].map((verb) => prefix + verb));
  const faults: FieldError[] = [];
  for (const name of changedDrivers(next.devices ?? [], before.devices ?? [])) {
    const why = await refusal(authorizer, user, verbs, { subresource: 'driver', namespace, name });
    if (why !== undefined) faults.push(fieldError.forbidden('status.devices', `changing status.devices requires resource="resourceclaims/driver", verb="[${verbs.filter((verb) => verb.endsWith('update')).join(' ')}]" permission: ${why}`));
  }
  return faults;
}

/** Drivers of which a device's state came, went or changed; sorted. */
function changedDrivers(next: readonly AllocatedDeviceStatus[], before: readonly AllocatedDeviceStatus[]): readonly string[] {
  const keyOf = ({ driver, pool, device, shareID = '' }: AllocatedDeviceStatus): string => [driver, pool, device, shareID].join(' ');
  const known = new Map(before.map((device) => [keyOf(device), device]));
  const changed = new Set<string>();
  for (const device of next) {
    if (!deepEqual(known.get(keyOf(device)), device)) changed.add(device.driver);
    known.delete(keyOf(device));
  }
  for (const { driver } of known.values()) changed.add(driver);
  return [...changed].sort();
}

/** The one node where the devices are, as the scheduler writes it. */
function nodeOf({ nodeSelector }: AllocationResult): string | undefined {
  const [term, ...more] = nodeSelector?.nodeSelectorTerms ?? [];
  const [field, ...others] = term?.matchFields ?? [];
  if (!field || more.length > 0 || others.length > 0 || term?.matchExpressions?.length) return undefined;
  return field.key === 'metadata.name' && field.operator === 'In' && field.values?.length === 1 ? field.values[0] : undefined;
}

/** Whether the user is a pod of the node, by its service account's token. */
function isOnNode({ name, extra }: User, node: string | undefined): boolean {
  const of = extra?.['authentication.kubernetes.io/node-name'];
  return node !== undefined && name.startsWith('system:serviceaccount:') && of?.length === 1 && of[0] === node;
}
