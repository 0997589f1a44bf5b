import { WebSocket } from 'ws';
import { StatusError, type Status } from '../../api/errors.ts';
import type { HttpClient } from '../../client/http-client.ts';
import { socketTarget } from '../../client/socket-options.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** Opens a WebSocket to the API server with the client's credentials. Rejects with what the server answered instead of upgrading. */
export function openSocket(http: HttpClient, path: string, protocols: readonly string[]): Promise<WebSocket> {
  const { url, settings } = socketTarget(http.options, path);
  const socket = new WebSocket(url, [...protocols], settings);
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => reject(refusal(response.statusCode ?? 500, Buffer.concat(chunks).toString())));
    });
  });
}

function refusal(code: number, text: string): Error {
  try {
    const status = JSON.parse(text) as Status;
    if (status.kind === 'Status') return new StatusError(status);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error; // plain text is shown as it is
  }
  return new KubectlError(`unable to upgrade connection: ${text.trim() || `the server answered ${code}`}`);
}
