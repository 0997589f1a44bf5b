// The walkthrough as a demonstration: three nodes on this machine, a registry on loopback, a sample application; each step in a
// line or two with its time. Leaves the cluster running and says what to try next. Nothing leaves the machine (--egress off).
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { eventually, run, WHERRY, type Outcome } from '../src/testing/cluster-under-test.ts';
import { pushImage, sampleImage } from '../src/testing/sample-image.ts';
import { startRegistry } from '../src/testing/registry.ts';

const PROFILE = 'demo';
const installed = (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(`${folder}/kubectl`));
const kubectlName = installed ? 'kubectl' : 'wherry kubectl';
const client = installed ? ['kubectl'] : [WHERRY, 'kubectl'];

function fail(outcome: Outcome, what: string): never {
  throw new Error(`${what}\n${outcome.stderr || outcome.stdout}`);
}

async function wherry(...args: string[]): Promise<string> {
  const outcome = await run([WHERRY, ...args, '--profile', PROFILE], { timeoutMs: 180_000 });
  if (outcome.code !== 0) fail(outcome, `wherry ${args.join(' ')} failed`);
  return outcome.stdout;
}

async function kubectl(...args: string[]): Promise<string> {
  const outcome = await run([...client, '--context', PROFILE, ...args]);
  if (outcome.code !== 0) fail(outcome, `${kubectlName} ${args.join(' ')} failed`);
  return outcome.stdout;
}

const rows = async (...args: string[]): Promise<string[][]> => (await kubectl('get', ...args, '--no-headers')).trim().split('\n').filter(Boolean).map((line) => line.split(/\s{2,}/));
const indent = (text: string): string => text.trimEnd().split('\n').map((line) => `    ${line}`).join('\n');
const time = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
let number = 0;

/** Tells the command, does it, tells what came of it and how long it took. */
async function step(title: string, command: string, work: () => Promise<string | void>): Promise<void> {
  console.log(`\n${++number}. ${title}\n  $ ${command}`);
  const begin = performance.now();
  const told = await work();
  if (told) console.log(indent(told));
  console.log(`  (${time(begin)})`);
}

const readyPods = (count: number) => async (): Promise<boolean> => {
  const pods = await rows('pods', '-l', 'app=kubia');
  return pods.length === count && pods.every((pod) => pod[1] === '1/1' && pod[2] === 'Running');
};

const begin = performance.now();
await run([WHERRY, 'delete', '--profile', PROFILE]);
await using registry = await startRegistry();
for (const version of ['0.1.0', '0.2.0']) await pushImage(registry.url, 'msung99/maestro', version, await sampleImage(version));
console.log('A sample application (an HTTP server on 8080 that answers its host name) is built without Docker and pushed to a registry on loopback as msung99/maestro.');

await step('A cluster of three nodes on this machine, without Docker or a VM', `wherry start --nodes 3 --profile ${PROFILE} --egress off --registry-mirror docker.io=${registry.url}`, async () => {
  await wherry('start', '--nodes', '3', '--egress', 'off', '--node-grace', '15', '--registry-mirror', `docker.io=${registry.url}`);
  return kubectl('get', 'nodes', '-o', 'wide');
});
await step('An application with one line; its pod goes from Pending over ContainerCreating to Running', `${kubectlName} create deployment kubia --image=msung99/maestro:0.1.0`, async () => {
  await kubectl('create', 'deployment', 'kubia', '--image=msung99/maestro:0.1.0');
  const seen: string[] = [];
  await eventually('the pod runs', async () => {
    const [pod] = await rows('pods', '-l', 'app=kubia');
    const shown = pod && `${pod[1]} ${pod[2]}`;
    if (shown && seen.at(-1) !== shown) seen.push(shown);
    return shown === '1/1 Running';
  });
  const events = await kubectl('get', 'events', '-o', 'jsonpath={range .items[?(@.involvedObject.kind=="Pod")]}{.source.component}: {.message}{"\\n"}{end}');
  return `${seen.join('  →  ')}\n${events}`;
});
await step('A service that waits for the infrastructure, and says so', `${kubectlName} expose deployment kubia --type=LoadBalancer --port 8080`, async () => {
  await kubectl('expose', 'deployment', 'kubia', '--type=LoadBalancer', '--port', '8080');
  const why = await eventually('the explanation', async () => (await kubectl('get', 'events', '-o', 'jsonpath={.items[?(@.reason=="WaitingForLoadBalancer")].message}')) || undefined);
  return `${await kubectl('get', 'svc')}${why}`;
});
await step('Scale out; the scheduler spreads the pods evenly', `${kubectlName} scale deployment kubia --replicas=5`, async () => {
  await kubectl('scale', 'deployment', 'kubia', '--replicas=5');
  await eventually('5/5', readyPods(5));
  return `${await kubectl('get', 'deploy')}${await kubectl('get', 'pods', '-o', 'wide')}`;
});

