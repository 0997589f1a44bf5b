import { systemRandom } from '../../base/random.ts';
import { openTunnel } from '../../cluster/tunnel.ts';
import { clusterOptions, type Command } from '../command.ts';
import { ownCluster, profileOf, systemClock, verbLog } from '../tools.ts';

export const command: Command = {
  usage: 'tunnel [--profile NAME]',
  summary: 'Plays the infrastructure: gives every service of type LoadBalancer an address that this machine reaches, until it is ended (Ctrl-C).',
  options: clusterOptions,
  async run(values, _positionals, io) {
    const profile = profileOf(values);
    await using _tunnel = await openTunnel(profile, ownCluster(profile), {
      clock: systemClock, random: systemRandom, log: verbLog(),
      onChange({ service, address }) {
        const name = `${service.metadata.namespace}/${service.metadata.name}`;
        io.out(address ? `${name}: ${service.spec.ports?.map(({ port }) => `http://${address}:${port}/`).join(' ')}\n` : `${name}: address taken back\n`);
      },
    });
    io.err('The tunnel is open; Ctrl-C takes all addresses back.\n');
    if (!io.signal.aborted) await new Promise((resolve) => io.signal.addEventListener('abort', resolve, { once: true }));
  },
};
