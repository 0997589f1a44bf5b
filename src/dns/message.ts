import { AUTHORITATIVE_ANSWER, decode, encode, RECURSION_AVAILABLE, RECURSION_DESIRED, TRUNCATED_RESPONSE, type Answer, type DecodedPacket, type OptAnswer, type Question } from 'dns-packet';
import { writeMessage, type Message } from './write-message.ts';

/** What we say of ourselves to a client with EDNS, and the most that we send in one datagram. */
const LARGEST_DATAGRAM = 1232;
/** A client without EDNS takes no more (RFC 1035). */
const PLAIN_DATAGRAM = 512;

/** The four low bits of the flags; what is above them is in the OPT record. */
export const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;
export type Rcode = keyof typeof RCODES;

export interface Query {
  readonly id: number;
  readonly question: Question;
  readonly recursionDesired: boolean;
  /** The datagram size the client takes; undefined without EDNS. */
  readonly edns: number | undefined;
}

/** A query that cannot be answered, and what to say instead. */
export class QueryError extends Error {
  readonly rcode: Rcode;
  readonly id: number;

  constructor(rcode: Rcode, id: number) {
    super(`query refused with ${rcode}`);
    this.rcode = rcode;
    this.id = id;
  }
}

/** Throws a QueryError for what deserves an answer; undefined means: say nothing (too short, or an answer itself). */
export function readQuery(bytes: Buffer): Query | undefined {
  if (bytes.length < 12) return undefined;
  const id = bytes.readUInt16BE(0);
  const flags = bytes.readUInt16BE(2);
  if (flags & 0x8000) return undefined;
  if ((flags >> 11) & 0xf) throw new QueryError('NOTIMP', id);
  let packet: DecodedPacket;
  try {
    packet = decode(bytes);
  } catch {
    // The library throws plain errors of many kinds for bytes that are no message.
    throw new QueryError('FORMERR', id);
  }
  const [question, ...more] = packet.questions ?? [];
  if (!question || more.length > 0) throw new QueryError('FORMERR', id);
  if ((question.class ?? 'IN') !== 'IN') throw new QueryError('REFUSED', id);
  const opt = packet.additionals?.find((record): record is OptAnswer => record.type === 'OPT');
  if (opt && opt.ednsVersion > 0) throw new QueryError('BADVERS', id);
  // Zones are nobody's to copy.
  if (question.type === 'AXFR' || question.type === 'IXFR') throw new QueryError('REFUSED', id);
  return { id, question, recursionDesired: (flags & RECURSION_DESIRED) !== 0, edns: opt && Math.max(PLAIN_DATAGRAM, opt.udpPayloadSize) };
}

export interface ReplyContents {
  readonly rcode: Rcode;
  readonly authoritative?: boolean;
  /** Whether we can ask others at all. */
  readonly recursionAvailable?: boolean;
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  readonly additionals?: readonly Answer[];
}

/**
 * The reply on the wire. Over UDP no longer than the client takes: first what is additional goes, then the flag of truncation is
 * set, upon which the client asks again by TCP.
 */
export function writeReply(query: Query, contents: ReplyContents, transport: 'udp' | 'tcp'): Buffer {
  const { rcode, authoritative = false, recursionAvailable = false, answers = [], authorities = [], additionals = [] } = contents;
  const opt: Answer[] = query.edns === undefined ? [] : [optRecord(rcode)];
  const flags = (authoritative ? AUTHORITATIVE_ANSWER : 0) | (query.recursionDesired ? RECURSION_DESIRED : 0) | (recursionAvailable ? RECURSION_AVAILABLE : 0) | (RCODES[rcode] & 0xf);
  const write = (some: Partial<Message>, extra = 0): Buffer =>
    writeMessage({ id: query.id, flags: flags | extra, question: query.question, answers: [], authorities: [], additionals: opt, ...some });
  const limit = transport === 'tcp' ? 65_535 : query.edns === undefined ? PLAIN_DATAGRAM : Math.min(query.edns, LARGEST_DATAGRAM);
  const full = write({ answers: [...answers], authorities: [...authorities], additionals: [...additionals, ...opt] });
  if (full.length <= limit) return full;
  const bare = write({ answers: [...answers], authorities: [...authorities] });
  if (bare.length <= limit) return bare;
  // All records are of about one size: start with the share that should fit.
  for (let count = Math.floor((answers.length * limit) / bare.length); count > 0; count--) {
    const cut = write({ answers: answers.slice(0, count) }, TRUNCATED_RESPONSE);
    if (cut.length <= limit) return cut;
  }
  return write({}, TRUNCATED_RESPONSE);
}

/** For a query we could not read: only its number and the fault. */
export function writeFault({ id, rcode }: QueryError): Buffer {
  return encode({ type: 'response', id, flags: RCODES[rcode] & 0xf, ...(RCODES[rcode] > 0xf && { additionals: [optRecord(rcode)] }) });
}

function optRecord(rcode: Rcode): OptAnswer {
  return { type: 'OPT', name: '.', udpPayloadSize: LARGEST_DATAGRAM, flags: 0, options: [], extendedRcode: RCODES[rcode] >> 4, ednsVersion: 0, flag_do: false } as OptAnswer;
}
