import { encode, type Answer, type Question } from 'dns-packet';
import { ipv6Groups } from '../base/ipv6-address.ts';

export interface Message {
  readonly id: number;
  /** The second word of the header, without the bit that says "response". */
  readonly flags: number;
  readonly question: Question;
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
  readonly additionals: readonly Answer[];
}

/** Types whose numbers are written here; all others by the library. */
const NUMBERS: Readonly<Record<string, number>> = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, AAAA: 28, SRV: 33 };
/** A pointer has 14 bits. */
const FARTHEST = 0x3fff;
const POINTER = 0xc000;
const IN = 1;
const LIBRARY_HEADER = 12;

/**
 * A response on the wire. A name that was written before, or its end, becomes a pointer (RFC 1035, 4.1.4): two or three times as many records fit into
 * a datagram, which spares clients a second question by TCP, or helps those that know no TCP (musl's before 1.2.4).
 */
export function writeMessage({ id, flags, question, answers, authorities, additionals }: Message): Buffer {
  const writer = new Writer();
  for (const word of [id, 0x8000 | flags, 1, answers.length, authorities.length, additionals.length]) writer.word(word);
  writer.name(question.name);
  writer.word(numberOf(question.type));
  writer.word(IN);
  for (const record of [...answers, ...authorities, ...additionals]) writer.record(record);
  return writer.bytes;
}

function numberOf(type: Question['type']): number {
  // After a name of three bytes.
  return NUMBERS[type] ?? encode({ type: 'query', questions: [{ name: 'a', type }] }).readUInt16BE(LIBRARY_HEADER + 3);
}

class Writer {
  #buffer = Buffer.allocUnsafe(512);
  #end = 0;
  /** Where each name, or end of a name, was written; in lower case, for names are the same whatever their case. */
  readonly #names = new Map<string, number>();

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#end);
  }

  word(value: number): void {
    this.#reserve(2);
    this.#end = this.#buffer.writeUInt16BE(value, this.#end);
  }

  #long(value: number): void {
    this.#reserve(4);
    this.#end = this.#buffer.writeUInt32BE(value, this.#end);
  }

  name(text: string, pointers = true): void {
    let rest = text.replace(/^\.|\.$/g, '');
    while (rest !== '') {
      const key = rest.toLowerCase();
      const known = this.#names.get(key);
      if (known !== undefined && pointers) return this.word(POINTER | known);
      if (known === undefined && this.#end <= FARTHEST) this.#names.set(key, this.#end);
      const dot = rest.indexOf('.');
      const label = dot < 0 ? rest : rest.slice(0, dot);
      rest = dot < 0 ? '' : rest.slice(dot + 1);
      const length = Buffer.byteLength(label);
      this.#reserve(length + 1);
      this.#buffer[this.#end] = length;
      this.#end += 1 + this.#buffer.write(label, this.#end + 1);
    }
    this.#reserve(1);
    this.#buffer[this.#end++] = 0;
  }

  record(record: Answer): void {
    switch (record.type) {
      case 'A': return this.#head(record, () => { for (const part of record.data.split('.')) this.#byte(Number(part)); });
      case 'AAAA': return this.#head(record, () => { for (const group of ipv6Groups(record.data)!) this.word(group); });
      case 'CNAME': case 'PTR': case 'NS': return this.#head(record, () => this.name(record.data));
      case 'SRV': return this.#head(record, () => {
        for (const value of [record.data.priority ?? 0, record.data.weight ?? 0, record.data.port]) this.word(value);
        // No pointer in here (RFC 2782), but others may point to it.
        this.name(record.data.target, false);
      });
      // Dots in its mail address that separate nothing are for the library.
      case 'SOA': return record.data.rname.includes('\\') ? this.#asLibraryDoes(record) : this.#head(record, () => {
        const { mname, rname, serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0 } = record.data;
        this.name(mname);
        this.name(rname);
        for (const value of [serial, refresh, retry, expire, minimum]) this.#long(value);
      });
      default: return this.#asLibraryDoes(record);
    }
  }

  #head(record: Exclude<Answer, { readonly type: 'OPT' }>, writeData: () => void): void {
    this.name(record.name);
    this.word(NUMBERS[record.type]!);
    this.word(IN);
    this.#long('ttl' in record ? record.ttl ?? 0 : 0);
    const at = this.#end;
    this.word(0);
    writeData();
    this.#buffer.writeUInt16BE(this.#end - at - 2, at);
  }

  #asLibraryDoes(record: Answer): void {
    const bytes = encode({ type: 'response', answers: [record] }).subarray(LIBRARY_HEADER);
    this.#reserve(bytes.length);
    bytes.copy(this.#buffer, this.#end);
    this.#end += bytes.length;
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#end++] = value;
  }

  #reserve(length: number): void {
    if (this.#end + length <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#end + length));
    this.#buffer.copy(larger);
    this.#buffer = larger;
  }
}
