import { decode, encode, type Answer, type DecodedPacket } from 'dns-packet';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { RCODES, type Query, type Rcode, type ReplyContents } from './message.ts';

export interface ForwarderOptions {
  /** `ADDRESS` or `ADDRESS:PORT`, asked in this order. */
  readonly upstreams: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  /** For one upstream to answer. */
  readonly patienceMs?: number;
}

const LARGEST_CACHE = 1_000;
/** However long an answer says it holds. */
const LONGEST_MS = 30_000;

interface CacheEntry {
  readonly contents: ReplyContents;
  readonly stored: number;
  readonly until: number;
}

/** Asks the machine's resolvers for names outside of the cluster, and remembers their answers for a little while. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #cache = new Map<string, CacheEntry>();
  /** The same question of many clients is asked once. */
  readonly #underWay = new Map<string, Promise<ReplyContents>>();

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  get available(): boolean {
    return this.#options.upstreams.length > 0;
  }

  /** Never rejects: what cannot be asked is REFUSED (no resolvers) or SERVFAIL (none answered). */
  async ask(question: Query['question']): Promise<ReplyContents> {
    const { clock } = this.#options;
    if (!this.available) return { rcode: 'REFUSED' };
    const key = `${question.name.toLowerCase()} ${question.type}`;
    const cached = this.#cache.get(key);
    if (cached && cached.until > clock.monotonic()) return aged(cached, clock.monotonic());
    let asking = this.#underWay.get(key);
    if (!asking) {
      asking = this.#askUpstreams(question).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, asking);
      const contents = await asking;
      this.#remember(key, contents);
      return contents;
    }
    return asking;
  }

  async #askUpstreams(question: Query['question']): Promise<ReplyContents> {
    for (const upstream of this.#options.upstreams) {
      try {
        let response = await this.#exchange('udp', upstream, question);
        if (response.flag_tc) response = await this.#exchange('tcp', upstream, question);
        return {
          rcode: rcodeOf(response), recursionAvailable: true,
          answers: (response.answers ?? []), authorities: (response.authorities ?? []), additionals: (response.additionals ?? []).filter(({ type }) => type !== 'OPT'),
        };
      } catch {
        // No answer, or none that can be read: the next resolver may do better.
      }
    }
    return { rcode: 'SERVFAIL', recursionAvailable: true };
  }

  #remember(key: string, contents: ReplyContents): void {
    const { clock } = this.#options;
    if (contents.rcode !== 'NOERROR' && contents.rcode !== 'NXDOMAIN') return;
    const records = [...(contents.answers ?? []), ...(contents.authorities ?? [])];
    const seconds = Math.min(...records.map((record) => ('ttl' in record ? (record.ttl ?? 0) : 0)));
    if (records.length === 0 || seconds <= 0) return;
    if (this.#cache.size >= LARGEST_CACHE) this.#cache.delete(this.#cache.keys().next().value!);
    this.#cache.delete(key);
    this.#cache.set(key, { contents, stored: clock.monotonic(), until: clock.monotonic() + Math.min(seconds * 1000, LONGEST_MS) });
  }

  /** One question to one upstream; rejects after the patience, or when the connection fails. */
  async #exchange(transport: 'udp' | 'tcp', upstream: string, question: Query['question']): Promise<DecodedPacket> {
    const { clock, random, patienceMs = 2_000 } = this.#options;
    const [address, port = '53'] = upstream.split(':') as [string, string?];
    const id = Math.floor(random.next() * 65_536);
    const query = encode({ type: 'query', id, flags: 1 << 8, questions: [question], additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options: [] } as never] });
    const ended = Promise.withResolvers<DecodedPacket>();
    const timer = clock.timer(patienceMs, () => ended.reject(new Error(`${upstream} does not answer`)));
    const read = (bytes: Buffer): void => {
      try {
        const packet = decode(bytes);
        const [echo] = packet.questions ?? [];
        // An answer to something else is not worth ending the wait.
        if (packet.type === 'response' && packet.id === id && echo?.name.toLowerCase() === question.name.toLowerCase() && echo.type === question.type) ended.resolve(packet);
      } catch (error) {
        ended.reject(error as Error);
      }
    };
    const close = transport === 'udp' ? sendDatagram(address, Number(port), query, read, ended.reject) : sendStream(address, Number(port), query, read, ended.reject);
    try {
      return await ended.promise;
    } finally {
      timer[Symbol.dispose]();
      close();
    }
  }
}

function sendDatagram(address: string, port: number, query: Buffer, read: (bytes: Buffer) => void, fail: (error: Error) => void): () => void {
  const socket = createSocket('udp4');
  socket.on('error', fail).on('message', read);
  // Connected, so that only this upstream can answer, and a closed port is heard of at once.
  socket.connect(port, address, () => socket.send(query, (error) => { if (error) fail(error); }));
  return () => socket.close();
}

function sendStream(address: string, port: number, query: Buffer, read: (bytes: Buffer) => void, fail: (error: Error) => void): () => void {
  const socket = connect(port, address);
  let received = Buffer.alloc(0);
  socket.on('error', fail).on('close', () => fail(new Error(`${address} closed the connection`)));
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) read(received.subarray(2, 2 + received.readUInt16BE(0)));
  });
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  socket.write(Buffer.concat([length, query]));
  return () => socket.destroy();
}

function rcodeOf(response: DecodedPacket): Rcode {
  const code = (response.flags ?? 0) & 0xf;
  return (Object.keys(RCODES) as Rcode[]).find((name) => RCODES[name] === code) ?? 'SERVFAIL';
}

/** The answer with the time that has passed taken off. */
function aged({ contents, stored }: CacheEntry, now: number): ReplyContents {
  const seconds = Math.floor((now - stored) / 1000);
  const older = (records: readonly Answer[] = []): Answer[] => records.map((record) => ('ttl' in record && record.ttl !== undefined ? { ...record, ttl: Math.max(0, record.ttl - seconds) } : record) as Answer);
  return { ...contents, answers: older(contents.answers), authorities: older(contents.authorities), additionals: older(contents.additionals) };
}
