import type { CertificateSigningRequest } from '../../api/generated/certificates-v1.ts';
import type { Node } from '../../api/generated/core-v1.ts';
import { certificateSigningRequests, nodes as nodeResource } from '../../api/generated/resources.ts';
import { keyOf } from '../../api/object.ts';
import { readRequest, type CertificateNames } from '../../base/certificates.ts';
import { rfc3339, type Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { InformerFactory } from '../../client/informer.ts';
import { startReconciler } from '../../client/start-reconciler.ts';
import type { AddressPlan } from '../../machine/index.ts';
import { machineNode } from './annotations.ts';
import { SERVING_SIGNER } from './request-certificate.ts';

/**
 * Approves the serving certificates of joined nodes' kubelets. Upstream leaves that to people or to programs beside it, for it cannot know which addresses are a
 * node's own; here its pod range, which the cluster gave it, says so.
 */
export function startServingApprover(options: { readonly client: Client; readonly informers: InformerFactory; readonly plan: AddressPlan; readonly clock: Clock; readonly log: Log }): AsyncDisposable {
  const { client, informers, plan, clock, log } = options;
  const requests = informers.informer(certificateSigningRequests);
  const nodes = informers.informer(nodeResource);
  const reconciler = startReconciler({
    name: 'serving-approver', clock, log: log.child('serving-approver'), workers: 1,
    async reconcile(name, signal) {
      await Promise.all([requests.untilSynced(signal), nodes.untilSynced(signal)]);
      const request = requests.get(name);
      if (!request || request.spec.signerName !== SERVING_SIGNER || (request.status?.conditions?.length ?? 0) > 0) return;
      const node = (request.spec.username ?? '').replace(/^system:node:/, '');
      const wanted = await readRequest(Buffer.from(request.spec.request, 'base64').toString()).catch(() => undefined);
      if (!wanted || !mayServe(request, wanted, nodes.get(node), plan)) return;
      const now = rfc3339(clock.now());
      await client.update(certificateSigningRequests, {
        ...request, status: { ...request.status, conditions: [{ type: 'Approved', status: 'True', reason: 'AutoApproved', message: 'The names are the node\'s own.', lastUpdateTime: now, lastTransitionTime: now }] },
      }, { subresource: 'approval' });
    },
  });
  const again = (request: CertificateSigningRequest): void => reconciler.enqueue(keyOf(request));
  const subscription = requests.subscribe({ add: again, update: (_previous, request) => again(request) });
  return {
    async [Symbol.asyncDispose]() {
      subscription[Symbol.dispose]();
      await reconciler[Symbol.asyncDispose]();
    },
  };
}

/** Whether the node itself asks, for its own name and address and for nothing else. */
export function mayServe({ spec }: CertificateSigningRequest, names: CertificateNames & { readonly emailAddresses: readonly string[]; readonly uris: readonly string[] }, node: Node | undefined, plan: AddressPlan): boolean {
  const place = node && machineNode(node, plan);
  const usages = (spec.usages ?? []).toSorted().join();
  return place !== undefined && spec.username === `system:node:${node!.metadata.name}` && (spec.groups ?? []).includes('system:nodes') && names.commonName === spec.username
    && names.organizations.join() === 'system:nodes' && (usages === 'digital signature,server auth' || usages === 'digital signature,key encipherment,server auth')
    && names.dnsNames.every((name) => name === node!.metadata.name) && names.addresses.every((address) => address === place.address)
    && names.emailAddresses.length + names.uris.length === 0;
}
