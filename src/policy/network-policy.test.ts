import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { NetworkPolicySpec } from '../api/generated/networking-v1.ts';
import { namespaces, networkPolicies, pods } from '../api/generated/resources.ts';
import { systemClock as clock } from '../base/clock.ts';
import { silentLog as log } from '../base/log.ts';
import { nftRunner, type NftRunner } from '../base/nft-runner.ts';
import { seededRandom } from '../base/random.ts';
import { createInformerFactory } from '../client/informer-factory.ts';
import { startTestApiServer, type TestApiServer } from '../testing/api-server.ts';
import { startNetworkPolicy, type NetworkPolicyEnforcement } from './network-policy.ts';
import { policyTransaction, TABLE } from './policy-transaction.ts';
import { tracePolicy } from './policy-trace.ts';

const able = process.platform === 'linux' && process.getuid?.() === 0 && ['/usr/sbin/nft', '/usr/bin/unshare', '/usr/bin/nsenter'].every((program) => existsSync(program));
const namespace = 'default';
const dnsAddress = '10.96.0.10';

/** An API server, and a node's enforcement on it that writes to `nft`. */
class World implements AsyncDisposable {
  readonly api: TestApiServer;
  readonly enforcement: NetworkPolicyEnforcement;
  readonly #stack: AsyncDisposableStack;

  private constructor(api: TestApiServer, enforcement: NetworkPolicyEnforcement, stack: AsyncDisposableStack) {
    this.api = api;
    this.enforcement = enforcement;
    this.#stack = stack;
  }

  static async start(nft: NftRunner): Promise<World> {
    const stack = new AsyncDisposableStack();
    const api = stack.use(await startTestApiServer());
    const informers = stack.use(createInformerFactory({ client: api.admin, clock, random: seededRandom(1), log }));
    return new World(api, stack.use(startNetworkPolicy({ informers, nodeName: 'one', dnsAddress, nft, clock, log })), stack);
  }

