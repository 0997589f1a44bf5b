import { UserError } from '../../base/user-error.ts';
import { putContext } from '../../client/kubeconfig-file.ts';
import { kubeconfigPaths } from '../../client/kubeconfig.ts';
import { launchCluster, type LaunchRequest } from '../../cluster/launch.ts';
import { isJoined, MAX_NODES, type RuntimeKind } from '../../cluster/profile.ts';
import { withStartLock } from '../../cluster/start-lock.ts';
import { clusterOptions, type Command, type Values } from '../command.ts';
import { oneOf, registryMirrors, wholeNumber } from '../option-values.ts';
import { Progress } from '../progress.ts';
import { profileOf, systemClock, verbLog } from '../tools.ts';

async function requestOf(values: Values): Promise<LaunchRequest> {
  const nodes = wholeNumber(values, 'nodes', 1, MAX_NODES);
  const runtime = oneOf<RuntimeKind>(values, 'runtime', ['containerd', 'simulated']);
  const ipFamily = oneOf<'ipv4' | 'dual'>(values, 'ip-family', ['ipv4', 'dual']);
  if (ipFamily === 'dual' && runtime === 'simulated') throw new UserError('simulated pods have addresses of IPv4 only', 'leave out --ip-family');
  const egress = oneOf(values, 'egress', ['on', 'off']);
  const apiPort = wholeNumber(values, 'api-port', 1, 65_535);
  const nodeGraceSeconds = wholeNumber(values, 'node-grace', 5, 3600);
  const ledger = oneOf(values, 'ledger', ['on', 'off']);
  const apiServerConfig = values['api-server-config'] as string | undefined;
  const schedulerConfig = values['scheduler-config'] as string | undefined;
  const listenAddress = await listenAddressOf(values['listen-address'] as string | undefined);
  const mirrors = registryMirrors(values);
  return {
    ...(nodes !== undefined && { nodes }), ...(runtime && { runtime }), ...(egress && { egress: egress === 'on' }), ...(ipFamily && { ipFamily }), ...(apiPort !== undefined && { apiPort }),
    ...(nodeGraceSeconds !== undefined && { nodeGraceSeconds }), ...(ledger && { ledger: ledger === 'on' }), ...(apiServerConfig !== undefined && { apiServerConfig }), ...(schedulerConfig !== undefined && { schedulerConfig }), ...(mirrors && { registryMirrors: mirrors }), ...(listenAddress !== undefined && { listenAddress }),
  };
}

async function listenAddressOf(text: string | undefined): Promise<string | undefined> {
  if (text === undefined || text === 'none') return text;
  const { ownAddresses } = await import('../../cluster/join/this-machine.ts');
  const own = ownAddresses();
  if (!own.includes(text)) throw new UserError(`--listen-address takes an address of this machine or none, not "${text}"`, own.length > 0 ? `one of ${own.join(', ')}` : 'this machine has none but on its loopback');
  return text;
}

export const command: Command = {
  usage: 'start [--nodes N] [--profile NAME] [--runtime containerd|simulated] [--registry-mirror HOST=URL]… [--egress on|off]',
  summary: 'Starts a cluster, makes it where there is none, and points kubectl at it. Returns when every node is Ready.',
  options: {
    ...clusterOptions,
    nodes: { type: 'string', value: 'N', description: 'how many nodes, all on this machine (default 1)' },
    runtime: { type: 'string', value: 'KIND', description: 'containerd: real containers, needs root on Linux; simulated: pods without containers, anywhere (default containerd)' },
    'registry-mirror': { type: 'string', multiple: true, value: 'HOST=URL', description: 'a registry to ask for the images of HOST, also one on this machine\'s loopback' },
    egress: { type: 'string', value: 'on|off', description: 'whether pods may reach what is outside of this machine (default on)' },
    'ip-family': { type: 'string', value: 'ipv4|dual', description: 'addresses of pods, services and nodes: of IPv4, or of both families (default ipv4)' },
    'api-port': { type: 'string', value: 'PORT', description: 'port of the API server on 127.0.0.1 (default: the first free one from 6443)' },
    'listen-address': { type: 'string', value: 'ADDRESS|none', description: 'an address of this machine at which the API server answers other machines too, so that they can join (wherry node token)' },
    ledger: { type: 'string', value: 'on|off', description: 'whether the server keeps who did what because of what, for "wherry why" (default on)' },
    'api-server-config': { type: 'string', value: 'FILE|none', description: 'YAML with an audit Policy, an EncryptionConfiguration, an Authentication-, Authorization- or AdmissionConfiguration, as kube-apiserver takes them' },
    'scheduler-config': { type: 'string', value: 'FILE|none', description: 'YAML with a KubeSchedulerConfiguration, as kube-scheduler takes it' },
    'node-grace': { type: 'string', value: 'SECONDS', description: 'without a sign of life for so long, a node counts as dead (default 50)' },
  },
  async run(values, _positionals, io) {
    const profile = profileOf(values);
    const progress = new Progress(io, systemClock);
    const request = await requestOf(values);
    const existing = profile.read();
    if (isJoined(existing)) {
      if (Object.keys(request).length > 0) throw new UserError(`the profile "${profile.name}" is a node of the cluster at ${existing.joined.server}, whose settings are made there`, 'here, without options: wherry start');
      const { startJoined } = await import('../../cluster/join/joined-node.ts');
      const started = await withStartLock(profile, () => startJoined(profile, existing, { clock: systemClock, log: verbLog(), steps: progress, signal: io.signal }));
      return progress.say(started ? `The node ${existing.nodes[0]!.name} runs (${progress.elapsed}).` : `The node ${existing.nodes[0]!.name} runs already.`);
    }
    const { config, pki, alreadyRunning } = await withStartLock(profile, () => launchCluster(profile, request, { clock: systemClock, log: verbLog(), steps: progress, signal: io.signal }));
    const [kubeconfig] = kubeconfigPaths(process.env);
    putContext(kubeconfig!, { name: profile.name, server: `https://127.0.0.1:${config.apiPort}`, ca: pki.authority.certificate, certificate: pki.admin.certificate, key: pki.admin.key });
    progress.say(alreadyRunning
      ? `The cluster "${profile.name}" runs already; kubectl is pointed at it.`
      : `The cluster "${profile.name}" runs (${progress.elapsed}); kubectl is pointed at it. Try: kubectl get nodes`);
  },
};
