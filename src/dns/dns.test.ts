import { decode, encode, streamDecode, streamEncode, type Answer, type DecodedPacket, type Packet, type RecordType } from 'dns-packet';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { endpointSlices, services } from '../api/generated/resources.ts';
import { systemClock as clock } from '../base/clock.ts';
import { silentLog as log } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { createInformerFactory } from '../client/informer-factory.ts';
import { startTestApiServer } from '../testing/api-server.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { answer, type DnsService, type DnsView } from './answer.ts';
import { startDns } from './dns.ts';
import { Forwarder } from './forwarder.ts';
import { QueryError, readQuery, writeFault, writeReply, type Query } from './message.ts';

const http = { name: 'http', protocol: 'tcp', port: 80 };
const dns = { name: 'dns', protocol: 'udp', port: 53 };
const inside: Record<string, DnsService> = {
  'default/web': { clusterIPs: ['10.96.0.50'], ports: [http, dns], endpoints: [{ address: '10.244.1.5', host: '10-244-1-5', ports: [{ ...http, port: 8080 }] }] },
  'default/db': { clusterIPs: [], ports: [http], endpoints: [{ address: '10.244.1.6', host: 'db-0', ports: [http] }, { address: '10.244.2.7', host: 'db-1', ports: [http] }, { address: '10.244.2.8', host: '10-244-2-8', ports: [http] }] },
  'default/nobody': { clusterIPs: [], ports: [http], endpoints: [] },
  'default/plain': { clusterIPs: [], ports: [], endpoints: [{ address: '10.244.1.9', host: '10-244-1-9', ports: [] }] },
  'default/out': { externalName: 'example.org.', clusterIPs: [], ports: [], endpoints: [] },
  'default/in': { externalName: 'web.default.svc.cluster.local', clusterIPs: [], ports: [], endpoints: [] },
  'default/both': { clusterIPs: ['10.96.0.60', 'fd00:96::60'], ports: [http], endpoints: [] },
  'default/heads': { clusterIPs: [], ports: [http], endpoints: [{ address: '10.244.1.8', host: 'h-0', ports: [http] }, { address: 'fd00:244::8', host: 'h-0', ports: [http] }, { address: 'fd00:244::9', host: 'fd00-244--9', ports: [http] }] },
  'default/ring': { externalName: 'ring.default.svc.cluster.local', clusterIPs: [], ports: [], endpoints: [] },
};
const view: DnsView = {
  service: (namespace, name) => inside[`${namespace}/${name}`],
  hasServices: (namespace) => namespace === 'default',
  byAddress: (address) => ({ '10.96.0.50': [{ namespace: 'default', service: 'web' }], '10.244.1.6': [{ namespace: 'default', service: 'db', host: 'db-0' }], 'fd00:96::60': [{ namespace: 'default', service: 'both' }] })[address] ?? [],
};
const zone = { domain: 'cluster.local', server: '10.96.0.10', ttl: 5, serial: 1 };

/** `A 10.96.0.50`, with `+` before what is additional. */
function show(record: Answer): string {
  if (record.type === 'SRV') return `SRV ${record.data.weight} ${record.data.port} ${record.data.target}`;
  if (record.type === 'SOA') return `SOA ${record.name}`;
  return `${record.type} ${String('data' in record ? record.data : '')}`;
}

function ask(name: string, type: RecordType | 'ANY' = 'A'): string {
  const reply = answer({ name, type }, view, zone);
  if (reply.kind === 'forward') return 'forward';
  if (reply.kind === 'alias') return `${reply.answers.map(show).join(', ')} → ${reply.target}`;
  const records = [...reply.answers.map(show), ...reply.additionals.map((record) => `+${show(record)}`)];
  if (reply.answers.length === 0) expect(reply.authorities.map(show)).toEqual(['SOA cluster.local']);
  return reply.rcode === 'NXDOMAIN' ? 'NXDOMAIN' : records.join(', ') || 'NODATA';
}