  async pod(name: string, address: string, labels: Readonly<Record<string, string>> = { app: name }): Promise<void> {
    const containers = [{ name: 'c', image: 'i', ports: [{ name: 'http', containerPort: 8080 }] }];
    const pod = await this.api.admin.create(pods, { metadata: { name, namespace, labels }, spec: { nodeName: address.startsWith('10.244.1.') ? 'one' : 'two', containers } });
    if (address) await this.api.admin.updateStatus(pods, { ...pod, status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }] } });
  }

  policy(name: string, spec: NetworkPolicySpec): Promise<unknown> {
    return this.api.admin.create(networkPolicies, { metadata: { name, namespace }, spec });
  }

  /** Until what the server has is written. */
  async settled(): Promise<void> {
    await clock.sleep(60);
    await this.enforcement.idle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

describe('the work', () => {
  const recorder = (): NftRunner & { readonly written: string[]; refuse: boolean } => ({
    written: [], refuse: false,
    async apply(text) {
      if (this.refuse) throw new Error('no');
      this.written.push(text);
    },
    present: async () => undefined,
  });

  it('takes away what an earlier process left, and then does nothing while there is no policy', async () => {
    const nft = recorder();
    await using world = await World.start(nft);
    await world.pod('a', '10.244.1.1');
    await world.settled();
    expect(nft.written).toEqual([`add table ip ${TABLE}\ndelete table ip ${TABLE}\n`]);
    await world.policy('elsewhere', { podSelector: { matchLabels: { app: 'b' } } });
    await world.pod('b', '10.244.2.1');
    await world.settled();
    expect(nft.written).toHaveLength(1);
    expect(world.enforcement.table).toBeUndefined();
  });

  it('protects a pod of which only the node knows the address', async () => {
    const nft = recorder();
    await using world = await World.start(nft);
    await world.policy('deny', { podSelector: {} });
    await world.settled();
    await world.api.admin.create(pods, { metadata: { name: 'new', namespace }, spec: { nodeName: 'one', containers: [{ name: 'c', image: 'i' }] } });
    const pod = await world.api.admin.get(pods, { namespace, name: 'new' });
    await world.enforcement.protect(pod, ['10.244.1.7']);
    expect(tracePolicy(world.enforcement.table!, { source: '10.244.2.1', destination: '10.244.1.7', protocol: 'tcp', port: 80 })).toBe('dropped by ingress');
    // Of another sandbox by now.
    await world.api.admin.updateStatus(pods, { ...pod, status: { phase: 'Running', podIP: '10.244.1.7', podIPs: [{ ip: '10.244.1.7' }] } });
    await world.settled();
    expect([...world.enforcement.table!.isolated.ingress.keys()]).toEqual(['10.244.1.7']);
    await world.api.admin.delete(pods, { namespace, name: 'new' }, { gracePeriodSeconds: 0 });
    await world.settled();
    expect(world.enforcement.table).toBeUndefined();
  });

  it('replaces everything after a refusal, and keeps a pod from starting meanwhile', async () => {
    const nft = recorder();
    await using world = await World.start(nft);
    await world.pod('a', '10.244.1.1');
    await world.settled();
    nft.refuse = true;
    await world.policy('deny', { podSelector: {} });
    await clock.sleep(100);
    const pod = await world.api.admin.get(pods, { namespace, name: 'a' });
    await expect(world.enforcement.protect(pod, ['10.244.1.1'], AbortSignal.timeout(50))).rejects.toThrow(/timeout/);
    nft.refuse = false;
    await world.enforcement.protect(pod, ['10.244.1.1']);
    expect(nft.written.at(-1)).toMatch(/^add table ip wherry-policy\ndelete table ip wherry-policy\nadd table ip wherry-policy\n/);
  });
});

/** A network namespace that ends with its `sleep`. */
async function newNamespace(stack: DisposableStack): Promise<readonly string[]> {
  const child: ChildProcess = spawn('unshare', ['--net', 'sleep', '60']);
  stack.defer(() => child.kill('SIGKILL'));
  while (readFileSync(`/proc/${child.pid}/comm`, 'utf8').trim() !== 'sleep') await clock.sleep(5);
  return ['nsenter', `--net=/proc/${child.pid}/ns/net`];
}

/** What the kernel holds, in an order of its own. */
function listed(enter: readonly string[]): string[] {
  const { nftables } = JSON.parse(execFileSync(enter[0]!, [...enter.slice(1), 'nft', '-j', 'list', 'ruleset'], { encoding: 'utf8' })) as { nftables: Record<string, unknown>[] };
  return nftables.filter((entry) => !entry['metainfo']).map((entry) => JSON.stringify(entry, (key, value: unknown) => (
    key === 'handle' ? undefined : key === 'elem' && Array.isArray(value) ? value.map((one) => JSON.stringify(one)).toSorted() : value
  )).replace(',"elem":[]', '')).toSorted();
}

describe.runIf(able)('the kernel', () => {
  it('has after any changes exactly what it would have if all were written anew', async () => {
    using stack = new DisposableStack();
    const [enter, other] = [await newNamespace(stack), await newNamespace(stack)];
    const written: string[] = [];
    const nft = nftRunner(enter);
    await using world = await World.start({ ...nft, apply: (text) => (written.push(text), nft.apply(text)) });
    const { api } = world;
    const random = seededRandom(7);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;
    const peers = [
      { podSelector: {} }, { podSelector: { matchLabels: { app: 'red' } } }, { namespaceSelector: { matchLabels: { team: 'blue' } } }, { namespaceSelector: {}, podSelector: { matchLabels: { app: 'green' } } },
      { ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8', '10.244.0.0/16'] } }, { ipBlock: { cidr: '10.244.0.0/16' } }, { ipBlock: { cidr: '2001:db8::/32' } },
    ];
    const ports = [{ port: 80 }, { port: 'http' }, { protocol: 'SCTP', port: 7 }, { protocol: 'UDP' }, { port: 70, endPort: 90 }, { port: 91 }];
    const rules = (field: 'from' | 'to') => Array.from({ length: Math.floor(random.next() * 3) }, () => ({ [field]: [pick(peers), pick(peers)].slice(0, Math.floor(random.next() * 3)), ports: [pick(ports), pick(ports)].slice(0, Math.floor(random.next() * 3)) }));
    const atOnce = { gracePeriodSeconds: 0 };
    let count = 0;
    const steps = [
      async () => { await world.pod(`p${++count}`, `10.244.${1 + (count % 2)}.${count}`, { app: pick(['red', 'green']) }); },
      async () => { await world.policy(`n${++count}`, { podSelector: pick([{}, { matchLabels: { app: 'red' } }]), policyTypes: pick([['Ingress'], ['Egress'], ['Ingress', 'Egress']]), ingress: rules('from'), egress: rules('to') }); },
      async () => {
        const pod = pick((await api.admin.list(pods, { namespace })).items);
        if (pod) await api.admin.patch(pods, { namespace, name: pod.metadata.name }, { type: 'application/merge-patch+json', body: { metadata: { labels: { app: pick(['red', 'green', 'blue']) } } } });
      },
      async () => {
        const pod = pick((await api.admin.list(pods, { namespace })).items);
        if (pod) await api.admin.delete(pods, { namespace, name: pod.metadata.name }, atOnce);
      },
      async () => {
        const policy = pick((await api.admin.list(networkPolicies, { namespace })).items);
        if (policy) await api.admin.delete(networkPolicies, { namespace, name: policy.metadata.name });
      },
      async () => { await api.admin.patch(namespaces, { name: namespace }, { type: 'application/merge-patch+json', body: { metadata: { labels: { team: pick(['blue', 'green']) } } } }); },
    ];
    for (let i = 0; i < 60; i++) {
      // At first mostly things come.
      await (i < 20 ? pick(steps.slice(0, 2)) : pick(steps))();
      if (random.next() < 0.6) continue;
      let table;
      let both: readonly string[][];
      do {
        await world.settled();
        ({ table } = world.enforcement);
        await nftRunner(other).apply(policyTransaction('unknown', table, { dnsAddress }) ?? '');
        both = [listed(enter), listed(other)];
        await world.enforcement.idle();
        // On a busy machine news may come in between.
      } while (table !== world.enforcement.table);
      expect(both[0]).toEqual(both[1]);
    }
    expect(written.filter((text) => !text.includes('delete table')).length).toBeGreaterThan(10);
  });
});
