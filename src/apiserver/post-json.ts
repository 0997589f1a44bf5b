import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';

export interface Answer {
  readonly statusCode: number;
  readonly text: string;
}

/** Posts `body` as JSON; answers whatever the other end says, up to `limit` bytes of it. Rejects with what the socket, TLS or `options.signal` say, and where the answer is longer. */
export function postJson(url: URL, options: RequestOptions, body: string, limit: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'http:' ? httpRequest : httpsRequest;
    const headers = { 'content-type': 'application/json', accept: 'application/json', 'content-length': Buffer.byteLength(body), ...options.headers };
    const outgoing = request(url, { ...options, method: 'POST', headers }, (incoming) => {
      const pieces: Buffer[] = [];
      let size = 0;
      incoming.on('data', (piece: Buffer) => {
        size += piece.length;
        if (size > limit) outgoing.destroy(new Error('the answer is too long'));
        else pieces.push(piece);
      });
      incoming.on('error', reject);
      incoming.on('end', () => resolve({ statusCode: incoming.statusCode ?? 0, text: Buffer.concat(pieces).toString() }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export const isGood = ({ statusCode }: Answer): boolean => statusCode >= 200 && statusCode <= 299;
