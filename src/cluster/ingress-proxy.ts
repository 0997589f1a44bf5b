import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority } from '../base/certificates.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { UserError } from '../base/user-error.ts';
import { certificateList, haproxyConfiguration, MIRROR_SCRIPT, type IngressProxy, type ProxyPlace } from '../ingress/index.ts';
import { findProcess, findProgram, run, signalProcess, stopProcess, type NodeGround } from '../machine/index.ts';
import { groundOf } from './launch.ts';
import type { Profile } from './profile.ts';

/** What HAProxy's master writes when it has taken over a configuration, and hears signals again: those that come before are lost. */
const TAKEN_OVER = 'Loading success';
const TRIES = 5;
const TRY_MS = 2_000;

/** Throws a UserError that says how to get it. */
export function requireHaproxy(): void {
  if (!findProgram('haproxy')) throw new UserError('the program haproxy is missing, which serves ingresses', 'apt-get install haproxy (nothing of it needs to run: systemctl disable --now haproxy)');
}

/**
 * HAProxy in the network of the first node that runs. It outlives us, as containers do, and is taken up again by its pid file; it ends with its node.
 * A change is checked, then taken over without a connection lost: new workers get the listeners of the old ones, which end with their last connection.
 */
export function haproxyOnNode(profile: Profile, { clock, log }: { readonly clock: Clock; readonly log: Log }): IngressProxy {
  const folder = join(profile.folder, 'ingress');
  const configuration = join(folder, 'haproxy.cfg');
  const pidFile = join(profile.runDir, 'ingress.pid');
  const fallback = join(folder, 'unknown-host.pem');
  const logFile = join(profile.logDir, 'ingress.log');
  let applied: string | undefined;

  const takeovers = (): number => (existsSync(logFile) ? readFileSync(logFile, 'utf8').split(TAKEN_OVER).length - 1 : 0);
  /** Asks HAProxy to take over its configuration, again where it did not hear; resolves when it has. */
  const untilTakenOver = async (ask: (attempt: number) => void): Promise<void> => {
    const before = takeovers();
    for (let attempt = 0; attempt < TRIES; attempt++) {
      ask(attempt);
      for (const deadline = clock.monotonic() + TRY_MS; clock.monotonic() < deadline; await clock.sleep(20)) if (takeovers() > before) return;
    }
    throw new Error(`HAProxy did not take over its configuration within ${(TRIES * TRY_MS) / 1000} s; ${logFile} may say why`);
  };

  const place = (): NodeGround | undefined => {
    const config = profile.mustRead();
    const node = config.nodes.find(({ name }) => findProcess(profile.nodePidFile(name)));
    return node && groundOf(profile, config, node);
  };
  return {
    async apply(routing) {
      const ground = place();
      if (!ground) return undefined;
      requireHaproxy();
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      if (!existsSync(fallback)) {
        const { key, certificate } = await createAuthority('wherry ingress without a certificate', { now: clock.now() });
        writeFileSync(fallback, `${certificate}${key}`, { mode: 0o600 });
      }
      // Named by what is in them: what is in force is not touched, and another certificate is another configuration.
      const files = new Map<string, string>();
      const file = (content: string, ending: string): string => {
        const path = join(folder, `${createHash('sha256').update(content).digest('hex').slice(0, 20)}.${ending}`);
        files.set(path, content);
        return path;
      };
      const lists = new Map(routing.listeners.map(({ name, certificates }) => {
        const pems = new Map(certificates.map(({ secret, pem }) => [secret, pem]));
        return [name, certificateList(certificates, fallback, (secret) => file(pems.get(secret)!, 'pem'))];
      }));
      const user = /^haproxy:/m.test(readFileSync('/etc/passwd', 'utf8')) ? { user: 'haproxy' } : {};
      const text = haproxyConfiguration(routing, { address: ground.address, certificateList: (listener) => file(lists.get(listener)!, 'list'), mirrorScript: () => file(MIRROR_SCRIPT, 'lua'), ...user });
      const here = { address: ground.address, nodeName: ground.nodeName };
      const running = findProcess(pidFile);
      if (running && applied === text) return here;

      for (const [path, content] of files) writeFileSync(path, content, { mode: 0o600 });
      const candidate = `${configuration}.new`;
      writeFileSync(candidate, text);
      await run(['haproxy', '-c', '-f', candidate]);
      // Another node than before: it has another address.
      const moved = running && !(existsSync(configuration) && readFileSync(configuration, 'utf8').includes(`  bind ${ground.address}:80\n`));
      if (moved) await stopProcess(running, { clock, file: pidFile });
      renameSync(candidate, configuration);
      if (running && !moved) await untilTakenOver(() => void signalProcess(running, 'SIGUSR2'));
      else {
        mkdirSync(profile.logDir, { recursive: true });
        await untilTakenOver((attempt) => {
          if (attempt === 0) ground.launch(['haproxy', '-W', '-db', '-f', configuration], { logFile, pidFile });
        });
        log.info('started HAProxy', { node: ground.nodeName, address: ground.address });
      }
      applied = text;
      for (const name of readdirSync(folder)) if (/^[\da-f]{20}\.(pem|list|lua)$/.test(name) && !files.has(join(folder, name))) rmSync(join(folder, name));
      return here;
    },
    async stop() {
      const running = findProcess(pidFile);
      if (running) await stopProcess(running, { clock, file: pidFile });
      rmSync(folder, { recursive: true, force: true });
      applied = undefined;
    },
  };
}

/** Of simulated nodes: the address is for show. */
export function noIngressProxy(place: ProxyPlace): IngressProxy {
  return { apply: async () => place, stop: async () => undefined };
}
