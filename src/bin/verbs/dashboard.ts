import { createInterface } from 'node:readline';
import { systemRandom } from '../../base/random.ts';
import { UserError } from '../../base/user-error.ts';
import { createHttpClient } from '../../client/http-client.ts';
import { resolveContext, type ResolvedContext } from '../../client/kubeconfig.ts';
import { startDashboard } from '../../dashboard/dashboard-server.ts';
import { loadPageFiles } from '../../dashboard/page-files.ts';
import type { Command, Values } from '../command.ts';
import { tunnelOf } from '../dashboard-tunnel.ts';
import { openBrowser } from '../open-browser.ts';
import { systemClock, verbLog } from '../tools.ts';

export const command: Command = {
  usage: 'dashboard [--context NAME] [--kubeconfig FILE] [--port N] [--url]',
  summary: 'Opens a page in the browser that shows a cluster, live, and changes it; with any context of the kubeconfig, until it is ended (Ctrl-C).',
  options: {
    context: { type: 'string', value: 'NAME', description: 'the context of the kubeconfig, when not the current one' },
    kubeconfig: { type: 'string', value: 'FILE', description: "the kubeconfig, when not kubectl's" },
    port: { type: 'string', value: 'N', default: '0', description: 'the port on 127.0.0.1; 0 is any free one' },
    url: { type: 'boolean', description: 'only print the address, open no browser' },
  },
  async run(values, _positionals, io) {
    const port = Number(values['port']);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UserError(`"${String(values['port'])}" is not a port`, 'wherry dashboard --port 0');
    const { connection, contextName, namespace } = contextOf(values);
    using http = createHttpClient({ ...connection, userAgent: 'wherry-dashboard' });
    const base = { clock: systemClock, random: systemRandom, log: verbLog() };
    const tunnel = tunnelOf(contextName, connection.server, base);
    await using dashboard = await startDashboard({ ...base, http, contextName, namespace, port, page: await loadPageFiles(), tunnel });
    const show = (): string => {
      const address = dashboard.invite();
      io.out(`${address}\n`);
      return address;
    };
    const address = show();
    const opened = !values['url'] && (await openBrowser(address, process));
    io.err(`The dashboard of ${contextName || connection.server} ${opened ? 'opens in your browser' : 'is at this address, which is good once and for five minutes'}. ${process.stdin.isTTY ? 'Enter gives a fresh address; ' : ''}Ctrl-C ends it.\n`);
    const lines = process.stdin.isTTY ? createInterface({ input: process.stdin }).on('line', show) : undefined;
    if (!io.signal.aborted) await new Promise((resolve) => io.signal.addEventListener('abort', resolve, { once: true }));
    lines?.close();
  },
};

function contextOf(values: Values): ResolvedContext {
  let found: ResolvedContext;
  try {
    found = resolveContext({ env: process.env, context: values['context'] as string | undefined, kubeconfig: values['kubeconfig'] as string | undefined });
  } catch (error) {
    throw new UserError((error as Error).message, 'wherry start, or kubectl config get-contexts', { cause: error });
  }
  // What kubectl falls back to is nobody's cluster.
  if (!found.contextName && found.connection.server === 'http://localhost:8080') throw new UserError('there is no cluster in the kubeconfig', 'wherry start');
  return found;
}
