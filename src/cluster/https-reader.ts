import { issueCertificate } from '../base/certificates.ts';
import type { Clock } from '../base/clock.ts';
import { createHttpClient, type HttpClient } from '../client/http-client.ts';
import type { ClusterPki } from './pki.ts';

const DAYS = 365;

/**
 * GETs of a component of the server process through the server's own port: what the server only passes on to other servers is not to be had in
 * process. Connects when it is first needed, which mostly is never.
 */
export class HttpsReader implements Disposable {
  readonly #connect: () => Promise<HttpClient>;
  #connected: Promise<HttpClient> | undefined;
  #client: HttpClient | undefined;

  constructor(user: string, server: () => string, pki: ClusterPki, clock: Pick<Clock, 'now'>) {
    this.#connect = async () => {
      const keyPair = await issueCertificate(pki.authority, { commonName: user, usages: ['client auth'], now: clock.now(), days: DAYS });
      return (this.#client = createHttpClient({ server: server(), ca: pki.authority.certificate, ...keyPair, userAgent: user.replace('system:', '') }));
    };
  }

  /** The object at an absolute path of the API. Rejects with StatusError. */
  readonly get = async (path: string): Promise<unknown> => {
    const { body } = await (await (this.#connected ??= this.#connect())).raw('GET', path);
    return JSON.parse(body.toString()) as unknown;
  };

  [Symbol.dispose](): void {
    this.#client?.[Symbol.dispose]();
  }
}
