import { KUBERNETES_VERSION } from '../../api/version.ts';
import { toYaml } from '../printers/yaml.ts';
import type { Verb } from '../command/verb.ts';
import type { KubectlIo } from '../command/kubectl-io.ts';
import { KubectlError } from '../command/kubectl-error.ts';

interface VersionInfo { readonly gitVersion: string; readonly [field: string]: unknown }

export const verb: Verb = {
  usage: '[--client]',
  summary: 'Print the client and server version information',
  flags: {
    client: { type: 'bool', usage: 'If true, shows client version only (no server required).' },
    output: { short: 'o', type: 'string', usage: "One of 'yaml' or 'json'." },
  },
  async run({ flags, session, io, args }) {
    if (args.length > 0) throw new KubectlError(`extra arguments: [${args.join(' ')}]`);
    const output = flags.string('output');
    if (!['', 'json', 'yaml'].includes(output)) throw new KubectlError(`--output must be 'yaml' or 'json'`);
    const [major, minor] = KUBERNETES_VERSION.slice(1).split('.');
    const clientVersion = { major, minor, gitVersion: KUBERNETES_VERSION, compiler: 'wherry', platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}` };
    // Ours, which follows that version.
    const kustomizeVersion = 'v5.5.0';
    const serverVersion = flags.bool('client') ? undefined : await session.json<VersionInfo>('/version');
    if (serverVersion) warnOfSkew(io, Number(minor), serverVersion.gitVersion);
    if (output === '') {
      io.out(`Client Version: ${clientVersion.gitVersion}\nKustomize Version: ${kustomizeVersion}\n${serverVersion ? `Server Version: ${serverVersion.gitVersion}\n` : ''}`);
      return;
    }
    const all = { clientVersion, kustomizeVersion, ...(serverVersion && { serverVersion }) };
    io.out(output === 'json' ? `${JSON.stringify(all, null, 2)}\n` : toYaml(all));
  },
};

/** A client works with servers one minor version older or newer. */
function warnOfSkew(io: KubectlIo, client: number, gitVersion: string): void {
  const server = Number(/^v1\.(\d+)/.exec(gitVersion)?.[1] ?? client);
  if (Math.abs(server - client) > 1) io.err(`WARNING: version difference between client (1.${client}) and server (1.${server}) exceeds the supported minor version skew of +/-1\n`);
}