const tunnel = spawn(WHERRY, ['tunnel', '--profile', PROFILE], { stdio: 'ignore' });
try {
  await step('The tunnel plays the infrastructure: an address, and 200 requests by curl over the pods', 'wherry tunnel   # in another terminal', async () => {
    const address = await eventually('an address', async () => /^\d+\.\S+/.exec((await rows('svc', 'kubia'))[0]![3]!)?.[0]);
    await eventually('an answer', async () => (await run(['curl', '-s', '-m', '2', `http://${address}:8080/`])).code === 0);
    const hits = new Map<string, number>();
    for (let i = 0; i < 200; i++) {
      const host = /You've hit (\S+)/.exec((await run(['curl', '-s', '-m', '5', `http://${address}:8080/`])).stdout)?.[1] ?? 'no answer';
      hits.set(host, (hits.get(host) ?? 0) + 1);
    }
    return `${await kubectl('get', 'svc', 'kubia')}curl http://${address}:8080/\n${[...hits].toSorted().map(([host, count]) => `${host}  ${String(count).padStart(3)}  ${'▇'.repeat(Math.round(count / 2))}`).join('\n')}`;
  });
} finally {
  const ended = new Promise((resolve) => tunnel.once('exit', resolve));
  tunnel.kill('SIGINT');
  await ended;
}
await step('A deleted pod is replaced', `${kubectlName} delete pod …`, async () => {
  const [victim] = (await kubectl('get', 'pods', '-l', 'app=kubia', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ');
  const deleted = await kubectl('delete', 'pod', victim!);
  await eventually('five again', readyPods(5));
  return deleted + (await kubectl('get', 'deploy'));
});
await step('A new image rolls out, a few pods at a time', `${kubectlName} set image deployment/kubia maestro=msung99/maestro:0.2.0`, async () => {
  await kubectl('set', 'image', 'deployment/kubia', 'maestro=msung99/maestro:0.2.0');
  const status = await kubectl('rollout', 'status', 'deployment/kubia', '--timeout=60s');
  // The same line comes again for each change in between.
  return `${[...new Set(status.split(/(?<=\n)/))].join('')}${await kubectl('get', 'rs')}`;
});
await step('A node dies; its pods come back elsewhere', `kill -9 …   # the process of ${PROFILE}-3; its pods tolerate 2 s here, 300 s by default`, async () => {
  const tolerations = ['not-ready', 'unreachable'].map((key) => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 2 }));
  await kubectl('patch', 'deployment', 'kubia', '-p', JSON.stringify({ spec: { template: { spec: { tolerations } } } }));
  await kubectl('rollout', 'status', 'deployment/kubia', '--timeout=60s');
  const status = JSON.parse((await run([WHERRY, 'status', '-o', 'json', '--profile', PROFILE])).stdout) as { nodes: { name: string; pid: number }[] };
  process.kill(status.nodes.find(({ name }) => name === `${PROFILE}-3`)!.pid, 'SIGKILL');
  await eventually('five pods on two nodes', async () => {
    const pods = await rows('pods', '-l', 'app=kubia', '-o', 'wide');
    return pods.filter((pod) => pod[1] === '1/1' && pod[2] === 'Running' && !pod.includes(`${PROFILE}-3`)).length === 5;
  }, 120_000);
  const shown = `${await kubectl('get', 'nodes')}${await kubectl('get', 'pods', '-l', 'app=kubia', '-o', 'wide')}`;
  await wherry('start');
  return `${shown}wherry start brings the node back.`;
});

console.log(`\nDone in ${time(begin)}. The cluster "${PROFILE}" is still running; its registry ends with this demonstration, its images are on the nodes. Try:
  ${kubectlName === 'kubectl' ? 'kubectl' : 'bin/wherry kubectl'} get pods -o wide
  bin/wherry tunnel --profile ${PROFILE}        # then, in another terminal: curl the EXTERNAL-IP of kubectl get svc
  bin/wherry delete --profile ${PROFILE}        # takes all of it away again`);
