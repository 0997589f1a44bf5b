import { spawn } from 'node:child_process';

const PATIENCE_MS = 1500;

/** Asks the desktop to show an address. Resolves to false where there is no desktop or nothing that shows pages. */
export async function openBrowser(url: string, { platform, env }: Pick<NodeJS.Process, 'platform' | 'env'>): Promise<boolean> {
  if (platform === 'linux' && !env['DISPLAY'] && !env['WAYLAND_DISPLAY'] && !env['WSL_DISTRO_NAME']) return false;
  const argv = platform === 'darwin' ? ['open', url] : env['WSL_DISTRO_NAME'] ? ['cmd.exe', '/c', 'start', url] : ['xdg-open', url];
  return await new Promise((resolve) => {
    const child = spawn(argv[0]!, argv.slice(1), { stdio: 'ignore', detached: true });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
    // Some of these stay for as long as the browser does: who has not failed by then has not failed.
    setTimeout(() => resolve(true), PATIENCE_MS).unref();
    child.unref();
  });
}
