import { UserError } from '../../../base/user-error.ts';
import { clientOf, readPki } from '../../../cluster/cluster-client.ts';
import { ownAddresses } from '../../../cluster/join/this-machine.ts';
import { createToken, parseTtl, publicKeyHash } from '../../../cluster/join/token.ts';
import { clusterOptions, type Command } from '../../command.ts';
import { profileOf, runningCluster, systemClock } from '../../tools.ts';

export const command: Command = {
  usage: 'node token [--ttl TIME] [--profile NAME]',
  name: 'node token',
  summary: 'Makes a token with which another machine can join as a node, and prints the command for that machine.',
  options: { ...clusterOptions, ttl: { type: 'string', value: 'TIME', default: '24h', description: 'how long the token is good: 30m, 24h, 7d' } },
  async run(values, _positionals, io) {
    const profile = profileOf(values);
    const ttlMs = parseTtl(values.ttl as string);
    const config = runningCluster(profile);
    if (config.listenAddress === undefined) {
      const [address = 'ADDRESS'] = ownAddresses();
      throw new UserError(`the API server of the cluster "${profile.name}" answers on this machine alone`, `wherry stop${option(profile.name)}, then wherry start${option(profile.name)} --listen-address ${address}`);
    }
    using client = clientOf(profile, config);
    const { id, secret } = await createToken(client, systemClock, ttlMs);
    io.out(`wherry node join https://${config.listenAddress}:${config.apiPort} --token ${id}.${secret} --ca-cert-hash ${publicKeyHash(readPki(profile).authority.certificate)}\n`);
    if (io.terminal) io.err(`Good for ${String(values.ttl)}, for any number of machines. Take it back: wherry kubectl delete secret -n kube-system bootstrap-token-${id}\n`);
  },
};

const option = (profile: string): string => (profile === 'wherry' ? '' : ` --profile ${profile}`);
