import { KUBERNETES_VERSION } from '../../api/version.ts';
import { toYaml } from '../printers/yaml.ts';
import { KubectlError, type Verb } from '../verb.ts';

interface VersionInfo { readonly gitVersion: string; readonly [field: string]: unknown }

export const verb: Verb = {
  usage: '[--client]',
  summary: 'Print the client and server version information',
  flags: {
    client: { type: 'bool', usage: 'If true, shows client version only (no server required).' },
    output: { short: 'o', type: 'string', usage: "One of 'yaml' or 'json'." },
  },
  async run({ flags, session, io }) {
    const output = flags.string('output');
    if (!['', 'json', 'yaml'].includes(output)) throw new KubectlError(`--output must be 'yaml' or 'json'`);
    const [major, minor] = KUBERNETES_VERSION.slice(1).split('.');
    const clientVersion = { major, minor, gitVersion: KUBERNETES_VERSION, compiler: 'wherry', platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}` };
    const kustomizeVersion = 'none';
    const serverVersion = flags.bool('client') ? undefined : await session.json<VersionInfo>('/version');
    if (output === '') {
      io.out(`Client Version: ${clientVersion.gitVersion}\nKustomize Version: ${kustomizeVersion}\n${serverVersion ? `Server Version: ${serverVersion.gitVersion}\n` : ''}`);
      return;
    }
    const all = { clientVersion, kustomizeVersion, ...(serverVersion && { serverVersion }) };
    io.out(output === 'json' ? `${JSON.stringify(all, null, 2)}\n` : toYaml(all));
  },
};