describe('the answer to a question', () => {
  it.each<[string, RecordType | 'ANY', string]>([
    ['web.default.svc.cluster.local', 'A', 'A 10.96.0.50'],
    ['WEB.Default.svc.CLUSTER.local.', 'A', 'A 10.96.0.50'],
    ['web.default.svc.cluster.local', 'AAAA', 'NODATA'],
    ['web.default.svc.cluster.local', 'SRV', 'SRV 50 80 web.default.svc.cluster.local, SRV 50 53 web.default.svc.cluster.local, +A 10.96.0.50'],
    ['_http._tcp.web.default.svc.cluster.local', 'SRV', 'SRV 100 80 web.default.svc.cluster.local, +A 10.96.0.50'],
    ['_dns._udp.web.default.svc.cluster.local', 'SRV', 'SRV 100 53 web.default.svc.cluster.local, +A 10.96.0.50'],
    ['_dns._tcp.web.default.svc.cluster.local', 'SRV', 'NXDOMAIN'],
    ['_http._tcp.web.default.svc.cluster.local', 'A', 'NODATA'],
    ['10-244-1-5.web.default.svc.cluster.local', 'A', 'A 10.244.1.5'],
    ['db.default.svc.cluster.local', 'A', 'A 10.244.1.6, A 10.244.2.7, A 10.244.2.8'],
    ['db-1.db.default.svc.cluster.local', 'A', 'A 10.244.2.7'],
    ['db-9.db.default.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['_http._tcp.db.default.svc.cluster.local', 'SRV', 'SRV 33 80 db-0.db.default.svc.cluster.local, SRV 33 80 db-1.db.default.svc.cluster.local, SRV 33 80 10-244-2-8.db.default.svc.cluster.local, +A 10.244.1.6, +A 10.244.2.7, +A 10.244.2.8'],
    ['nobody.default.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['plain.default.svc.cluster.local', 'A', 'A 10.244.1.9'],
    ['absent.default.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['web.other.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['example.org.default.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['a.b.c.web.default.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['default.svc.cluster.local', 'A', 'NODATA'],
    ['other.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['svc.cluster.local', 'A', 'NODATA'],
    ['example.org.cluster.local', 'A', 'NXDOMAIN'],
    ['cluster.local', 'A', 'NODATA'],
    ['cluster.local', 'SOA', 'SOA cluster.local'],
    ['cluster.local', 'NS', 'NS ns.dns.cluster.local'],
    ['ns.dns.cluster.local', 'A', 'A 10.96.0.10'],
    ['dns-version.cluster.local', 'TXT', 'TXT 1.1.0'],
    ['10-244-3-4.default.pod.cluster.local', 'A', 'A 10.244.3.4'],
    ['nonsense.default.pod.cluster.local', 'A', 'NXDOMAIN'],
    ['in.default.svc.cluster.local', 'A', 'CNAME web.default.svc.cluster.local, A 10.96.0.50'],
    ['out.default.svc.cluster.local', 'CNAME', 'CNAME example.org'],
    ['out.default.svc.cluster.local', 'A', 'CNAME example.org → example.org'],
    ['50.0.96.10.in-addr.arpa', 'PTR', 'PTR web.default.svc.cluster.local'],
    ['6.1.244.10.in-addr.arpa', 'PTR', 'PTR db-0.db.default.svc.cluster.local'],
    ['1.2.0.192.in-addr.arpa', 'PTR', 'forward'],
    ['both.default.svc.cluster.local', 'A', 'A 10.96.0.60'],
    ['both.default.svc.cluster.local', 'AAAA', 'AAAA fd00:96::60'],
    ['_http._tcp.both.default.svc.cluster.local', 'SRV', 'SRV 100 80 both.default.svc.cluster.local, +A 10.96.0.60, +AAAA fd00:96::60'],
    ['heads.default.svc.cluster.local', 'AAAA', 'AAAA fd00:244::8, AAAA fd00:244::9'],
    ['h-0.heads.default.svc.cluster.local', 'AAAA', 'AAAA fd00:244::8'],
    ['_http._tcp.heads.default.svc.cluster.local', 'SRV', 'SRV 50 80 h-0.heads.default.svc.cluster.local, SRV 50 80 fd00-244--9.heads.default.svc.cluster.local, +A 10.244.1.8, +AAAA fd00:244::8, +AAAA fd00:244::9'],
    ['fd00-244--9.default.pod.cluster.local', 'AAAA', 'AAAA fd00:244::9'],
    ['fd00-244--9.default.pod.cluster.local', 'A', 'NODATA'],
    ['0.6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa', 'PTR', 'PTR both.default.svc.cluster.local'],
    ['0.6.0.0.ip6.arpa', 'PTR', 'forward'],
    ['example.org', 'A', 'forward'],
    ['notcluster.local', 'A', 'forward'],
    ['web.default.svc.cluster.local', 'ANY', 'A 10.96.0.50, SRV 50 80 web.default.svc.cluster.local, SRV 50 53 web.default.svc.cluster.local, +A 10.96.0.50'],
  ])('%s %s', (name, type, expected) => expect(ask(name, type)).toBe(expected));

  it('ends where aliases go in a circle', () => expect(ask('ring.default.svc.cluster.local')).toMatch(/^CNAME ring/));

  it('repeats the name as it was asked', () => {
    const reply = answer({ name: 'WEB.default.svc.cluster.local', type: 'A' }, view, zone);
    expect(reply.kind === 'answer' && reply.answers[0]!.name).toBe('WEB.default.svc.cluster.local');
  });
});

describe('messages', () => {
  const query: Query = { id: 7, question: { name: 'db.default.svc.cluster.local', type: 'A', class: 'IN' }, recursionDesired: true, edns: undefined };
  const many = (count: number): Answer[] => Array.from({ length: count }, (_, i) => ({ name: query.question.name, type: 'A', ttl: 5, class: 'IN', data: `10.244.${i >> 8}.${i & 255}` }));

  it('are cut to what a datagram may hold, and say so', () => {
    const plain = writeReply(query, { rcode: 'NOERROR', answers: many(100) }, 'udp');
    expect(plain.length).toBeLessThanOrEqual(512);
    expect(decode(plain)).toMatchObject({ flag_tc: true, id: 7 });
    const larger = decode(writeReply({ ...query, edns: 4096 }, { rcode: 'NOERROR', answers: many(100) }, 'udp'));
    expect(larger.answers!.length).toBeGreaterThan(decode(plain).answers!.length);
    expect(larger.additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232 }]);
    expect(decode(writeReply(query, { rcode: 'NOERROR', answers: many(100) }, 'tcp'))).toMatchObject({ flag_tc: false, answers: { length: 100 } });
  });

  it('write a name once', () => {
    const owner = 'db.default.svc.cluster.local';
    const answers: Answer[] = [
      { name: owner, type: 'SRV', ttl: 5, class: 'IN', data: { priority: 0, weight: 50, port: 80, target: `a.${owner}` } }, { name: `a.${owner}`, type: 'A', ttl: 5, class: 'IN', data: '10.244.1.6' },
      { name: `a.${owner}`, type: 'AAAA', ttl: 5, class: 'IN', data: 'fd00:244::6' }, { name: owner, type: 'CNAME', ttl: 5, class: 'IN', data: `b.${owner}` }, { name: owner, type: 'TXT', ttl: 5, class: 'IN', data: ['text'] },
      { name: 'cluster.local', type: 'SOA', ttl: 5, class: 'IN', data: { mname: 'ns.dns.cluster.local', rname: 'hostmaster.cluster.local', serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 } },
    ];
    const bytes = writeReply({ ...query, edns: 4096 }, { rcode: 'NOERROR', answers }, 'udp');
    // Twice: as the question, and in the target of SRV, where no pointer may be.
    expect(bytes.toString('latin1').split('svc').length - 1).toBeLessThanOrEqual(3);
    expect(decode(bytes).answers!.map((record) => ({ ...record, flush: undefined }))).toMatchObject(answers.map((record) => (record.type === 'TXT' ? { type: 'TXT' } : record)));
    expect(decode(writeReply(query, { rcode: 'NOERROR', answers: many(28) }, 'udp'))).toMatchObject({ flag_tc: false, answers: { length: 28 } });
  });

  it('lose what is additional before they are cut', () => {
    const reply = decode(writeReply(query, { rcode: 'NOERROR', answers: many(20), additionals: many(20) }, 'udp'));
    expect([reply.flag_tc, reply.answers!.length, reply.additionals!.length]).toEqual([false, 20, 0]);
  });

  it('that are none are refused in the right words, or not at all', () => {
    const good = encode({ type: 'query', id: 1, flags: 256, questions: [{ name: 'a.b', type: 'A' }] });
    expect(readQuery(good)).toMatchObject({ id: 1, recursionDesired: true, edns: undefined });
    expect(() => readQuery(encode({ type: 'query', id: 1, questions: [] }))).toThrow('FORMERR');
    expect(() => readQuery(Buffer.concat([good.subarray(0, 12), Buffer.from([63, 1, 2])]))).toThrow('FORMERR');
    const update = Buffer.from(good);
    update[2] = 5 << 3;
    expect(() => readQuery(update)).toThrow('NOTIMP');
    expect(() => readQuery(encode({ type: 'query', id: 1, questions: [{ name: 'cluster.local', type: 'AXFR' }] }))).toThrow('REFUSED');
    const newer = { type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options: [], ednsVersion: 1 } as never;
    const refusal = ((): QueryError => {
      try {
        readQuery(encode({ type: 'query', id: 1, questions: [{ name: 'a.b', type: 'A' }], additionals: [newer] }));
      } catch (error) {
        return error as QueryError;
      }
      throw new Error('it was read');
    })();
    expect(decode(writeFault(refusal))).toMatchObject({ id: 1, rcode: 'NOERROR', additionals: [{ type: 'OPT', extendedRcode: 1, ednsVersion: 0 }] });
    expect(readQuery(encode({ type: 'response', id: 1 }))).toBe(undefined);
    expect(readQuery(Buffer.from('short'))).toBe(undefined);
  });
});

function udp(port: number, packet: Packet): Promise<DecodedPacket & { readonly rcode?: string }> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4').on('error', reject);
    socket.on('message', (bytes) => {
      socket.close();
      resolve(decode(bytes));
    });
    socket.send(encode(packet), port, '127.0.0.1');
  });
}

