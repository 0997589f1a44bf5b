import { stringify } from 'yaml';
import { readPki } from '../../cluster/cluster-client.ts';
import { clusterOptions, type Command } from '../command.ts';
import { ownCluster, profileOf } from '../tools.ts';

export const command: Command = {
  usage: 'kubeconfig [--profile NAME]',
  summary: 'Prints a kubeconfig of the cluster, for clients that read a file of their own.',
  options: clusterOptions,
  async run(values, _positionals, io) {
    const profile = profileOf(values);
    const config = ownCluster(profile);
    const pki = readPki(profile);
    const base64 = (pem: string): string => Buffer.from(pem).toString('base64');
    const { name } = profile;
    io.out(stringify({
      apiVersion: 'v1', kind: 'Config', 'current-context': name, preferences: {},
      clusters: [{ name, cluster: { 'certificate-authority-data': base64(pki.authority.certificate), server: `https://127.0.0.1:${config.apiPort}` } }],
      contexts: [{ name, context: { cluster: name, namespace: 'default', user: name } }],
      users: [{ name, user: { 'client-certificate-data': base64(pki.admin.certificate), 'client-key-data': base64(pki.admin.key) } }],
    }, { lineWidth: 0 }));
  },
};
