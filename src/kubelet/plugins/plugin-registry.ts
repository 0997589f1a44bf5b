import { watch, type FSWatcher } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { PluginSocket } from './plugin-socket.ts';
import { registrationService } from './registration-protocol.ts';

/** What a plugin says of itself. */
export interface Plugin {
  readonly name: string;
  /** The socket that it serves, which need not be the one that it registered with. */
  readonly endpoint: string;
  readonly supportedVersions: readonly string[];
}

/** A plugin in use. Disposing lets go of it; the plugin itself may go on. */
export interface RegisteredPlugin extends Disposable {
  /** It is no longer there. */
  gone(): Promise<void>;
}

/** Whom plugins of one type are for. */
export interface PluginHandler {
  /** `CSIPlugin`, `DRAPlugin` */
  readonly type: string;
  /** Takes a plugin into use. Rejects, in words for its author, where that cannot be. */
  register(plugin: Plugin): Promise<RegisteredPlugin>;
}

interface PluginInfo extends Plugin {
  readonly type: string;
}

export interface PluginRegistryOptions {
  /** Sockets of plugins appear in it. */
  readonly folder: string;
  readonly handlers: readonly PluginHandler[];
  readonly clock: Clock;
  readonly log: Log;
}

const SETTLE_MS = 100;
/** A plugin that could not be registered is tried again so often, in milliseconds. */
const RETRY_MS = 5000;
const QUICK_MS = 10_000;

/** Plugins of a node: each is found by the socket that it puts into a folder, asked who it is, and handed to whom it is for. Upstream: kubelet/pluginmanager. */
export class PluginRegistry implements AsyncDisposable {
  readonly #options: PluginRegistryOptions;
  /** By the socket they registered with. */
  readonly #registered = new Map<string, { readonly inode: number; readonly name: string; readonly plugin: RegisteredPlugin }>();
  #watcher: FSWatcher | undefined;
  #timer: Disposable | undefined;
  #looking: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(options: PluginRegistryOptions) {
    this.#options = options;
  }

  /** Makes the folder and follows what appears in it. */
  async start(): Promise<void> {
    const { folder, log } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o750 });
    if (this.#ended) return;
    this.#watcher = watch(folder, () => this.#lookSoon(SETTLE_MS));
    this.#watcher.on('error', (error) => log.debug('cannot watch the sockets of plugins', { error }));
    this.#lookSoon(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#watcher?.close();
    this.#timer?.[Symbol.dispose]();
    await this.#looking;
    for (const { plugin } of this.#registered.values()) plugin[Symbol.dispose]();
  }

  #lookSoon(milliseconds: number): void {
    if (this.#ended) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#options.clock.timer(milliseconds, () => {
      this.#timer = undefined;
      this.#looking = this.#looking.then(() => this.#look()).catch((error: unknown) => {
        this.#options.log.warn('cannot see which plugins there are', { error });
        this.#lookSoon(RETRY_MS);
      });
    });
  }

  async #look(): Promise<void> {
    if (this.#ended) return;
    const { folder, log } = this.#options;
    const present = new Map<string, number>();
    for (const name of await readdir(folder)) {
      if (name.startsWith('.')) continue;
      const found = await stat(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      if (found?.isSocket()) present.set(join(folder, name), found.ino);
    }
    for (const [path, { inode, name, plugin }] of this.#registered) {
      if (present.get(path) === inode) continue;
      this.#registered.delete(path);
      plugin[Symbol.dispose]();
      log.info('a plugin has gone', { plugin: name });
      await plugin.gone();
    }
    for (const [path, inode] of present) {
      if (this.#registered.has(path)) continue;
      try {
        await this.#register(path, inode);
      } catch (error) {
        log.warn('cannot register a plugin', { path, error });
        this.#lookSoon(RETRY_MS);
      }
    }
  }

  async #register(path: string, inode: number): Promise<void> {
    const { clock, log, handlers } = this.#options;
    using registrar = new PluginSocket(path, registrationService, clock);
    const info = await registrar.call<PluginInfo>('GetInfo', {}, QUICK_MS);
    const handler = handlers.find(({ type }) => type === info.type);
    if (!handler) throw new Error(`no handler registered for plugin type: ${info.type} at socket ${path}`);
    let plugin: RegisteredPlugin;
    try {
      plugin = await handler.register({ ...info, endpoint: info.endpoint || path });
    } catch (error) {
      await registrar.call('NotifyRegistrationStatus', { pluginRegistered: false, error: (error as Error).message }, QUICK_MS);
      throw error;
    }
    this.#registered.set(path, { inode, name: info.name, plugin });
    log.info('a plugin has registered', { plugin: info.name, type: info.type });
    await registrar.call('NotifyRegistrationStatus', { pluginRegistered: true, error: '' }, QUICK_MS);
  }
}
