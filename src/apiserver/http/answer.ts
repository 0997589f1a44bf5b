import { ServerResponse, type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders } from 'node:http';

/**
 * A response that gathers its headers in a list, as they go out. Node's `setHeader` keeps them by their lower-case names, so that they can be asked for and taken
 * back, and that takes as long as all else that is done for a read.
 */
export class Answer extends ServerResponse<IncomingMessage> {
  readonly #given: string[] = [];
  /** Of the body, in bytes; undefined where it is not known before it is sent. */
  bodyLength: number | undefined;

  /** Adds a header to whatever will be answered. To be called once for a name. */
  give(name: string, value: string): void {
    this.#given.push(name, value);
  }

  /** Answers with a body that is there as a whole; `headers` are names and values by turns. */
  send(code: number, headers: readonly string[], body: Buffer, withBody = true): void {
    this.bodyLength = body.length;
    this.writeHead(code, [...headers, 'Content-Length', String(body.length)]);
    this.end(withBody ? body : undefined);
  }

  override writeHead(code: number, ...rest: [reason?: string | OutgoingHttpHeaders | OutgoingHttpHeader[], headers?: OutgoingHttpHeaders | OutgoingHttpHeader[]]): this {
    const [headers = []] = rest;
    if (Array.isArray(headers) && this.getHeaderNames().length === 0) return super.writeHead(code, [...this.#given, ...headers]);
    for (let i = 0; i < this.#given.length; i += 2) this.setHeader(this.#given[i]!, this.#given[i + 1]!);
    return super.writeHead(code, ...(rest as [OutgoingHttpHeaders?]));
  }
}
