import { join } from 'node:path';
import type { User } from '../api/kind.ts';
import { pods } from '../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../api/object.ts';
import { rfc3339 } from '../base/clock.ts';
import { MetricRegistry } from '../base/metrics.ts';
import type { Client } from '../client/client.ts';
import { openLedgerFile } from '../ledger/ledger-file.ts';
import { Ledger } from '../ledger/ledger.ts';
import type { StorageEngine, ValueCodec } from '../storage/engine.ts';
import { createMemoryEngine } from '../storage/memory.ts';
import { Aggregator } from './aggregator/aggregator.ts';
import { AuditLog } from './audit/audit-log.ts';
import { AuditWebhook } from './audit/audit-webhook.ts';
import { Auditor, type AuditSink } from './audit/auditor.ts';
import { InProcessAudit } from './audit/in-process-audit.ts';
import { FrontProxyIdentity } from './aggregator/front-proxy.ts';
import { ensureDefaultServiceCidr } from './allocation/default-service-cidr.ts';
import { ServiceAllocation } from './allocation/service-allocation.ts';
import type { WriteHook } from './allocation/write-hook.ts';
import type { ApiServer, ApiServerOptions } from './api-server.ts';
import { defaultAdmissionConfiguration } from './admission/admission-configuration.ts';
import { AdmissionMetrics } from './admission/admission-metrics.ts';
import { admissionPlugins } from './admission/plugins.ts';
import { PolicyTypeCheck } from './admission/policy-type-check.ts';
import { WebhookClient } from './admission/webhook-client.ts';
import { createAuthenticator } from './authn/authenticator.ts';
import { BootstrapTokens } from './authn/bootstrap-tokens.ts';
import { ConfiguredAuthentication } from './authn/configured-authentication.ts';
import { ServiceAccountTokens } from './authn/service-account-tokens.ts';
import { ConfiguredAuthorizer } from './authz/configured-authorizer.ts';
import { ensureBootstrapRbac } from './authz/bootstrap-rbac.ts';
import { NodeAuthorizer } from './authz/node-authorizer.ts';
import { RbacAuthorizer } from './authz/rbac.ts';
import { storedObjects } from './authz/stored-objects.ts';
import { ConversionMetrics } from './custom/conversion-metrics.ts';
import { RemoteEndpoint } from './configuration/remote-endpoint.ts';
import { Reloads } from './configuration/reloads.ts';
import { CustomResourceRegistrar } from './custom/custom-resource-registrar.ts';
import { customRuleValidation } from './custom/custom-rule-validation.ts';
import { RuleMetrics } from './custom/rule-metrics.ts';
import { DialGuard } from './dial-guard.ts';
import { Discovery } from './discovery.ts';
import { ConfiguredEncryption } from './encryption/configured-encryption.ts';
import { ConfigurationKeeper } from './flow-control/configuration-keeper.ts';
import { FlowControl } from './flow-control/flow-control.ts';
import { storedFigures } from './flow-control/stored-figures.ts';
import type { HealthCheck } from './http/health.ts';
import { startHttpsServer } from './http/https-server.ts';
import { RequestMetrics } from './http/metrics.ts';
import { NonResourceRequests } from './http/non-resource-requests.ts';
import { openApiRequests } from './http/open-api-requests.ts';
import { registerProcessMetrics } from './http/process-metrics.ts';
import { RequestHandler } from './http/request-handler.ts';
import { StartHooks } from './http/start-hooks.ts';
import { versionInfo } from './http/version.ts';
import { InProcessClient } from './in-process-client.ts';
import { LedgerRequests } from './ledger/ledger-requests.ts';
import { WriteRecorder } from './ledger/write-recorder.ts';
import { OpenApi } from './openapi/open-api.ts';
import { KubeletSummaries } from './metrics/kubelet-summary.ts';
import { podResourceMetrics } from './metrics/pod-resource-metrics.ts';
import { NodeMetricsReader, nodeMetricsDefinition, nodeMetricsResource, PodMetricsReader, podMetricsDefinition, podMetricsResource } from './metrics/resource-metrics.ts';
import { AdmissionChain } from './registry/admission-chain.ts';
import { ApiRegistry } from './registry/api-registry.ts';
import { BookmarkTicker } from './registry/bookmark-ticker.ts';
import { registerBuiltIns, servedBuiltIn } from './registry/built-in-resources.ts';
import { authenticationConfigMap, defaultNamespaces, ensureApiServices, ensureObjects, systemPriorityClasses } from './registry/default-objects.ts';
import { EventExpiry } from './registry/event-expiry.ts';
import { ensureKubernetesService, keepKubernetesService } from './registry/kubernetes-service.ts';
import { objectBytes } from './registry/object-bytes.ts';
import type { StoreEnvironment } from './registry/resource-store.ts';
import { countStorageEvents } from './registry/storage-event-metrics.ts';
import { ResourceVerbs } from './registry/resource-verbs.ts';
import type { RequestContext } from './request.ts';
import { KubeletConnections } from './subresources/kubelet-connections.ts';
import { subresourceHandlers, updateSubresources } from './subresources/registry.ts';
import { warmUp } from './warm-up.ts';

