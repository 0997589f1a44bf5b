import type { User } from '../api/kind.ts';
import type { KubeObject } from '../api/object.ts';
import type { Client } from '../client/client.ts';
import type { StorageEngine } from '../storage/engine.ts';
import { createMemoryEngine } from '../storage/memory.ts';
import type { ApiServer, ApiServerOptions } from './api-server.ts';
import { mastersAuthorizer, unionAuthorizer } from './authz/authorizer.ts';
import { RbacAuthorizer } from './authz/rbac.ts';
import { storedObjects } from './authz/stored-objects.ts';
import { ensureBootstrapRbac } from './authz/bootstrap-rbac.ts';
import { InProcessClient } from './in-process-client.ts';
import { AdmissionChain } from './registry/admission-chain.ts';
import { ApiRegistry } from './registry/api-registry.ts';
import { BookmarkTicker } from './registry/bookmark-ticker.ts';
import { builtInServedResources } from './registry/built-in-resources.ts';
import { defaultNamespaces, ensureObjects } from './registry/default-objects.ts';
import { ResourceStore, type StoreEnvironment } from './registry/resource-store.ts';
import { ResourceVerbs } from './registry/resource-verbs.ts';
import type { RequestContext } from './request.ts';

/** The server's own identity towards itself. */
export const SERVER_USER: User = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

/** Opens storage, registers all resources, creates what every cluster has, and serves. Without `serving`: in milliseconds, in process only. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { clock, random, log } = options;
  const stack = new AsyncDisposableStack();
  const stopping = new AbortController();
  try {
    const engine: StorageEngine<KubeObject> = stack.use(createMemoryEngine<KubeObject>({ clock, log }));
    stack.defer(() => stopping.abort(new Error('the API server stops')));
    const context: RequestContext = { user: SERVER_USER, userAgent: 'wherry', signal: stopping.signal, warn: (text) => log.warn(text) };
    const objects = storedObjects(engine, (value: KubeObject) => value);
    const authorizer = unionAuthorizer([mastersAuthorizer, stack.use(new RbacAuthorizer(objects))]);
    const environment: StoreEnvironment = {
      engine, clock, random, admission: new AdmissionChain([]), bookmarks: stack.use(new BookmarkTicker(clock)), hookOf: () => undefined, updateSubresourceOf: () => undefined, freeze: options.freezeObjects ?? false,
    };
    const registry = new ApiRegistry();
    registerBuiltIns(registry, environment);
    const verbs = new ResourceVerbs(registry, () => undefined);
    await ensureObjects(registry, context, defaultNamespaces());
    await ensureBootstrapRbac(registry, objects, context);
    const client = (user: User, userAgent = ''): Client => new InProcessClient({ verbs, authorizer, user, userAgent, log, signal: stopping.signal });
    return { url: undefined, client, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function registerBuiltIns(registry: ApiRegistry, environment: StoreEnvironment): void {
  for (const served of builtInServedResources((entry) => (entry.group === 'rbac.authorization.k8s.io' ? { resource: entry, nameRule: 'path' } : undefined))) {
    const store = served.verbs.includes('list') ? new ResourceStore(served, environment) : undefined;
    registry.add(served, store);
  }
}
