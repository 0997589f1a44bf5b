import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { UserError } from '../base/user-error.ts';
import { HIGHEST_NODE_NUMBER } from '../machine/address-plan.ts';
import type { LinkKind } from '../machine/machine-links.ts';

export type RuntimeKind = 'containerd' | 'simulated';

export interface NodeConfig {
  readonly name: string;
  /** From 1; picks the node's addresses. */
  readonly index: number;
}

/** Of a profile that is one node of another machine's cluster. */
export interface JoinedConfig {
  /** The API server, `https://192.168.50.1:6443`. */
  readonly server: string;
  /** This machine's own, on the way there. */
  readonly address: string;
  /** How packets go to other machines; absent: the shortest way. */
  readonly backend?: LinkKind;
  /** Where the cluster has the volumes of its own class, on every node. */
  readonly volumes: string;
}

/** What a cluster was made with: `cluster.json` in its folder. */
export interface ClusterConfig {
  /** Raised when the layout of the folder changes. */
  readonly layout: 1;
  readonly profile: string;
  /** Number of the cluster on this machine, from 0; picks its address ranges. */
  readonly index: number;
  readonly runtime: RuntimeKind;
  readonly egress: boolean;
  /** Absent: IPv4 alone. */
  readonly ipFamily?: 'dual';
  readonly apiPort: number;
  /** An address of this machine at which others reach the API server; absent: it answers on this machine alone, and no other can join. */
  readonly listenAddress?: string;
  /** Present: there is no server here, and one node. */
  readonly joined?: JoinedConfig;
  readonly nodes: readonly NodeConfig[];
  /** Registry host → URL of a mirror. */
  readonly registryMirrors: Readonly<Record<string, string>>;
  readonly addons: readonly string[];
  /** Without a sign of life for so long, a node counts as dead; absent: upstream's default. */
  readonly nodeGraceSeconds?: number;
  /** Whether the server keeps a ledger of who wrote what because of what; absent: it does. */
  readonly ledger?: boolean;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** The configuration of such a profile. */
export type JoinedCluster = ClusterConfig & { readonly joined: JoinedConfig };

export function isJoined(config: ClusterConfig | undefined): config is JoinedCluster {
  return config?.joined !== undefined;
}

const LAYOUT = 1;
const CONFIG_FILE = 'cluster.json';

/** Of the cluster in the folder; undefined where that cannot be read: it is half made or half removed, damaged, or another user's. */
export function apiPortOf(folder: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(join(folder, CONFIG_FILE), 'utf8')) as ClusterConfig).apiPort;
  } catch (error) {
    if (error instanceof SyntaxError || ['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** `cluster.json` is not what we wrote. */
export class DamagedConfigError extends UserError {}

/** The folder of one cluster, and where things are in it. */
export class Profile {
  readonly name: string;
  readonly folder: string;

  constructor(name: string, dataDir?: string) {
    if (!/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) {
      throw new UserError(`"${name}" cannot name a cluster`, 'use at most 32 lower-case letters, digits and "-", beginning and ending with a letter or digit');
    }
    this.name = name;
    this.folder = resolve(dataDir ?? join(homedir(), '.wherry', name));
  }

  get configFile(): string { return join(this.folder, CONFIG_FILE); }
  get storageDir(): string { return join(this.folder, 'storage'); }
  get runDir(): string { return join(this.folder, 'run'); }
  get logDir(): string { return join(this.folder, 'log'); }
  /** Documents that configure the API server; absent where none were given. It holds keys: only the owner may read it. */
  get serverConfigurationFile(): string { return join(this.folder, 'api-server.yaml'); }
  get schedulerConfigurationFile(): string { return join(this.folder, 'scheduler.yaml'); }
  get auditLog(): string { return join(this.logDir, 'audit.log'); }
  get pkiFile(): string { return join(this.folder, 'pki.json'); }
  get serverPidFile(): string { return join(this.runDir, 'server.pid'); }
  get serverLog(): string { return join(this.logDir, 'server.log'); }
  nodeDir(node: string): string { return join(this.folder, 'nodes', node); }
  nodePidFile(node: string): string { return join(this.runDir, `node-${node}.pid`); }
  nodeLog(node: string): string { return join(this.logDir, `node-${node}.log`); }

  /** Undefined where no cluster of this name was made. */
  read(): ClusterConfig | undefined {
    let text: string;
    try {
      text = readFileSync(this.configFile, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    let config: ClusterConfig;
    try {
      config = JSON.parse(text) as ClusterConfig;
    } catch (error) {
      throw new DamagedConfigError(`${this.configFile} is damaged: ${(error as Error).message}`, `restore it, or remove the cluster: wherry delete --profile ${this.name}`);
    }
    if (config.layout > LAYOUT) {
      throw new UserError(`the cluster "${this.name}" in ${this.folder} was made by a newer wherry (layout ${config.layout}, this one knows ${LAYOUT})`,
        'use that newer wherry, or another --profile or --data-dir');
    }
    return config;
  }

  /** Throws where there is no such cluster. */
  mustRead(): ClusterConfig {
    const config = this.read();
    if (!config) throw new UserError(`there is no cluster "${this.name}" (looked in ${this.folder})`, `wherry start${this.name === 'wherry' ? '' : ` --profile ${this.name}`}`);
    return config;
  }

  /** Makes the folder of a new cluster. Throws where other files are in it, which would go with the cluster one day. */
  claimFolder(): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    // A start that did not come to its end leaves these.
    const other = readdirSync(this.folder).find((name) => !/^(busy\.pid|pki\.json|cluster\.json|api-server\.yaml|identity\.json|wireguard\.key|run$|log$)/.test(name));
    if (other !== undefined) {
      throw new UserError(`${this.folder} holds other things than a cluster (${other}), and would be removed with the cluster`, 'an empty folder, or one that is not there yet: wherry start --data-dir DIR');
    }
  }

  write(config: ClusterConfig): void {
    for (const dir of [this.folder, this.runDir, this.logDir]) mkdirSync(dir, { recursive: true, mode: 0o700 });
    const fresh = `${this.configFile}.new`;
    writeFileSync(fresh, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
    renameSync(fresh, this.configFile);
  }

  remove(): void {
    try {
      rmSync(this.folder, { recursive: true, force: true });
    } catch (error) {
      // A folder that is a disk of its own cannot go, but its contents can.
      if (readdirSync(this.folder).length > 0) throw error;
    }
  }
}

/** Pods of a node are `10.x.NUMBER.0/24`, and its address must stay under the load balancer's pool. */
export const MAX_NODES = HIGHEST_NODE_NUMBER;

/** The first node is called like the cluster, as with minikube. */
export function nodeName(profile: string, index: number): string {
  return index === 1 ? profile : `${profile}-${index}`;
}