/** The server's own identity towards itself. */
export const SERVER_USER: User = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

/** Opens storage, registers all resources, creates what every cluster has, and serves. Without `serving`: in milliseconds, in process only. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { clock, random, log, serving } = options;
  await using onFailure = new AsyncDisposableStack();
  const stack = onFailure.use(new AsyncDisposableStack());
  const stopping = new AbortController();
  const hooks = new StartHooks();
  const encryption = stack.use(new ConfiguredEncryption({ clock, random, log: log.child('encryption') }));
  await encryption.configure(options.configuration?.encryption);
  const engine = stack.use(await hooks.done(openEngine(options, encryption), 'generic-apiserver-start-informers', 'storage-readiness'));
  const ledger = await openLedger(options, stack);
  const objects = storedObjects(engine, (value: KubeObject) => value);
  const rbac = stack.use(new RbacAuthorizer(objects));
  const nodeAuthorizer = stack.use(new NodeAuthorizer(objects));
  const authorizer = stack.use(new ConfiguredAuthorizer({ Node: nodeAuthorizer, RBAC: rbac }, { clock, log: log.child('authorization') }));
  await authorizer.configure(options.configuration?.authorization);
  const authentication = new ConfiguredAuthentication({ clock, log: log.child('authentication') });
  await authentication.configure(options.configuration?.authentication);
  const tokens = new ServiceAccountTokens({ key: options.serviceAccountKey, clock, random, objects });
  const context: RequestContext = { user: SERVER_USER, userAgent: 'wherry', signal: stopping.signal, warn: (text) => log.warn(text) };
  const dialGuard = new DialGuard(options.simulatedRanges ?? []);
  const registry = new ApiRegistry();
  const webhookClient = stack.use(new WebhookClient({ objects, clock, random, dialGuard }));
  const metrics = new MetricRegistry();
  metrics.countFamilies();
  const ruleMetrics = new RuleMetrics(metrics, clock);
  const admissionMetrics = new AdmissionMetrics(metrics, clock);
  const admission = new AdmissionChain([...admissionPlugins({
    registry, objects, authorizer, rbac, tokens, authority: options.authority.certificate, clock, random, log: log.child('admission'), serverContext: context,
    webhookClient, admissionMetrics, configuration: options.configuration?.admission ?? defaultAdmissionConfiguration,
  }), customRuleValidation(ruleMetrics)], admissionMetrics);
  hooks.has('start-apiserver-admission-initializer');
  const allocation = stack.use(new ServiceAllocation({ objects, registry, random, log: log.child('allocation'), context, serviceCidr: options.serviceCidr, ...(options.secondServiceCidr && { secondServiceCidr: options.secondServiceCidr }), nodePorts: options.nodePorts }));
  const environment: StoreEnvironment = {
    engine, clock, random, admission, isWrittenOtherwise: (key, revision) => encryption.isWrittenOtherwise(key, revision), bookmarks: stack.use(new BookmarkTicker(clock)), hookOf: hookLookup([allocation]),
    updateSubresourceOf: lookup(updateSubresources), recorder: ledger && new WriteRecorder(ledger, clock), freeze: options.freezeObjects ?? false,
  };
  registerBuiltIns(registry, environment);
  const kubelets = stack.use(new KubeletConnections({ objects, authority: options.authority.certificate, ...(options.kubeletClient && { client: options.kubeletClient }) }));
  const measured = { objects, summaries: new KubeletSummaries(kubelets, clock), log: log.child('metrics') };
  registry.add(servedBuiltIn(nodeMetricsResource, nodeMetricsDefinition), undefined, new NodeMetricsReader(measured));
  registry.add(servedBuiltIn(podMetricsResource, podMetricsDefinition), undefined, new PodMetricsReader(measured));
  const handlers = subresourceHandlers({ registry, objects, admission, clock, random, log, tokens, authentication, authorizer, rbac, kubelets, dialGuard });
  const verbs = new ResourceVerbs({ registry, handlerOf: lookup(handlers), authorizer, clock });
  stack.use(new CustomResourceRegistrar({ registry, objects, environment, webhookClient, metrics: new ConversionMetrics(metrics, clock), ruleMetrics, context, clock, log: log.child('custom resources') }));
  hooks.has('start-apiextensions-informers', 'start-apiextensions-controllers', 'crd-informer-synced');
  stack.defer(() => stopping.abort(new Error('the API server stops')));

  await Promise.all([
    hooks.done(ensureObjects(registry, context, defaultNamespaces()), 'start-system-namespaces-controller'),
    hooks.done(ensureDefaultServiceCidr({ registry, objects, context, clock, serviceCidrs: [options.serviceCidr, ...(options.secondServiceCidr ? [options.secondServiceCidr] : [])] }), 'start-kubernetes-service-cidr-controller'),
  ]);
  await Promise.all([
    hooks.done(ensureBootstrapRbac(registry, objects, context), 'rbac/bootstrap-roles'),
    hooks.done(ensureObjects(registry, context, systemPriorityClasses()), 'scheduling/bootstrap-system-priority-classes'),
    hooks.done(ensureObjects(registry, context, [authenticationConfigMap(options.authority.certificate)]), 'start-cluster-authentication-info-controller'),
    hooks.done(ensureKubernetesService(registry, context, options), 'bootstrap-controller'),
    hooks.done(ensureApiServices(registry, context, rfc3339(clock.now())), 'apiservice-registration-controller', 'kube-apiserver-autoregistration', 'autoregister-completion'),
    hooks.done(allocation.repair(), 'start-service-ip-repair-controllers'),
    hooks.done(stack.use(new ConfigurationKeeper({ registry, verbs, objects, context, clock, log: log.child('flow control') })).start(), 'priority-and-fairness-config-producer', 'priority-and-fairness-config-consumer'),
  ]);

  stack.use(keepKubernetesService({ registry, context, objects, address: options, clock, log }));
  const aggregator = stack.use(new Aggregator({
    registry, objects, context, endpoints: webhookClient, identity: new FrontProxyIdentity(options.authority, clock), clock, log: log.child('aggregator'),
  }));
  hooks.has('start-kube-aggregator-informers', 'apiservice-status-local-available-controller', 'apiservice-status-remote-available-controller', 'apiservice-discovery-controller');
  stack.use(new PolicyTypeCheck({ registry, objects, context, log: log.child('policies') }));
  stack.use(new EventExpiry({ engine, clock, log: log.child('events') }));

  let url: string | undefined;
  const audit = options.configuration?.audit;
  const auditSinks = audit ? openAuditSinks(options, metrics, stack) : [];
  const auditor = audit && auditSinks.length > 0 ? new Auditor({ policy: audit, sinks: auditSinks, clock, metrics }) : undefined;
  if (serving) {
    const requestMetrics = new RequestMetrics({ metrics, isServed: ({ group, version, resource }) => registry.find(group, version, resource) !== undefined, isDeprecated: ({ group, version, resource }) => registry.find(group, version, resource)?.served.definition.deprecation !== undefined });
    stack.use(countStorageEvents(metrics, engine));
    registerProcessMetrics(metrics, engine, registry, clock, options.dataDir);
    const flowControl = stack.use(new FlowControl({ objects, figures: storedFigures(engine, registry), clock, metrics }));
    const openApi = openApiRequests(new OpenApi(() => [...registry.all()].map(({ served }) => served.documented), versionInfo.gitVersion, () => aggregator.documents()));
    hooks.has('apiservice-openapi-controller', 'apiservice-openapiv3-controller');
    const nonResource = new NonResourceRequests({
      discovery: new Discovery(registry), clock, flags: flagsOf(options), metrics: requestMetrics, podResources: podResourceMetrics(() => objects.list(pods)), flowControl, health: healthChecks(engine, encryption, hooks, stopping.signal), openApi,
      documents: new Map<string, () => object | Promise<object>>([['/openid/v1/jwks', () => tokens.keySet()], ['/.well-known/openid-configuration', () => tokens.discovery()]]),
    });
    const handler = new RequestHandler({
      authenticator: createAuthenticator({ tokens, bootstrapTokens: new BootstrapTokens(objects, clock), configured: authentication }), authorizer, verbs, nonResource, aggregator, flowControl, auditor, ledger: ledger && new LedgerRequests(ledger, clock), metrics: requestMetrics, clock, random, log, signal: stopping.signal,
    });
    const server = stack.use(await startHttpsServer({ ...serving, clientAuthority: options.authority.certificate, handler }));
    url = `https://${serving.hosts[0]!.includes(':') ? `[${serving.hosts[0]}]` : serving.hosts[0]}:${server.port}`;
  }
  const inProcess = auditor && new InProcessAudit(auditor, clock, random);
  const client = (user: User, userAgent = ''): Client => new InProcessClient({ verbs, authorizer, user, userAgent, log, audit: inProcess, signal: stopping.signal });
  if (options.warmUp) void warmUp({ verbs, objects, clock, log: log.child('warm-up'), context });
  onFailure.move();
  const reloads = new Reloads({
    initial: options.configuration ?? {}, metrics, clock, log: log.child('configuration'), id: random.uuid(), parts: [
      { name: 'authentication', configure: (next) => authentication.configure(next.authentication) },
      { name: 'authorization', configure: (next) => authorizer.configure(next.authorization) },
      { name: 'encryption', configure: (next) => encryption.configure(next.encryption, () => engine.revision) },
    ],
  });
  return { url, ledger, metrics, client, configure: (next) => reloads.configure(next), [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** In kube-apiserver's order. `log` is of a flush that could hang there: here lines are written as they come. `informer-sync`: caches are the storage itself. Upstream: apiserver pkg/server/healthz. */
