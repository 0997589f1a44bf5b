import { flagHelp } from '../command/flag-help.ts';
import { globalFlags } from '../command/session.ts';
import type { Verb } from '../command/verb.ts';

export const verb: Verb = {
  usage: '',
  summary: 'Print the list of flags inherited by all commands',
  flags: {},
  async run({ io }) {
    io.out(`The following options can be passed to any command:\n\n${flagHelp(globalFlags)}`);
  },
};
