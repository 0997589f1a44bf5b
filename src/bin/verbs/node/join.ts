import { hostname } from 'node:os';
import { UserError } from '../../../base/user-error.ts';
import { joinCluster } from '../../../cluster/join/join-cluster.ts';
import { withStartLock } from '../../../cluster/start-lock.ts';
import { LINK_KINDS } from '../../../machine/index.ts';
import { clusterOptions, type Command } from '../../command.ts';
import { oneOf, registryMirrors } from '../../option-values.ts';
import { Progress } from '../../progress.ts';
import { profileOf, systemClock, verbLog } from '../../tools.ts';

export const command: Command = {
  usage: 'node join SERVER --token TOKEN --ca-cert-hash sha256:HASH [--name NAME] [--backend host-gw|vxlan|wireguard]',
  name: 'node join',
  summary: 'Makes this machine a node of a cluster on another machine; "wherry node token" there prints the whole command. Returns when the node is Ready.\n'
    + 'Needs root, real containers, and from machine to machine TCP to the API server; for VXLAN UDP port 8472, for WireGuard UDP ports from 51820.',
  options: {
    ...clusterOptions,
    profile: { ...clusterOptions.profile, description: 'what the node is called on this machine, for stop, start, leave' },
    token: { type: 'string', value: 'TOKEN', description: 'from "wherry node token"' },
    'ca-cert-hash': { type: 'string', value: 'sha256:HASH', description: 'of the public key of the cluster\'s authority: nobody else can pose as it' },
    name: { type: 'string', value: 'NAME', description: 'of the node (default: this machine\'s host name)' },
    backend: { type: 'string', value: 'KIND', description: 'how packets go to other machines: host-gw (routes), vxlan, wireguard (encrypted); default: host-gw where there is no router in between, else vxlan' },
    egress: { type: 'string', value: 'on|off', description: 'whether pods may reach what is outside of the cluster (default: as the cluster has it)' },
    'registry-mirror': { type: 'string', multiple: true, value: 'HOST=URL', description: 'a registry to ask for the images of HOST' },
  },
  positionals: ['SERVER'],
  async run(values, [server], io) {
    const profile = profileOf(values);
    const [token, hash] = [values.token, values['ca-cert-hash']] as readonly (string | undefined)[];
    if (token === undefined || hash === undefined) throw new UserError(`missing ${token === undefined ? '--token' : '--ca-cert-hash'}`, 'the whole command is printed on the first machine by: wherry node token');
    const name = ((values.name as string | undefined) ?? hostname()).toLowerCase();
    if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) throw new UserError(`"${name}" cannot name a node`, '--name NAME, of at most 63 lower-case letters, digits and "-"');
    const backend = oneOf(values, 'backend', LINK_KINDS);
    const egress = oneOf(values, 'egress', ['on', 'off']);
    const mirrors = registryMirrors(values);
    const progress = new Progress(io, systemClock);
    await withStartLock(profile, () => joinCluster(profile, { server: server!, token, hash, name, ...(backend && { backend }), ...(egress && { egress: egress === 'on' }), ...(mirrors && { registryMirrors: mirrors }) },
      { clock: systemClock, log: verbLog(), steps: progress, signal: io.signal }));
    progress.say(`This machine is the node ${name} (${progress.elapsed}). See it there: kubectl get nodes. End it here: wherry node leave${profile.name === 'wherry' ? '' : ` --profile ${profile.name}`}`);
  },
};