function healthChecks(engine: StorageEngine<KubeObject>, encryption: ConfiguredEncryption, hooks: StartHooks, stopping: AbortSignal): readonly HealthCheck[] {
  const readStorage = (): void => void engine.get('/registry/core/namespaces/default');
  return [
    { name: 'ping', check: () => {} },
    { name: 'log', check: () => {} },
    { name: 'etcd', check: readStorage },
    { name: 'etcd-readiness', endpoints: ['readyz'], check: readStorage },
    { name: 'informer-sync', endpoints: ['readyz'], check: readStorage },
    ...hooks.checks(),
    ...(encryption.hasPlugins ? [{ name: 'kms-providers', check: () => encryption.check() }] : []),
    { name: 'shutdown', endpoints: ['readyz'], check: () => stopping.throwIfAborted() },
  ];
}

/** The durable engine is loaded only where it is asked for: a server in memory starts without it. */
async function openEngine({ dataDir, clock, log }: ApiServerOptions, encryption: ConfiguredEncryption): Promise<StorageEngine<KubeObject>> {
  if (dataDir === undefined) return createMemoryEngine<KubeObject>({ clock, log });
  const { openLmdbEngine } = await import('../storage/lmdb.ts');
  // Without a configuration as well: what was encrypted once shall be told of as such, not as damaged.
  const codec: ValueCodec<KubeObject> = {
    encode: (object, key) => encryption.seal(objectBytes(object), key), isStale: (bytes, key) => encryption.isStale(bytes, key),
    decode: (bytes, key) => JSON.parse(Buffer.from(encryption.open(bytes, key)).toString()) as KubeObject,
  };
  return await encryption.reading(() => openLmdbEngine<KubeObject>({ directory: dataDir, codec, clock, log }));
}

