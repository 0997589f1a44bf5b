import { KUBERNETES_VERSION, WHERRY_VERSION } from '../../api/version.ts';
import type { Command } from '../command.ts';

export const command: Command = {
  usage: 'version',
  summary: 'Prints the version of wherry and the Kubernetes version that it is.',
  options: {},
  async run(_values, _positionals, io) {
    io.out(`wherry ${WHERRY_VERSION} (Kubernetes ${KUBERNETES_VERSION}, Node ${process.version})\n`);
  },
};