function question(name: string, type: RecordType = 'A'): Packet {
  return { type: 'query', id: 99, flags: 1 << 8, questions: [{ name, type }] };
}

/** A resolver that knows one name, and counts. */
async function startUpstream(): Promise<AsyncDisposable & { readonly at: string; readonly asked: string[] }> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (bytes, { port }) => {
    const { id, questions } = decode(bytes);
    const { name, type } = questions![0]!;
    asked.push(`${name} ${type}`);
    const known = name.toLowerCase() === 'example.org' && type === 'A';
    socket.send(encode({ type: 'response', id, flags: known ? 0 : 3, questions: questions!, answers: known ? [{ name, type: 'A', ttl: 60, data: '192.0.2.80' }] : [] }), port, '127.0.0.1');
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { at: `127.0.0.1:${socket.address().port}`, asked, [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void socket.close(() => resolve())) };
}

describe('a running server', () => {
  it('answers from the API server\'s state over UDP and TCP, and asks others for the rest', async () => {
    await using api = await startTestApiServer();
    await using upstream = await startUpstream();
    await api.admin.create(services, { metadata: { name: 'web', namespace: 'default' }, spec: { clusterIP: '10.96.0.50', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] } });
    await api.admin.create(services, { metadata: { name: 'db', namespace: 'default' }, spec: { clusterIP: 'None', ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }] } });
    await api.admin.create(services, { metadata: { name: 'out', namespace: 'default' }, spec: { type: 'ExternalName', externalName: 'example.org' } });
    await api.admin.create(endpointSlices, {
      metadata: { name: 'db-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'db' } }, addressType: 'IPv4', ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
      endpoints: [{ addresses: ['10.244.1.6'], hostname: 'db-0' }, { addresses: ['10.244.1.7'], hostname: 'db-1', conditions: { ready: false } }],
    });
    await using informers = createInformerFactory({ client: api.admin, clock, random: seededRandom(1), log });
    await using server = await startDns({ informers, addresses: ['127.0.0.1'], port: 0, clusterDomain: 'cluster.local', upstreams: [upstream.at], clock, random: seededRandom(1), log });
    const port = server.ports[0]!;

    const web = await udp(port, question('wEb.default.svc.cluster.local'));
    expect(web).toMatchObject({ id: 99, rcode: 'NOERROR', flag_aa: true, flag_ra: true, answers: [{ name: 'wEb.default.svc.cluster.local', type: 'A', ttl: 5, data: '10.96.0.50' }] });
    expect((await udp(port, question('db.default.svc.cluster.local'))).answers).toMatchObject([{ data: '10.244.1.6' }]);
    expect(await udp(port, question('db-1.db.default.svc.cluster.local'))).toMatchObject({ rcode: 'NXDOMAIN', authorities: [{ type: 'SOA' }] });
    expect((await udp(port, question('6.1.244.10.in-addr.arpa', 'PTR'))).answers).toMatchObject([{ data: 'db-0.db.default.svc.cluster.local' }]);
    expect((await udp(port, question('out.default.svc.cluster.local'))).answers).toMatchObject([{ type: 'CNAME', data: 'example.org' }, { type: 'A', data: '192.0.2.80' }]);

    const socket = connect(port, '127.0.0.1');
    const bytes = streamEncode(question('_sql._tcp.db.default.svc.cluster.local', 'SRV'));
    socket.write(bytes.subarray(0, 5));
    await clock.sleep(20);
    socket.write(bytes.subarray(5));
    const [reply] = await once(socket, 'data') as [Buffer];
    expect(streamDecode(reply).answers).toMatchObject([{ type: 'SRV', data: { port: 5432, target: 'db-0.db.default.svc.cluster.local' } }]);
    socket.destroy();

    await api.admin.delete(services, { namespace: 'default', name: 'web' });
    await clock.sleep(50);
    expect((await udp(port, question('web.default.svc.cluster.local'))).rcode).toBe('NXDOMAIN');
    expect(upstream.asked).toEqual(['example.org A']);
    expect((await udp(port, question('nowhere.example.net', 'UNKNOWN_65' as RecordType))).rcode).toBe('NXDOMAIN');
  });

  it('refuses at once what it can ask nobody', async () => {
    await using api = await startTestApiServer();
    await using informers = createInformerFactory({ client: api.admin, clock, random: seededRandom(1), log });
    await using server = await startDns({ informers, addresses: ['127.0.0.1'], port: 0, clusterDomain: 'cluster.local', clock, log });
    expect(await udp(server.ports[0]!, question('example.org'))).toMatchObject({ rcode: 'REFUSED', flag_ra: false });
  });
});