/** A file where one is given, and another server where one is named. */
function openAuditSinks({ auditLog, configuration, clock, log }: ApiServerOptions, metrics: MetricRegistry, stack: AsyncDisposableStack): readonly AuditSink[] {
  const webhook = configuration?.auditWebhook;
  return [
    ...(auditLog !== undefined ? [stack.use(new AuditLog({ path: auditLog, log: log.child('audit') }))] : []),
    ...(webhook ? [stack.use(new AuditWebhook({ endpoint: new RemoteEndpoint(webhook, { clock, timeoutMs: 30_000 }), clock, log: log.child('audit'), metrics }))] : []),
  ];
}

/** Options by the names that kube-apiserver's flags have for them. */
function flagsOf({ serviceCidr, secondServiceCidr, nodePorts, serving, advertise, auditLog, configuration }: ApiServerOptions): Readonly<Record<string, string>> {
  const { authorization = [{ type: 'Node' }, { type: 'RBAC' }] } = configuration ?? {};
  return {
    'service-cluster-ip-range': [serviceCidr, ...(secondServiceCidr ? [secondServiceCidr] : [])].join(','), 'service-node-port-range': nodePorts.join('-'), 'authorization-mode': authorization.map(({ type }) => type).join(','),
    ...(serving && { 'bind-address': serving.hosts[0]!, 'secure-port': String(serving.port) }), ...(advertise && { 'advertise-address': advertise.address }), ...(auditLog !== undefined && configuration?.audit && { 'audit-log-path': auditLog }),
  };
}

