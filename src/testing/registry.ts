import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../base/user-error.ts';
import { freePort } from './free-port.ts';

export interface Registry extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
}

/** Debian's docker-registry on loopback over a temporary folder; disposing ends it and removes the folder. */
export async function startRegistry(): Promise<Registry> {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-registry-'));
  const port = await freePort();
  const configFile = join(folder, 'config.yml');
  writeFileSync(configFile, `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}/data}, delete: {enabled: true}}\nhttp: {addr: "127.0.0.1:${port}"}\n`);
  const child = spawn('docker-registry', ['serve', configFile], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (error) => reject(new UserError(`docker-registry does not start: ${error.message}`, 'apt-get install docker-registry')));
    child.once('exit', (code) => reject(new Error(`docker-registry ended with code ${code}: ${errors}`)));
  });
  failed.catch(() => { /* Reported to whoever waits below; after the start an exit is our own doing. */ });
  const url = `http://127.0.0.1:${port}`;
  const answering = async (): Promise<void> => {
    for (let attempt = 0; attempt < 200; attempt++) {
      const ok = await fetch(`${url}/v2/`).then((answer) => answer.ok, () => false);
      if (ok) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`docker-registry does not answer on ${url}: ${errors}`);
  };
  try {
    await Promise.race([answering(), failed]);
  } catch (error) {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