describe('questions to others', () => {
  it('are remembered as long as the answer holds, and get older', async () => {
    await using upstream = await startUpstream();
    let now = 0;
    const forwarder = new Forwarder({ upstreams: [upstream.at], clock: { ...clock, timer: (ms, callback) => clock.timer(ms, callback), monotonic: () => now }, random: seededRandom(1) });
    const asking = { name: 'example.org', type: 'A' } as const;
    await Promise.all([forwarder.ask(asking), forwarder.ask(asking)]);
    now = 10_000;
    expect((await forwarder.ask(asking)).answers).toMatchObject([{ ttl: 50 }]);
    expect(upstream.asked).toHaveLength(1);
    now = 31_000;
    await forwarder.ask(asking);
    expect(upstream.asked).toHaveLength(2);
  });

  it('go to the next one when one does not answer, and end in SERVFAIL', async () => {
    await using upstream = await startUpstream();
    const silent = createSocket('udp4');
    silent.bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const at = `127.0.0.1:${silent.address().port}`;
    const asking = { name: 'example.org', type: 'A' } as const;
    const real = new Forwarder({ upstreams: [at, upstream.at], clock, random: seededRandom(1), patienceMs: 50 });
    expect((await real.ask(asking)).rcode).toBe('NOERROR');
    const fake = new FakeClock();
    const patient = new Forwarder({ upstreams: [at], clock: fake, random: seededRandom(1) }).ask(asking);
    await fake.advance(2_000);
    expect((await patient).rcode).toBe('SERVFAIL');
    silent.close();
  });
});
