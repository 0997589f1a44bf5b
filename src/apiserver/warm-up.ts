import { StatusError } from '../api/errors.ts';
import { deployments, mutatingWebhookConfigurations, pods, replicaSets, validatingWebhookConfigurations } from '../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../api/object.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { StoredObjects } from './authz/stored-objects.ts';
import type { ResourceVerbs } from './registry/resource-verbs.ts';
import type { RequestContext } from './request.ts';

export interface WarmUpOptions {
  readonly verbs: Pick<ResourceVerbs, 'create'>;
  readonly objects: StoredObjects;
  readonly clock: Clock;
  readonly log: Log;
  /** The server's own. */
  readonly context: RequestContext;
}

/** Of each kind. What is learnt by then is most of what there is to be had: the first write costs five times as much as the eighth. */
const ROUNDS = 8;
const PAUSE_MS = 15;
/** A pause that lasts so much longer shows that the process, or the machine, has something else to do. */
const LATE_MS = 10;
/** Who is busy for so long has learnt by what was asked. */
const GIVE_UP_MS = 10_000;

/**
 * Writes what people write first, for nobody and as dry runs, while the server has nothing else to do. Code that has not run yet has to be compiled, and then runs
 * slowly for a while: without this, the first pod of a fresh server takes it 13 ms, after it 2. Each write is a turn of its own. Never rejects.
 */
export async function warmUp({ verbs, objects, clock, log, context: { user, userAgent, signal } }: WarmUpOptions): Promise<void> {
  const context: RequestContext = { user, userAgent, signal, warn: () => {} };
  const end = clock.monotonic() + GIVE_UP_MS;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [resource, value] of trials) {
      if (!(await isIdle(clock, end, signal))) return;
      // Others are not to hear of what nobody asked for.
      if (objects.list(mutatingWebhookConfigurations).length > 0 || objects.list(validatingWebhookConfigurations).length > 0) return;
      try {
        await verbs.create(context, resource, 'default', { value }, { dryRun: true });
      } catch (error) {
        // A policy, a quota, or a namespace without its account yet: as much of the way as that is known now.
        if (error instanceof StatusError) log.debug('warm-up refused', { kind: resource.kind, message: error.message });
        else return log.warn('cannot warm up', { error });
      }
    }
  }
}

/** Waits until there was a pause; false where there was none until `end`, or the server stops. */
async function isIdle(clock: Clock, end: number, signal: AbortSignal): Promise<boolean> {
  for (let now = clock.monotonic(); now < end && !signal.aborted; now = clock.monotonic()) {
    await new Promise<void>((resolve) => clock.timer(PAUSE_MS, resolve));
    if (clock.monotonic() - now < PAUSE_MS + LATE_MS) return !signal.aborted;
  }
  return false;
}

const name = 'warm-up';
const labels = { app: name };
const probe = { httpGet: { path: '/', port: 'http' } };
const spec = {
  containers: [{
    name, image: `${name}:1`, ports: [{ name: 'http', containerPort: 8080 }], env: [{ name: 'A', value: 'a' }, { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '32Mi' } }, livenessProbe: probe, readinessProbe: probe, volumeMounts: [{ name: 'data', mountPath: '/data' }, { name: 'config', mountPath: '/config' }],
  }],
  volumes: [{ name: 'data', emptyDir: {} }, { name: 'config', configMap: { name } }],
};
const owner = (kind: string): object => ({ apiVersion: 'apps/v1', kind, name, uid: '00000000-0000-4000-8000-000000000000', controller: true, blockOwnerDeletion: true });
const replicated = { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } };

/** A deployment, and what its controllers make of it. */
export const trials: readonly (readonly [ResourceType<KubeObject>, object])[] = [
  [deployments, { metadata: { name, labels }, spec: replicated }],
  [replicaSets, { metadata: { name, labels, ownerReferences: [owner('Deployment')] }, spec: replicated }],
  [pods, { metadata: { generateName: `${name}-`, labels, ownerReferences: [owner('ReplicaSet')] }, spec }],
];
