import { GrpcError, GrpcStatus } from './grpc-error.ts';

const PREFIX_BYTES = 5;

/** A message with gRPC's prefix: whether it is compressed, and its length. */
export function frame(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

/** Takes a stream's chunks and tells its messages. */
export function messageReader(largest: number, onMessage: (message: Buffer) => void, onFault: (fault: GrpcError) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let missing = PREFIX_BYTES;
  return (chunk) => {
    missing -= chunk.length;
    chunks.push(chunk);
    if (missing > 0) return;
    let rest = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    for (;;) {
      const size = rest.length < PREFIX_BYTES ? 0 : rest.readUInt32BE(1);
      if (size > largest) return onFault(new GrpcError(GrpcStatus.ResourceExhausted, `Received message larger than max (${size} vs. ${largest})`));
      missing = PREFIX_BYTES + size - rest.length;
      if (missing > 0) break;
      if (rest[0] !== 0) return onFault(new GrpcError(GrpcStatus.Internal, 'the message is compressed, which was not agreed'));
      onMessage(rest.subarray(PREFIX_BYTES, PREFIX_BYTES + size));
      rest = rest.subarray(PREFIX_BYTES + size);
    }
    chunks = rest.length > 0 ? [rest] : [];
  };
}
