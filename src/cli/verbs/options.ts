import { flagHelp } from '../flag-help.ts';
import { globalFlags } from '../session.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  usage: '',
  summary: 'Print the list of flags inherited by all commands',
  flags: {},
  async run({ io }) {
    io.out(`The following options can be passed to any command:\n\n${flagHelp(globalFlags)}`);
  },
};
