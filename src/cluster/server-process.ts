import { createInformerFactory } from '../client/informer-factory.ts';
import { createHttpClient } from '../client/http-client.ts';
import { UserError } from '../base/user-error.ts';
import { createWorkSender } from '../ledger/work-sender.ts';
import { addressPlan, nodePods } from '../machine/index.ts';
import { Addons } from './addons.ts';
import { issueNodeCertificate, loadOrCreatePki } from './pki.ts';
import { followServerConfigurationFile, readSchedulerConfigurationFile, readServerConfigurationFile } from './server-configuration-file.ts';
import { startLocalVolumes, volumesFolder } from './local-volumes.ts';
import { liveAsProcess, type ProcessTools } from './process.ts';
import type { Profile } from './profile.ts';
import { startServer } from './server.ts';

/** The main of the server process. */
export function runServerProcess(profile: Profile, tools: ProcessTools): Promise<number> {
  return liveAsProcess(profile.serverPidFile, tools, async () => {
    const { clock, random, log } = tools;
    const config = profile.mustRead();
    const plan = addressPlan(config.index);
    const pki = await loadOrCreatePki(profile, plan, clock.now());
    const simulated = config.runtime === 'simulated';
    await using onFailure = new AsyncDisposableStack();
    const stack = onFailure.use(new AsyncDisposableStack());
    const server = stack.use(await startServer({
      plan, pki, clock, random, log, simulated, storageDir: profile.storageDir, dual: config.ipFamily === 'dual',
      serving: { hosts: ['127.0.0.1', ...(simulated ? [] : [plan.host]), ...(config.listenAddress !== undefined ? [config.listenAddress] : [])], port: config.apiPort },
      advertise: { address: plan.host, port: config.apiPort },
      ledger: config.ledger ?? true, warmUp: true, configuration: readServerConfigurationFile(profile.serverConfigurationFile), schedulerConfig: readSchedulerConfigurationFile(profile.schedulerConfigurationFile), auditLog: profile.auditLog, ...(config.nodeGraceSeconds !== undefined && { nodeGraceMs: config.nodeGraceSeconds * 1000 }),
    }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRNOTAVAIL' && config.listenAddress !== undefined) throw new UserError(`this machine has no address ${config.listenAddress} any more, on which the API server is to listen`, 'another one: wherry start --listen-address ADDRESS, or none', { cause: error });
      if (error.code !== 'EADDRINUSE') throw error;
      throw new UserError(`port ${config.apiPort} of this machine is in use by another program, and the API server needs it`, `another port: wherry start --api-port PORT${profile.name === 'wherry' ? '' : ` --profile ${profile.name}`}`, { cause: error });
    }));
    stack.use(followServerConfigurationFile(profile.serverConfigurationFile, { clock, log: log.child('configuration'), configure: (next) => server.api.configure(next) }));
    const informers = stack.use(createInformerFactory({ client: server.admin, clock, random, log: log.child('addons') }));
    stack.use(await startLocalVolumes({ client: server.admin, informers, folder: volumesFolder(profile), log: log.child('volumes') }));
    if (config.listenAddress !== undefined) {
      const { takeInMachines } = await import('./join/take-in-machines.ts');
      stack.use(await takeInMachines({ profile, config: { ...config, listenAddress: config.listenAddress }, pki, plan, client: server.admin, informers, clock, log: log.child('machines') }));
    }
    const addons = stack.use(new Addons({ client: server.admin, informers, plan, profile, clock, random, log: log.child('addons') }));
    await addons.apply(config);
    const reload = (): void => void addons.apply(profile.mustRead()).catch((error: unknown) => log.error('cannot change the add-ons', { error }));
    process.on('SIGHUP', reload);
    stack.defer(() => void process.off('SIGHUP', reload));
    if (simulated) {
      // Loaded here, for most servers have no kubelet in them.
      const { startSimulatedNode } = await import('./simulated-node.ts');
      await Promise.all(config.nodes.map(async ({ name, index }) => {
        const keyPair = await issueNodeCertificate(pki, name, '127.0.0.1', clock.now());
        const client = stack.use(createHttpClient({ server: `https://127.0.0.1:${config.apiPort}`, ca: pki.authority.certificate, ...keyPair, userAgent: `kubelet/wherry (${name})` }));
        stack.use(await startSimulatedNode({
          name, client, work: stack.use(createWorkSender({ client, clock, log: log.child('ledger') })), podCidr: nodePods(plan, index), dnsAddress: plan.dnsService, serving: { keyPair, authority: pki.authority.certificate },
          folder: profile.nodeDir(name), ...(config.nodeGraceSeconds !== undefined && { nodeGraceSeconds: config.nodeGraceSeconds }), clock, random, log: log.child(name),
        }));
      }));
    }
    const running = stack.move();
    return { [Symbol.asyncDispose]: () => running.disposeAsync() };
  });
}
