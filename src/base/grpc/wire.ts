/** Protobuf's wire format: varints, 64-bit values and length-delimited bytes. Groups do not occur in Kubernetes. */

export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

/**
 * Writes from the end to the front, as upstream's encoder does: a message's length is known when its contents are written, without
 * measuring first. So everything is written last part first: a field's value, then its tag.
 */
export class ReverseWriter {
  #buffer = Buffer.allocUnsafe(4096);
  #at = 4096;

  /** Bytes written so far. */
  get length(): number {
    return this.#buffer.length - this.#at;
  }

  /** A copy of what was written; the writer starts anew. */
  finish(): Buffer {
    const result = Buffer.from(this.#buffer.subarray(this.#at));
    this.#at = this.#buffer.length;
    return result;
  }

  #reserve(size: number): void {
    if (this.#at >= size) return;
    const used = this.length;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, used + size));
    this.#buffer.copy(grown, grown.length - used, this.#at);
    this.#at = grown.length - used;
    this.#buffer = grown;
  }

  /** A whole number; negative ones take ten bytes. */
  varint(value: number): void {
    if (value < 0 || value > 0xffffffff) return this.#bigVarint(BigInt.asUintN(64, BigInt(value)));
    let size = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
    this.#reserve(size);
    let at = (this.#at -= size);
    while (value >= 128) {
      this.#buffer[at++] = (value % 128) | 128;
      value = Math.floor(value / 128);
    }
    this.#buffer[at] = value;
  }

  #bigVarint(value: bigint): void {
    const parts: number[] = [];
    while (value >= 128n) {
      parts.push(Number(value & 127n) | 128);
      value >>= 7n;
    }
    parts.push(Number(value));
    this.bytes(Buffer.from(parts));
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at -= 8;
    this.#buffer.writeDoubleLE(value, this.#at);
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#at -= value.length;
    this.#buffer.set(value, this.#at);
  }

  /** Text with its length in front. */
  text(value: string): void {
    const size = Buffer.byteLength(value);
    this.#reserve(size);
    this.#at -= size;
    this.#buffer.write(value, this.#at, 'utf8');
    this.varint(size);
  }

  tag(field: number, wire: number): void {
    this.varint(field * 8 + wire);
  }

  /** What came since `length` was `before` becomes a length-delimited field. */
  close(field: number, before: number): void {
    this.varint(this.length - before);
    this.tag(field, 2);
  }
}

/** Reads one message from its bytes, without copying. */
export class Reader {
  readonly buffer: Buffer;
  #at: number;
  readonly #end: number;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.buffer = buffer;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** An unsigned number: a tag or a length. */
  unsigned(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.#end) throw new ProtobufError('unexpected EOF');
      const byte = this.buffer[this.#at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
    throw new ProtobufError('proto: integer overflow');
  }

  /** A signed 64-bit number in two's complement. */
  signed(): number {
    const start = this.#at;
    const value = this.unsigned();
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    let exact = 0n;
    for (let at = start, shift = 0n; at < this.#at; at++, shift += 7n) exact |= BigInt(this.buffer[at]! & 127) << shift;
    return Number(BigInt.asIntN(64, exact));
  }

  double(): number {
    if (this.#at + 8 > this.#end) throw new ProtobufError('unexpected EOF');
    this.#at += 8;
    return this.buffer.readDoubleLE(this.#at - 8);
  }

  /** A reader of the next length-delimited field. */
  message(): Reader {
    const size = this.unsigned();
    const start = this.#at;
    this.#at += size;
    if (this.#at > this.#end) throw new ProtobufError('unexpected EOF');
    return new Reader(this.buffer, start, this.#at);
  }

  text(): string {
    const { buffer } = this;
    const inner = this.message();
    return buffer.toString('utf8', inner.#at, inner.#end);
  }

  bytes(): Buffer {
    const inner = this.message();
    return this.buffer.subarray(inner.#at, inner.#end);
  }

  skip(wire: number): void {
    if (wire === 0) this.unsigned();
    else if (wire === 1) this.#at += 8;
    else if (wire === 2) this.message();
    else if (wire === 5) this.#at += 4;
    else throw new ProtobufError(`proto: illegal wireType ${wire}`);
    if (this.#at > this.#end) throw new ProtobufError('unexpected EOF');
  }
}
