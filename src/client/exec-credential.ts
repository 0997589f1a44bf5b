import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { systemClock, type Clock } from '../base/clock.ts';
import { ConnectionError } from './connection-error.ts';
import { KubeconfigError } from './kubeconfig-faults.ts';
import type { ExecConfig } from './kubeconfig-entries.ts';

export interface Credential {
  readonly token?: string;
  /** PEM. */
  readonly certificate?: string;
  readonly key?: string;
}

/** `AllowAll` (and nothing said), `DenyAll`, or `Allowlist` with the programs that are allowed. */
export interface PluginPolicy { readonly policy: string; readonly allowed: readonly string[] }

export interface ExecOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly plugins?: PluginPolicy | undefined;
  /** What the program is told of the cluster, where it wants to know. */
  readonly cluster?: Readonly<Record<string, unknown>> | undefined;
  readonly clock?: Clock;
}

interface ExecAnswer {
  readonly apiVersion?: string;
  readonly status?: { readonly token?: string; readonly clientCertificateData?: string; readonly clientKeyData?: string; readonly expirationTimestamp?: string };
}

/** Asks a program for credentials when they are needed, and again when they have expired. Upstream: client-go plugin/pkg/client/auth/exec. */
export class ExecCredential {
  readonly #config: ExecConfig;
  readonly #options: ExecOptions;
  #known: Credential | undefined;
  #until = Infinity;

  constructor(config: ExecConfig, options: ExecOptions) {
    if (!/^client\.authentication\.k8s\.io\/v1(?:beta1)?$/.test(config.apiVersion ?? '')) throw new KubeconfigError(`exec plugin: invalid apiVersion "${config.apiVersion ?? ''}"`);
    this.#config = config;
    this.#options = options;
  }

  /** Waits for the program, since requests cannot go without it. Throws ConnectionError where it fails or answers something else. */
  current(): Credential {
    const { clock = systemClock } = this.#options;
    if (!this.#known || clock.now() >= this.#until) this.#known = this.#ask();
    return this.#known;
  }

  #ask(): Credential {
    const { command, args, env, provideClusterInfo, apiVersion = 'client.authentication.k8s.io/v1', installHint } = this.#config;
    this.#confirmAllowed(command);
    const interactive = this.#isInteractive();
    const info = { kind: 'ExecCredential', apiVersion, spec: { interactive, ...(provideClusterInfo && this.#options.cluster && { cluster: this.#options.cluster }) } };
    const run = spawnSync(command, args ?? [], {
      env: { ...this.#options.env, ...Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])), KUBERNETES_EXEC_INFO: JSON.stringify(info) },
      stdio: [interactive ? 'inherit' : 'ignore', 'pipe', 'inherit'], encoding: 'utf8',
    });
    if ((run.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
      throw fault(`exec: executable ${command} not found\n\nIt looks like you are trying to use a client-go credential plugin that is not installed.\n\nTo learn more about this feature, consult the documentation available at:\n      https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins${installHint ? `\n\n${installHint}` : ''}`);
    }
    if (run.error) throw fault(`exec: ${run.error.message}`);
    if (run.status !== 0) throw fault(`exec: executable ${command} failed with exit code ${run.status ?? -1}`);
    return this.#read(run.stdout, apiVersion);
  }

  #confirmAllowed(command: string): void {
    const { plugins, env } = this.#options;
    const refuse = (why: string): ConnectionError => fault(`plugin "${command}" not allowed: ${why}`);
    if (plugins?.policy === 'DenyAll') throw refuse('policy set to "DenyAll"');
    if (plugins?.policy !== 'Allowlist') return;
    const own = lookPath(command, env);
    if (own === undefined || !plugins.allowed.some((allowed) => lookPath(allowed, env) === own)) throw refuse('not present in the allowlist');
  }

  #read(text: string, apiVersion: string): Credential {
    let answer: ExecAnswer | string | null;
    try {
      answer = parse(text, { prettyErrors: false }) as ExecAnswer | string | null;
    } catch (error) {
      throw fault(`decoding stdout: ${(error as Error).message}`);
    }
    if (typeof answer === 'string') throw fault('decoding stdout: couldn\'t get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }');
    answer ??= { apiVersion: 'client.authentication.k8s.io/__internal' };
    if (answer.apiVersion !== apiVersion) throw fault(`exec plugin is configured to use API version ${apiVersion}, plugin returned version ${answer.apiVersion}`);
    const { status } = answer;
    if (!status) throw fault("exec plugin didn't return a status field");
    const { token, clientCertificateData: certificate, clientKeyData: key, expirationTimestamp } = status;
    if (!token && !certificate && !key) throw fault("exec plugin didn't return a token or cert/key pair");
    if (!certificate !== !key) throw fault('exec plugin returned only certificate or key, not both');
    this.#until = expirationTimestamp ? Date.parse(expirationTimestamp) : Infinity;
    return { ...(token && { token }), ...(certificate && key && { certificate, key }) };
  }

  #isInteractive(): boolean {
    const { interactiveMode = 'IfAvailable' } = this.#config;
    if (interactiveMode === 'Never') return false;
    if (interactiveMode === 'Always' && !process.stdin.isTTY) throw fault('exec plugin cannot support interactive mode: standard input is not a terminal');
    return process.stdin.isTTY === true;
  }
}

/** Where a program is found, as a shell would. */
function lookPath(command: string, env: NodeJS.ProcessEnv): string | undefined {
  if (command.includes('/')) return existsSync(command) ? resolve(command) : undefined;
  return (env['PATH'] ?? '').split(delimiter).map((folder) => join(folder || '.', command)).find((path) => existsSync(path));
}

const fault = (message: string): ConnectionError => new ConnectionError(`Unable to connect to the server: getting credentials: ${message}`, { code: 'ECREDENTIALS', cause: undefined });
