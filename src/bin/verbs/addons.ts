import { UserError } from '../../base/user-error.ts';
import { addons } from '../../cluster/addons.ts';
import { findProcess, signalProcess } from '../../machine/index.ts';
import { clusterOptions, type Command } from '../command.ts';
import { ownCluster, profileOf } from '../tools.ts';

export const command: Command = {
  usage: 'addons list | enable NAME | disable NAME [--profile NAME]',
  summary: 'Lists, enables or disables the add-ons of a cluster; a running cluster follows at once.',
  options: clusterOptions,
  positionals: ['list|enable|disable', '[NAME]'],
  async run(values, [verb, name], io) {
    const profile = profileOf(values);
    const config = ownCluster(profile);
    if (verb === 'list') {
      for (const [key, { summary }] of Object.entries(addons)) io.out(`${key}  ${config.addons.includes(key) ? 'enabled' : 'disabled'}  ${summary}\n`);
      return;
    }
    if (verb !== 'enable' && verb !== 'disable') throw new UserError(`"addons ${verb}" is not a verb of wherry`, 'wherry addons list, wherry addons enable NAME, wherry addons disable NAME');
    if (name === undefined || !Object.hasOwn(addons, name)) throw new UserError(name ? `there is no add-on "${name}"` : 'which add-on?', `one of ${Object.keys(addons).join(', ')}`);
    if (verb === 'enable') addons[name]!.check?.(config);
    const others = config.addons.filter((addon) => addon !== name);
    profile.write({ ...config, addons: verb === 'enable' ? [...others, name] : others });
    const server = findProcess(profile.serverPidFile);
    if (server) signalProcess(server, 'SIGHUP');
    io.out(`${name} is ${verb}d${server ? '' : ' and takes effect with the next start'}\n`);
  },
};