/** With the data where they are durable; undefined where none is wanted. */
async function openLedger({ ledger = true, dataDir, clock, log }: ApiServerOptions, stack: AsyncDisposableStack): Promise<Ledger | undefined> {
  if (!ledger) return undefined;
  if (dataDir === undefined) return new Ledger({ clock });
  return stack.use(await openLedgerFile({ path: join(dataDir, 'ledger.jsonl'), clock, log: log.child('ledger') })).ledger;
}

/** Finds an entry of a registry by resource and subresource. */
function lookup<E extends { readonly resource: { readonly group: string; readonly resource: string }; readonly subresource: string }>(entries: readonly E[]) {
  const byName = new Map(entries.map((entry) => [`${entry.resource.group}/${entry.resource.resource}/${entry.subresource}`, entry]));
  return ({ group, resource }: Pick<ResourceType<unknown>, 'group' | 'resource'>, subresource: string): E | undefined => byName.get(`${group}/${resource}/${subresource}`);
}

function hookLookup(hooks: readonly WriteHook[]) {
  const byName = new Map(hooks.map((hook) => [`${hook.resource.group}/${hook.resource.resource}`, hook]));
  return ({ group, resource }: Pick<ResourceType<unknown>, 'group' | 'resource'>): WriteHook | undefined => byName.get(`${group}/${resource}`);
}
