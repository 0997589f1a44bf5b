import type { Answer } from 'dns-packet';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { systemRandom, type Random } from '../base/random.ts';
import type { InformerFactory } from '../client/informer.ts';
import { answer, type DnsView } from './answer.ts';
import { clusterView } from './cluster-view.ts';
import { Forwarder } from './forwarder.ts';
import { QueryError, readQuery, writeFault, writeReply, type Query, type ReplyContents } from './message.ts';

export interface DnsOptions {
  readonly informers: InformerFactory;
  /** Where to answer: the cluster IP of `kube-dns`, which some interface of this node has. */
  readonly addresses: readonly string[];
  /** Default 53; 0 takes a free one, for tests. */
  readonly port?: number;
  readonly clusterDomain: string;
  /** Resolvers for all other names, `ADDRESS` or `ADDRESS:PORT`; without any such names are refused at once. */
  readonly upstreams?: readonly string[];
  readonly clock: Clock;
  readonly random?: Random;
  readonly log: Log;
}

export interface Dns extends AsyncDisposable {
  /** The port that answers on each address. */
  readonly ports: readonly number[];
}

/** Seconds an answer about the cluster holds. */
const TTL = 5;
/** A TCP client that says nothing for so long is let go. */
const TCP_IDLE_MS = 10_000;

/** Answers for the cluster's names on UDP and TCP. Queries that come before the caches are full wait for them. */
export async function startDns(options: DnsOptions): Promise<Dns> {
  const { informers, addresses, port = 53, clusterDomain, upstreams = [], clock, random = systemRandom, log } = options;
  const view = clusterView(informers);
  const forwarder = new Forwarder({ upstreams, clock, random });
  const ending = new AbortController();
  const synced = view.untilSynced(ending.signal);
  synced.catch(() => 'disposed before the caches were full');
  const respond = responder({ view, forwarder, domain: clusterDomain.toLowerCase(), server: addresses[0] ?? '', clock, random, synced });

  await using onFailure = new AsyncDisposableStack();
  const stack = onFailure.use(new AsyncDisposableStack());
  const ports: number[] = [];
  for (const address of addresses) {
    const tcp = stack.use(await listenTcp(address, port, respond, log));
    stack.use(await listenUdp(address, tcp.port, respond, log));
    ports.push(tcp.port);
  }
  const running = stack.move();
  return {
    ports,
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('DNS is ending'));
      await running.disposeAsync();
    },
  };
}

type Respond = (bytes: Buffer, transport: 'udp' | 'tcp') => Promise<Buffer | undefined>;

interface ResponderOptions {
  readonly view: DnsView;
  readonly forwarder: Forwarder;
  readonly domain: string;
  readonly server: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly synced: Promise<void>;
}

function responder({ view, forwarder, domain, server, clock, random, synced }: ResponderOptions): Respond {
  const contentsOf = async (query: Query): Promise<ReplyContents> => {
    await synced;
    const reply = answer(query.question, view, { domain, server, ttl: TTL, serial: Math.floor(clock.now() / 1000) });
    const recursionAvailable = forwarder.available;
    switch (reply.kind) {
      case 'answer': return { ...reply, answers: shuffled(reply.answers, random), authoritative: true, recursionAvailable };
      case 'forward': return forwarder.ask(query.question);
      case 'alias': {
        const target = await forwarder.ask({ ...query.question, name: reply.target });
        // The alias itself is known, whatever becomes of its target.
        return { rcode: 'NOERROR', authoritative: true, recursionAvailable, answers: [...reply.answers, ...(target.answers ?? [])] };
      }
    }
  };
  return async (bytes, transport) => {
    try {
      const query = readQuery(bytes);
      return query && writeReply(query, await contentsOf(query), transport);
    } catch (error) {
      if (error instanceof QueryError) return writeFault(error);
      throw error;
    }
  };
}

/** Addresses in any order, so that clients that take the first spread over all; an alias stays before what it leads to. */
function shuffled(answers: readonly Answer[], random: Random): readonly Answer[] {
  const addresses = answers.filter(({ type }) => type === 'A');
  if (addresses.length < 2) return answers;
  for (let i = addresses.length - 1; i > 0; i--) {
    const j = Math.floor(random.next() * (i + 1));
    [addresses[i], addresses[j]] = [addresses[j]!, addresses[i]!];
  }
  return [...answers.filter(({ type }) => type !== 'A'), ...addresses];
}

async function listenUdp(address: string, port: number, respond: Respond, log: Log): Promise<AsyncDisposable> {
  const socket: DatagramSocket = createSocket('udp4');
  socket.on('message', (bytes, { address: client, port: clientPort }) => {
    void respond(bytes, 'udp').then((reply) => {
      // The client may be gone by now; it would ask again.
      if (reply) socket.send(reply, clientPort, client, (error) => { if (error) log.debug('an answer could not be sent', { client, error }); });
    }).catch((error: unknown) => log.warn('a query could not be answered', { client, error }));
  });
  socket.bind(port, address);
  await once(socket, 'listening');
  socket.on('error', (error) => log.warn('UDP socket', { error }));
  return { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(() => resolve())) };
}

async function listenTcp(address: string, port: number, respond: Respond, log: Log): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', (error) => log.debug('a TCP client failed', { error }));
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const bytes = received.subarray(2, end);
        received = received.subarray(end);
        void respond(bytes, 'tcp').then((reply) => {
          if (!reply) return socket.destroy();
          const length = Buffer.alloc(2);
          length.writeUInt16BE(reply.length);
          socket.write(Buffer.concat([length, reply]));
        }).catch((error: unknown) => {
          log.warn('a query could not be answered', { error });
          socket.destroy();
        });
      }
    });
  });
  server.listen(port, address);
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    }),
  };
}
