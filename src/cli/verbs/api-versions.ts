import { apiVersionOf } from '../../api/object.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

export const verb: Verb = {
  usage: '',
  summary: 'Print the supported API versions on the server, in the form of "group/version"',
  flags: {},
  async run({ session, io, args }) {
    if (args.length > 0) throw new KubectlError(`unexpected arguments: [${args.join(' ')}]\nSee 'kubectl api-versions -h' for help and examples`);
    const versions = new Set((await session.discovered()).resources.map(apiVersionOf));
    io.out([...versions].toSorted().map((version) => `${version}\n`).join(''));
  },
};
