import type { User } from '../api/kind.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { MetricRegistry } from '../base/metrics.ts';
import type { Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ServerConfiguration } from './configuration/server-configuration.ts';

export interface KeyPair {
  /** PEM. */
  readonly key: string;
  readonly certificate: string;
}

export interface ApiServerOptions {
  /** Absent: in memory. Otherwise the folder of the LMDB environment. */
  readonly dataDir?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The cluster's CA: verifies client certificates, signs nothing here but what the signers are asked for. */
  readonly authority: KeyPair;
  /** Signs service account tokens (ES256 or RS256 private key, PEM). */
  readonly serviceAccountKey: string;
  /** Absent: reachable in process only (tests). */
  readonly serving?: { readonly hosts: readonly string[]; readonly port: number; readonly keyPair: KeyPair };
  /** Client certificate for connections to kubelets (log, exec, attach, port-forward, proxy). */
  readonly kubeletClient?: KeyPair;
  /** `10.96.0.0/16` */
  readonly serviceCidr: string;
  /** Of IPv6, for clusters of both families: `fd00:10:96::/112`. */
  readonly secondServiceCidr?: string;
  /** Inclusive, `30000-32767`. */
  readonly nodePorts: readonly [number, number];
  /** Addresses of simulated pods, to which the server sends nothing. */
  readonly simulatedRanges?: readonly string[];
  /** Address under which pods reach the server: endpoint of the `kubernetes` service. */
  readonly advertise?: { readonly address: string; readonly port: number };
  /** Audit policy, encryption at rest, other issuers of tokens. */
  readonly configuration?: ServerConfiguration;
  /** Where audit events are written: a file, rotated. Needed for an audit policy to have an effect. */
  readonly auditLog?: string;
  /** Keep a ledger of who wrote what because of what, beside the data where there is a folder for them. Default true. */
  readonly ledger?: boolean;
  /** Tries what people write first, in idle moments after the start, so that it is fast when they do. Default false. */
  readonly warmUp?: boolean;
  /** Freezes stored objects at every depth, so that a test sees who changes one. Default false. */
  readonly freezeObjects?: boolean;
}

export interface ApiServer extends AsyncDisposable {
  /** `https://127.0.0.1:6443`; undefined when in process only. */
  readonly url: string | undefined;
  /** Undefined where none is kept. */
  readonly ledger: Ledger | undefined;
  /** Takes over changes of authentication, authorization and encryption; the rest of a configuration counts when a server starts. */
  configure(next: ServerConfiguration): Promise<void>;
  /** What `/metrics` shows, for what runs beside the server in its process. */
  readonly metrics: MetricRegistry;
  /** A client in process, acting as `user`, through the same authorization, admission and strategies as HTTPS. */
  client(user: User, userAgent?: string): Client;
}
